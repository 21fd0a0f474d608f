/** Calls and wanted answers, in order: later ones see what earlier ones did. */
import { createHash } from "node:crypto";
import { pattern, text } from "../../support/registry_fixture.ts";

export interface Call {
  /** `METHOD path`; `{name}` is what an earlier answer was kept as. */
  readonly call: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Strings and bytes as they are, everything else as JSON with its content type. */
  readonly body?: unknown;
  readonly status: number;
  /** `code` of a problem. */
  readonly code?: string;
  /** Wanted headers; `null`: not there. */
  readonly sends?: Readonly<Record<string, string | RegExp | null>>;
  /** The body: text or bytes exactly, or members of the JSON. */
  readonly gives?: string | Uint8Array | Readonly<Record<string, unknown>>;
  /** Keeps a member of the JSON, or a header, under a name. */
  readonly keep?: Readonly<Record<string, string>>;
}

const b64 = (algorithm: string, bytes: Uint8Array | string) => createHash(algorithm).update(bytes).digest("base64");

export const HELLO = "hello, world";
const HELLO_DIGEST = `sha-256=:${b64("sha256", HELLO)}:`;
export const BIG = pattern(9_000_001);
const JSON_TYPE = { "content-type": "application/json" };
const NOBODY = "/packages/019374e0-0000-7000-8000-000000000009";
const file = (path: string) => `/packages/{open}/files/${path}`;

const creating: readonly Call[] = [
  {
    call: "POST /packages",
    body: { name: "team/app", version: "1.0", retention_class: "working", metadata: { build: 7, __proto__: null } },
    headers: { "idempotency-key": "first" },
    status: 201,
    sends: { location: /^\/packages\/[0-9a-f-]{36}$/, "cache-control": "private, no-store", "content-length": /^\d+$/ },
    gives: { name: "team/app", state: "open", metadata: { build: 7 } },
    keep: { open: "package_id", created: "created_at" },
  },
  {
    call: "POST /packages",
    body: { retention_class: "working", metadata: { build: 7 }, version: "1.0", name: "team/app" },
    headers: { "idempotency-key": "first" },
    status: 201,
    gives: { package_id: "{open}", created_at: "{created}" },
  },
  {
    call: "POST /packages",
    body: { name: "other", retention_class: "working" },
    headers: { "idempotency-key": "first" },
    status: 422,
    code: "idempotency_mismatch",
  },
  {
    call: "POST /packages",
    body: { name: "other", retention_class: "working" },
    headers: { "idempotency-key": "not one" },
    status: 400,
    code: "invalid_argument",
  },
  { call: "POST /packages", body: { name: "x" }, status: 400, code: "invalid_argument" },
  { call: "POST /packages", body: { name: "X", retention_class: "working" }, status: 400, code: "invalid_name" },
  {
    call: "POST /packages",
    body: { name: "x", retention_class: "working", nmae: 1 },
    status: 400,
    code: "invalid_argument",
  },
  {
    call: "POST /packages",
    body: '{"name":"x","retention_class":"working","__proto__":1}',
    headers: JSON_TYPE,
    status: 400,
    code: "invalid_argument",
  },
  {
    call: "POST /packages",
    body: { name: "x", retention_class: "nope" },
    status: 422,
    code: "unknown_retention_class",
  },
  {
    call: "POST /packages",
    body: { name: "x", retention_class: "working", metadata: [] },
    status: 400,
    code: "invalid_argument",
  },
  {
    call: "POST /packages",
    body: { name: "x", retention_class: "working", metadata_schema: "none" },
    status: 422,
    code: "unknown_metadata_schema",
  },
  { call: "POST /packages", body: "{", headers: JSON_TYPE, status: 400, code: "invalid_argument" },
  {
    call: "POST /packages",
    body: new Uint8Array([0x22, 0xff, 0x22]),
    headers: JSON_TYPE,
    status: 400,
    code: "invalid_argument",
  },
  { call: "POST /packages", headers: JSON_TYPE, status: 400, code: "invalid_argument" },
  {
    call: "POST /packages",
    body: "{}",
    headers: { "content-type": "text/plain" },
    status: 415,
    code: "unsupported_media_type",
  },
  {
    call: "POST /packages",
    body: "{}",
    headers: { "content-type": "application/json; charset=latin1" },
    status: 415,
    code: "unsupported_media_type",
  },
  {
    call: "POST /packages",
    body: "{}",
    headers: { ...JSON_TYPE, "content-encoding": "gzip" },
    status: 415,
    code: "unsupported_media_type",
  },
  {
    call: "POST /packages",
    body: `${"[".repeat(65)}${"]".repeat(65)}`,
    headers: JSON_TYPE,
    status: 400,
    code: "invalid_argument",
  },
  { call: "POST /packages", body: "[".repeat(1_000_000), headers: JSON_TYPE, status: 400, code: "invalid_argument" },
  {
    call: "POST /packages",
    body: `"${"x".repeat(1_048_576)}"`,
    headers: JSON_TYPE,
    status: 413,
    code: "limit_exceeded",
  },
  { call: "PUT /packages", status: 405, code: "method_not_allowed", sends: { allow: "GET, HEAD, POST" } },
];

