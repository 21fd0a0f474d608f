/** Bodies that do not come whole: cut after so many bytes, on every route that takes one, by clients that vanish. */
import { member, tar } from "../../support/tar_bytes.ts";
import { type Case, type Group, HOST, JSON_TYPE } from "./case.ts";

const BODY = "0123456789abcdef".repeat(4096);
const JSON_BODY = JSON.stringify({ name: "cut", retention_class: "working", metadata: { x: "y".repeat(2000) } });
const TAR = Buffer.from(
  tar(member({ name: "one" }, "x".repeat(3000)), member({ name: "two" }, "y".repeat(3000))),
).toString("latin1");
const PARTIAL = "Content-Type: application/partial-upload\r\nUpload-Offset: 0\r\nUpload-Complete: ?0\r\n";

const ROUTES: readonly (readonly [name: string, method: string, target: string, headers: string, body: string])[] = [
  ["a package", "POST", "/packages", JSON_TYPE, JSON_BODY],
  ["a file", "PUT", "/packages/{open}/files/cut", "", BODY],
  [
    "a file with a digest",
    "PUT",
    "/packages/{open}/files/cut",
    "Repr-Digest: sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:\r\n",
    BODY,
  ],
  ["a file for another", "PUT", "/packages/{open}/files/there?replace=true", "", BODY],
  ["a link", "PUT", "/packages/{open}/files/cut?kind=symlink", "", "target".repeat(100)],
  ["an archive", "POST", "/packages/{open}/archive", "Content-Type: application/x-tar\r\n", TAR],
  ["a whole upload", "POST", "/uploads?package_id={open}&path=cut", "Upload-Complete: ?1\r\n", BODY],
  ["the beginning of an upload", "POST", "/uploads?package_id={open}&path=cut", "Upload-Complete: ?0\r\n", BODY],
  ["more of an upload", "PATCH", "/uploads/{cut}", PARTIAL, BODY],
  [
    "more of an upload with a digest",
    "PATCH",
    "/uploads/{cut}",
    `${PARTIAL}Content-Digest: sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:\r\n`,
    BODY,
  ],
  ["a schema", "PUT", "/metadata-schemas/cut", JSON_TYPE, `{"title":"${"x".repeat(3000)}"}`],
  ["a reason", "POST", "/packages/{open}/abandon", JSON_TYPE, `{"reason":"${"x".repeat(3000)}"}`],
];

/** Where it is cut: shares of the body. */
const CUTS = [0, 0.001, 0.3, 0.5, 0.9, 1];

/** An answer may come before the end is missed; mostly nobody is there to hear it. */
const ANY = [0, 200, 201, 204, 400, 404, 408, 409, 413, 415, 422, 429];

const cut: Group = ROUTES.flatMap(([name, method, target, headers, body]) =>
  CUTS.flatMap((share) =>
    (["reset", "end"] as const).flatMap((ending) =>
      [false, true].map((chunked): Case => {
        const piece = body.slice(0, Math.min(body.length - 1, Math.floor(body.length * share)));
        const size = chunked ? "Transfer-Encoding: chunked" : `Content-Length: ${body.length}`;
        const sent = chunked && piece !== "" ? `${piece.length.toString(16)}\r\n${piece}\r\n` : piece;
        return {
          name: `${name}, cut after ${piece.length} bytes ${chunked ? "of chunks" : `of ${body.length}`} (${ending})`,
          send: `${method} ${target} HTTP/1.1\r\n${HOST}${headers}${size}\r\n\r\n${sent}`,
          wants: ending === "reset" ? ANY : ANY.filter((status) => status < 200 || status >= 400),
          ending,
        };
      }),
    ),
  ),
);

/** Cut inside the framing of a chunk. */
const framing: Group = [
  "4",
  "4\r",
  "4\r\nab",
  "4\r\nabcd",
  "4\r\nabcd\r",
  "4\r\nabcd\r\n",
  "4\r\nabcd\r\n0",
  "4\r\nabcd\r\n0\r\n",
  "4\r\nabcd\r\n0\r\nX: y",
].flatMap((sent) =>
  (["reset", "end"] as const).map((ending) => ({
    name: `a file, cut after the chunk ${JSON.stringify(sent)} (${ending})`,
    send: `PUT /packages/{open}/files/cut HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n${sent}`,
    wants: [0, 400, 408],
    ending,
  })),
);

/** Answers that nobody waits for. */
const unheard: Group = [
  "/packages",
  "/packages/{closed}/archive",
  "/packages/{closed}/files/large",
  "/events",
  "/events?wait=30&since=999999",
  "/objects/{object}",
  "/openapi.json",
  "/docs",
  "/health",
].flatMap((target) =>
  ["", "Accept: text/event-stream\r\n"].map((accept) => ({
    name: `nobody waits for ${target} ${accept.trim()}`,
    send: `GET ${target} HTTP/1.1\r\n${HOST}${accept}\r\n`,
    wants: [0, 200, 406],
    ending: "reset" as const,
  })),
);

/** Begun, and then nothing more comes: the server's clocks end it. A connection that was never used is just closed. */
const stalled: Group = [
  ["nothing", "", [0, 408]],
  ["half a method", "PO", [408]],
  ["a request line", "GET /packages HTTP/1.1\r\n", [408]],
  ["half a header", `GET /packages HTTP/1.1\r\n${HOST}X: y`, [408]],
  ...ROUTES.filter(([name]) => !name.includes("digest")).map(([name, method, target, headers, body]) => [
    name,
    `${method} ${target} HTTP/1.1\r\n${HOST}${headers}Content-Length: ${body.length}\r\n\r\n${body.slice(0, 100)}`,
    // Another request may have taken the same upload over, or closed it.
    target.startsWith("/uploads") ? [408, 409] : [408],
  ]),
  ["chunks", `PUT /packages/{open}/files/cut HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n4\r\nab`, [408]],
].map(([name, text, wants]) => ({ name: `${name}, and then nothing`, send: text as string, wants: wants as number[] }));

export const TRUNCATED: Readonly<Record<string, Group>> = { cut, framing, unheard, stalled };