const finding: readonly Call[] = [
  { call: "GET /packages", status: 200, gives: { next_cursor: null, "items.0.package_id": "{open}" } },
  { call: "GET /packages?limit=1", status: 200, gives: { "items.length": 1, next_cursor: /^\d+$/ } },
  { call: "GET /packages?name_prefix=team/&state=open&metadata=build=7", status: 200, gives: { "items.length": 1 } },
  { call: "GET /packages?metadata=build=7&metadata=x=y", status: 200, gives: { items: [] } },
  { call: "GET /packages?created_before=2020-01-01T00:00:00Z", status: 200, gives: { items: [] } },
  { call: "GET /packages?external_system=jira&external_id=AS-1", status: 200, gives: { items: [] } },
  ...["limit=0", "limit=1001", "limit=1e2", "limit=1&limit=2", "cursor=x", "nmae=x", "state=gone", "metadata=x"].map(
    (query) => ({ call: `GET /packages?${query}`, status: 400, code: "invalid_argument" }),
  ),
  { call: "GET /packages?external_id=AS-1", status: 400, code: "invalid_argument" },
  { call: "GET /packages?created_after=now", status: 400, code: "invalid_argument" },
  { call: "GET /packages/{open}", status: 200, gives: { package_id: "{open}" } },
  { call: "HEAD /packages/{open}", status: 200, gives: "" },
  { call: `GET ${NOBODY}`, status: 404, code: "package_not_found" },
  { call: "GET /packages/x@y", status: 404, code: "package_not_found" },
  { call: "GET /packages/%E0%A4%A", status: 400, code: "invalid_argument" },
  { call: "GET /packages/%FF", status: 400, code: "invalid_argument" },
];

const filling: readonly Call[] = [
  {
    call: `PUT ${file("docs/a%20%22b%22%20%E2%82%AC.txt")}?executable=true`,
    body: HELLO,
    headers: { "content-type": "Text/Plain; charset=utf-8", "content-digest": HELLO_DIGEST, "if-none-match": "*" },
    status: 201,
    sends: { location: "/packages/{open}/files/docs/a%20%22b%22%20%E2%82%AC.txt", etag: /^"blake3:[0-9a-f]{64}"$/ },
    gives: { kind: "file", path: 'docs/a "b" €.txt', size: 12, executable: true, media_type: "text/plain" },
    keep: { hello: "content_address" },
  },
  { call: `PUT ${file("docs%2Fa%20%22b%22%20%E2%82%AC.txt")}`, body: "x", status: 409, code: "path_exists" },
  {
    call: `PUT ${file("docs/a%20%22b%22%20%E2%82%AC.txt")}`,
    body: "x",
    headers: { "if-none-match": "*" },
    status: 412,
    code: "precondition_failed",
  },
  { call: `PUT ${file("big.bin")}`, body: "small", status: 201, gives: { size: 5, media_type: null } },
  {
    call: `PUT ${file("big.bin")}?replace=true`,
    body: BIG,
    headers: { "repr-digest": `md5=:AAAA:, sha-512=:${b64("sha512", BIG)}:, sha-256=:${b64("sha256", BIG)}:` },
    status: 200,
    gives: { size: BIG.length },
  },
  { call: `PUT ${file("new.bin")}?replace=true`, body: "", status: 201, gives: { size: 0 } },
  { call: `PUT ${file("odd%252F%3F%23%5C.txt")}`, body: "odd", status: 201, gives: { path: "odd%2F?#\\.txt" } },
  {
    call: `PUT ${file("form")}`,
    body: "a=b",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    status: 201,
    gives: { media_type: null },
  },
  { call: `PUT ${file("empty")}?kind=directory`, status: 201, gives: { kind: "directory", path: "empty" } },
  {
    call: `PUT ${file("link")}?kind=symlink`,
    body: "big.bin",
    status: 201,
    gives: { kind: "symlink", target: "big.bin" },
  },
  { call: `PUT ${file("empty2")}?kind=directory`, body: "x", status: 413, code: "limit_exceeded" },
  { call: `PUT ${file("link2")}?kind=symlink`, body: "../../x", status: 400, code: "invalid_path" },
  { call: `PUT ${file("link2")}?kind=symlink`, body: "x".repeat(4097), status: 413, code: "limit_exceeded" },
  { call: `PUT ${file("link2")}?kind=symlink&replace=true`, body: "x", status: 400, code: "invalid_argument" },
  { call: `PUT ${file("x")}?kind=fifo`, body: "x", status: 400, code: "invalid_argument" },
  { call: `PUT ${file("x")}?replace=yes`, body: "x", status: 400, code: "invalid_argument" },
  { call: `PUT ${file("x")}?repalce=true`, body: "x", status: 400, code: "invalid_argument" },
  {
    call: `PUT ${file("x")}`,
    body: "x",
    headers: { "content-digest": HELLO_DIGEST },
    status: 422,
    code: "digest_mismatch",
  },
  {
    call: `PUT ${file("x")}`,
    body: "x",
    headers: { "repr-digest": `blake3=:${"A".repeat(43)}=:` },
    status: 422,
    code: "digest_mismatch",
  },
  ...["sha-256=abc", "sha-256=:!!:", "sha-256=:AAAA:", "nonsense", ""].map((digest) => ({
    call: `PUT ${file("x")}`,
    body: "x",
    headers: { "content-digest": digest },
    status: 400,
    code: "invalid_digest",
  })),
  {
    call: `PUT ${file("x")}`,
    body: "x",
    headers: { "content-encoding": "gzip" },
    status: 415,
    code: "unsupported_media_type",
  },
  {
    call: `PUT ${file("x")}`,
    body: "x",
    headers: { "content-type": "multipart/form-data; boundary=x" },
    status: 415,
    code: "unsupported_media_type",
  },
  {
    call: `PUT ${file("x")}`,
    body: "x",
    headers: { "content-type": "nonsense" },
    status: 400,
    code: "invalid_argument",
  },
  {
    call: `PUT ${file("x")}`,
    body: "x",
    headers: { "content-range": "bytes 0-0/2" },
    status: 400,
    code: "invalid_argument",
  },
  { call: `PUT ${file("x")}`, body: "x", headers: { "if-match": '"x"' }, status: 400, code: "invalid_argument" },
  { call: `PUT ${file("x")}`, body: "x", headers: { "if-none-match": '"x"' }, status: 400, code: "invalid_argument" },
  {
    call: `PUT ${file("x")}?replace=true`,
    body: "x",
    headers: { "if-none-match": "*" },
    status: 400,
    code: "invalid_argument",
  },
  ...["a%2F..%2Fb", "%00", "a//b", "/a", "a%2F", "%2e%2e%2Fa", "x".repeat(256), `${"a/".repeat(256)}a`].map((path) => ({
    call: `PUT ${file(path)}`,
    body: "x",
    status: 400,
    code: "invalid_path",
  })),
  { call: `PUT ${file("%zz")}`, body: "x", status: 400, code: "invalid_argument" },
  { call: `PUT ${file("big.bin/below")}`, body: "x", status: 409, code: "path_conflict" },
  { call: `PUT ${NOBODY}/files/x`, body: "x", status: 404, code: "package_not_found" },
  { call: "PUT /packages/x/files/x", body: "x", status: 404, code: "package_not_found" },
  { call: `PUT ${file("gone")}`, body: "gone", status: 201 },
  { call: `DELETE ${file("gone")}`, status: 204, gives: "" },
  { call: `DELETE ${file("gone")}`, status: 404, code: "file_not_found" },
  { call: `POST ${file("gone")}`, status: 405, code: "method_not_allowed", sends: { allow: "GET, HEAD, PUT, DELETE" } },
];

const big = file("big.bin");
const reading: readonly Call[] = [
  {
    call: `GET ${file("docs%2Fa%20%22b%22%20%E2%82%AC.txt")}`,
    status: 200,
    gives: HELLO,
    sends: {
      "content-length": "12",
      "content-type": "text/plain",
      "content-disposition": `attachment; filename="a _b_ _.txt"; filename*=UTF-8''a%20%22b%22%20%E2%82%AC.txt`,
      "accept-ranges": "bytes",
      "repr-digest": /^sha-256=:[A-Za-z0-9+/]{43}=:, blake3=:[A-Za-z0-9+/]{43}=:$/,
      "content-security-policy": /sandbox/,
      "x-content-type-options": "nosniff",
      "cache-control": "private, no-cache",
      etag: '"{hello}"',
    },
  },
  { call: `GET ${file("odd%252F%3f%23%5c.txt")}`, status: 200, gives: "odd" },
  {
    call: `GET ${big}`,
    status: 200,
    gives: BIG,
    sends: { "content-length": String(BIG.length) },
    keep: { big: "etag" },
  },
  {
    call: `HEAD ${big}`,
    status: 200,
    gives: "",
    sends: { "content-length": String(BIG.length), "repr-digest": /sha-256/ },
  },
  { call: `GET ${file("new.bin")}`, status: 200, gives: "", sends: { "content-length": "0" } },
  ...(
    [
      ["bytes=0-0", 0, 1],
      ["bytes=5-9", 5, 10],
      ["bytes=9000000-", 9_000_000, 9_000_001],
      ["bytes=-3", 8_999_998, 9_000_001],
      ["bytes=-99999999", 0, 9_000_001],
      ["bytes=8999999-99999999999999999999", 8_999_999, 9_000_001],
      ["Bytes = 1-2", 1, 3],
    ] as const
  ).map(([range, start, end]) => ({
    call: `GET ${big}`,
    headers: { range },
    status: 206,
    gives: BIG.slice(start, end),
    sends: { "content-range": `bytes ${start}-${end - 1}/9000001`, "content-length": String(end - start) },
  })),
  ...["bytes=9000001-", "bytes=-0", "bytes=99999999999999999999-"].map((range) => ({
    call: `GET ${big}`,
    headers: { range },
    status: 416,
    code: "range_not_satisfiable",
    sends: { "content-range": "bytes */9000001" },
  })),
  ...["bytes=5-1", "bytes=0-1,3-4", "items=0-1", "bytes=x-", "bytes=-"].map((range) => ({
    call: `GET ${file("docs%2Fa%20%22b%22%20%E2%82%AC.txt")}`,
    headers: { range },
    status: 200,
    gives: HELLO,
    sends: { "content-range": null },
  })),
  { call: `GET ${file("new.bin")}`, headers: { range: "bytes=0-" }, status: 416, code: "range_not_satisfiable" },
  { call: `HEAD ${big}`, headers: { range: "bytes=0-1" }, status: 200, gives: "" },
  { call: `GET ${big}`, headers: { range: "bytes=0-1", "if-range": "{big}" }, status: 206, gives: BIG.slice(0, 2) },
  { call: `HEAD ${big}`, headers: { "if-none-match": "{big}" }, status: 304, gives: "" },
  {
    call: `GET ${big}`,
    headers: { "if-none-match": '"x", W/{big}' },
    status: 304,
    gives: "",
    sends: { etag: "{big}" },
  },
  {
    call: `GET ${file("docs%2Fa%20%22b%22%20%E2%82%AC.txt")}`,
    headers: { range: "bytes=0-1", "if-range": '"other"' },
    status: 200,
    gives: HELLO,
  },
  {
    call: `GET ${file("docs%2Fa%20%22b%22%20%E2%82%AC.txt")}`,
    headers: { range: "bytes=0-1", "if-range": "Sat, 21 Nov 2026 10:00:00 GMT" },
    status: 200,
  },
  { call: `GET ${big}`, headers: { "if-none-match": "*" }, status: 304 },
  { call: `GET ${big}`, headers: { "if-match": '"other"' }, status: 412, code: "precondition_failed" },
  { call: `GET ${big}`, headers: { "if-match": "W/{big}" }, status: 412, code: "precondition_failed" },
  { call: `GET ${big}`, headers: { "if-match": '"x", {big}', range: "bytes=0-0" }, status: 206 },
  { call: `GET ${file("empty")}`, status: 404, code: "file_not_found" },
  { call: `GET ${file("link")}`, status: 404, code: "file_not_found" },
  { call: `GET ${file("a%2F..%2Fb")}`, status: 400, code: "invalid_path" },
  {
    call: "GET /packages/{open}/files?limit=2",
    status: 200,
    gives: { "items.length": 2, "items.0.path": "big.bin" },
    keep: { next: "next_cursor" },
  },
  {
    call: "GET /packages/{open}/files?limit=1000&cursor={next}",
    status: 200,
    gives: { "items.length": 5, next_cursor: null },
  },
  { call: "GET /packages/{open}/files?cursor=", status: 400, code: "invalid_path" },
  {
    call: "GET /objects/{hello}",
    status: 200,
    gives: HELLO,
    sends: { "content-type": "application/octet-stream", "content-disposition": "attachment" },
  },
  {
    call: "HEAD /objects/{hello}",
    status: 200,
    gives: "",
    sends: { "content-length": "12", "cache-control": /immutable/ },
  },
  { call: "GET /objects/{hello}", headers: { range: "bytes=-5" }, status: 206, gives: "world" },
  { call: `GET /objects/blake3:${"0".repeat(64)}`, status: 404, code: "object_not_found" },
  { call: "GET /objects/blake3:0", status: 400, code: "invalid_digest" },
];

const manifest = "/packages/{open}/manifest";
const closing: readonly Call[] = [
  { call: `GET ${manifest}`, status: 409, code: "package_not_finalized" },
  {
    call: "POST /packages/{open}/finalize",
    status: 200,
    gives: { state: "finalized", file_count: 5 },
    keep: { digest: "manifest_digest" },
  },
  { call: "POST /packages/{open}/finalize", status: 200, gives: { manifest_digest: "{digest}" } },
  { call: "GET /packages/team%2Fapp@1.0", status: 200, gives: { package_id: "{open}" } },
  { call: "GET /packages/team%2Fapp%401.0/files/form", status: 200, gives: "a=b" },
  { call: `PUT ${file("late")}`, body: "x", status: 409, code: "package_not_open" },
  { call: "PUT /packages/team%2Fapp@1.0/files/late", body: "x", status: 409, code: "package_not_open" },
  { call: `DELETE ${file("form")}`, status: 409, code: "package_not_open" },
  { call: "POST /packages/{open}/abandon", body: { reason: "no" }, status: 409, code: "package_not_open" },
  {
    call: `GET ${manifest}`,
    status: 200,
    sends: { "content-type": "application/json", vary: "accept", "content-length": /^\d+$/ },
    gives: { manifest_version: 1, "files.length": 7 },
    keep: { jcs: "etag" },
  },
  { call: `GET ${manifest}`, headers: { accept: "*/*" }, status: 200, sends: { "content-type": "application/json" } },
  {
    call: `GET ${manifest}`,
    headers: { accept: "application/*;q=0.5, application/cbor" },
    status: 200,
    sends: { "content-type": "application/cbor", etag: '"{digest}"', "repr-digest": /^blake3=:/ },
  },
  {
    call: `GET ${manifest}`,
    headers: { accept: "application/json;q=0, */*;q=0.1" },
    status: 200,
    sends: { "content-type": "application/cbor" },
  },
  { call: `HEAD ${manifest}`, headers: { accept: "application/cbor" }, status: 200, gives: "" },
  { call: `GET ${manifest}`, headers: { accept: "text/html" }, status: 406, code: "not_acceptable" },
  { call: `GET ${manifest}`, headers: { "if-none-match": "{jcs}" }, status: 304, gives: "" },
  { call: `GET ${manifest}`, headers: { "if-none-match": '"{digest}"' }, status: 200 },
  { call: "POST /packages/{open}/verify", status: 200, gives: { ok: true, manifest_ok: true, damaged: [] } },
  {
    call: "POST /packages",
    body: { name: "team/app", version: "1.0", retention_class: "working" },
    status: 409,
    code: "version_exists",
  },
  {
    call: "POST /packages",
    body: { name: "given-up", retention_class: "transient" },
    status: 201,
    keep: { up: "package_id" },
  },
  { call: "POST /packages/{up}/abandon", body: {}, status: 400, code: "invalid_argument" },
  { call: "POST /packages/{up}/abandon", body: { reason: "" }, status: 400, code: "invalid_argument" },
  { call: "POST /packages/{up}/abandon", body: { reason: "cancelled" }, status: 200, gives: { state: "abandoned" } },
  { call: "POST /packages/{up}/abandon", body: { reason: "again" }, status: 200, gives: { state: "abandoned" } },
  { call: "POST /packages/{up}/finalize", status: 409, code: "package_not_open" },
  { call: `POST ${NOBODY}/finalize`, status: 404, code: "package_not_found" },
];

const schema = { type: "object", required: ["build"] };
const schemas: readonly Call[] = [
  { call: "PUT /metadata-schemas/report/1", body: schema, status: 204, gives: "" },
  { call: "PUT /metadata-schemas/report%2F1", body: schema, status: 204 },
  { call: "PUT /metadata-schemas/report/1", body: { type: "array" }, status: 409, code: "conflict" },
  { call: "PUT /metadata-schemas/report%20", body: schema, status: 400, code: "invalid_argument" },
  { call: "PUT /metadata-schemas/bad", body: { $ref: "#/nowhere" }, status: 422, code: "invalid_metadata" },
  {
    call: "POST /packages",
    body: { name: "x", retention_class: "working", metadata_schema: "report/1" },
    status: 422,
    code: "invalid_metadata",
  },
  {
    call: "POST /packages",
    body: { name: "x", retention_class: "working", metadata_schema: "report/1", metadata: { build: 1 } },
    status: 201,
  },
];

export const TABLE: Readonly<Record<string, readonly Call[]>> = {
  creating,
  finding,
  filling,
  reading,
  closing,
  schemas,
};

export function bodyBytes(body: unknown): Uint8Array<ArrayBuffer> | undefined {
  if (body === undefined) return undefined;
  if (body instanceof Uint8Array) return body as Uint8Array<ArrayBuffer>;
  return text(typeof body === "string" ? body : JSON.stringify(body));
}
