/** HTTP/1.1 itself: lengths, chunks, smuggling, targets, versions, methods. RFC 9112. */
import { type Case, CLOSE, type Group, get, HOST, JSON_TYPE, shown } from "./case.ts";

/** What must never be answered: a request that hides in another one's body. */
const HIDDEN = `GET /ready?hidden HTTP/1.1\r\n${HOST}${CLOSE}\r\n`;
const PUT = "PUT /packages/{open}/files/framed";
const put = (headers: string, body = `abcd${HIDDEN}`): string =>
  `${PUT} HTTP/1.1\r\n${HOST}${CLOSE}${headers}\r\n${body}`;

const LENGTHS = [
  ...[
    "-1",
    "-0",
    "+4",
    "+1",
    " 4 4",
    "4 4",
    "4,4",
    "4, 4",
    "4,5",
    "0x4",
    "4e0",
    "4.0",
    "four",
    "",
    " ",
    "4;",
    "4\t5",
    "٤",
    "\xb2",
    "4_0",
  ],
  ...[
    "18446744073709551616",
    "18446744073709551620",
    "9".repeat(40),
    "9".repeat(400),
    "4\x0b",
    "4\x00",
    "'4'",
    '"4"',
    "(4)",
    "NaN",
    "Infinity",
  ],
];
const lengths: Group = LENGTHS.map((length) => ({
  name: `Content-Length: ${shown(length)}`,
  send: put(`Content-Length: ${length}\r\n`),
  // Parsers may take equal lengths for one (RFC 9112, section 6.3), and an empty one for none.
  wants: [400, 411, 413],
}));

const TWICE = [
  ["4", "5"],
  ["4", "4"],
  ["4", "-1"],
  ["0", "4"],
  ["4", ""],
  ["", "4"],
];
const twice: Group = TWICE.map((both) => ({
  name: `two lengths, ${both.join(" and ")}`,
  send: put(both.map((length) => `Content-Length: ${length}\r\n`).join("")),
  wants: [400],
}));

/** A length and a coding, codings that are not chunked, chunked that is not last, and how they are hidden. */
const CODINGS = [
  ...["chunked", "Chunked", "CHUNKED"].map((coding) => `Content-Length: 4\r\nTransfer-Encoding: ${coding}\r\n`),
  ...["chunked", "Chunked"].map((coding) => `Transfer-Encoding: ${coding}\r\nContent-Length: 4\r\n`),
  ...[
    "xchunked",
    "chunkedx",
    "chunked, gzip",
    "gzip",
    "identity",
    "chunked, identity",
    "chunked,",
    ",chunked,",
    "chunked;q=1",
    "\x0bchunked",
  ].map((coding) => `Transfer-Encoding: ${coding}\r\n`),
  ...[
    "chunked\x00",
    "chunk\xe9d",
    "'chunked'",
    '"chunked"',
    "chunked chunked",
    "",
    " ",
    "deflate",
    "chunked\x0c",
    "cow",
  ].map((coding) => `Transfer-Encoding: ${coding}\r\n`),
  ...["xchunked", "identity", "gzip", "chunked-ish"].map(
    (coding) => `Content-Length: 4\r\nTransfer-Encoding: ${coding}\r\n`,
  ),
  "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
  "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n",
  "Transfer-Encoding : chunked\r\n",
  "Transfer-Encoding\t: chunked\r\nContent-Length: 4\r\n",
  "Transfer-Encoding:\x0bchunked\r\nContent-Length: 4\r\n",
  " Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
  "X: y\r\n Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
  "X: y\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n",
  "X: y\rTransfer-Encoding: chunked\r\nContent-Length: 4\r\n",
  "Transfer-Encoding:\r\n chunked\r\nContent-Length: 4\r\n",
  "Transfer\x00-Encoding: chunked\r\nContent-Length: 4\r\n",
  "Content-Length : 4\r\n",
  "Content-Length\x00: 4\r\n",
  "Content-Length\r\n: 4\r\n",
  ": 4\r\n",
  "Content Length: 4\r\n",
  "Content-Length=4\r\n",
];
const CHUNKED_BODY = `4\r\nabcd\r\n0\r\n\r\n${HIDDEN}`;
const codings: Group = CODINGS.map((headers) => ({
  name: `framed by ${shown(headers)}`,
  send: put(headers, CHUNKED_BODY),
  wants: [400],
}));

/** After `Transfer-Encoding: chunked`. */
const CHUNKS = [
  ...[
    "-4",
    "+4",
    "0x4",
    "4g",
    "g",
    "",
    " ",
    " 4",
    "4 4",
    "4\t",
    "٤",
    "\xb2",
    "1_0",
    "4.",
    ".4",
    "FFFFFFFFFFFFFFFFF",
    "F".repeat(40),
    "0".repeat(30_000),
  ].map((size) => `${size}\r\nabcd\r\n0\r\n\r\n${HIDDEN}`),
  `4\nabcd\n0\n\n${HIDDEN}`,
  `4\rabcd\r0\r\r${HIDDEN}`,
  `4\r\nabcd0\r\n\r\n${HIDDEN}`,
  `4\r\nabcdXX0\r\n\r\n${HIDDEN}`,
  `4\r\nabcde\r\n0\r\n\r\n${HIDDEN}`,
  `3\r\nabcd\r\n0\r\n\r\n${HIDDEN}`,
  `4\r\n\r\nabcd0\r\n\r\n${HIDDEN}`,
  `4\r\nabcd\r\n0\r\nX\r\n\r\n${HIDDEN}`,
  `4\r\nabcd\r\n0\r\nX y: z\r\n\r\n${HIDDEN}`,
  `4\r\nabcd\r\n0\r\n: z\r\n\r\n${HIDDEN}`,
  `4\r\nabcd\r\n0\r\nX: \x00\r\n\r\n${HIDDEN}`,
  `4\r\nabcd\r\n0\r\nX: ${"x".repeat(100_000)}\r\n\r\n`,
  `4\r\nabcd\r\n0\r\n${"X: y\r\n".repeat(20_000)}\r\n`,
  `4;\r\rx\r\nabcd\r\n0\r\n\r\n${HIDDEN}`,
  `4;\nx\r\nabcd\r\n0\r\n\r\n${HIDDEN}`,
];
const chunks: Group = CHUNKS.map((body) => ({
  name: `chunks ${shown(body)}`,
  send: put("Transfer-Encoding: chunked\r\n", body),
  wants: [400, 413, 431],
}));

/** Legal, if odd. */
const legal: Group = [
  ["extensions", '4;a=b;c="d;e"\r\nabcd\r\n0;x\r\n\r\n'],
  // 413 by Node; Deno throws them away as they come.
  ["extensions without end", `4;${"x".repeat(40_000)}\r\nabcd\r\n0\r\n\r\n`],
  ["a trailer", "4\r\nabcd\r\n0\r\nX-Sum: 1\r\n\r\n"],
  ["leading zeros", "0004\r\nabcd\r\n0\r\n\r\n"],
  ["capitals", "A\r\nabcdefghij\r\n0\r\n\r\n"],
  ["chunks of one byte", `${"1\r\na\r\n".repeat(3_000)}0\r\n\r\n`],
  // Trailers come too late to be what a header would have been.
  ["a trailer that is a length", "4\r\nabcd\r\n0\r\nContent-Length: 5\r\n\r\n"],
  ["a trailer that is a coding", "4\r\nabcd\r\n0\r\nTransfer-Encoding: gzip\r\n\r\n"],
  ["a trailer that is a digest", "4\r\nabcd\r\n0\r\nRepr-Digest: sha-256=:x:\r\n\r\n"],
].map(([name, body], at) => ({
  name: `chunks with ${name}`,
  send: put("Transfer-Encoding: chunked\r\n", body).replace("framed", `legal-${at}`),
  wants: [201, 400, 413],
}));

const TARGETS: readonly [string, readonly number[]][] = [
  ...[
    "*",
    "",
    "packages",
    "localhost",
    "localhost:80",
    "//",
    "///",
    "//localhost/packages",
    "?",
    "#",
    "/#a",
    "/packages#x",
    "\\packages",
  ].map((target): [string, number[]] => [target, [400, 404]]),
  ...[
    "http:/packages",
    "http:packages",
    "http:///packages",
    "ftp://localhost/packages",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "data:,x",
  ].map((target): [string, number[]] => [target, [400, 404]]),
  ...[
    "http://evil.example/packages",
    "https://evil.example/packages",
    "http://localhost.evil.example/packages",
    "http://127.0.0.2/packages",
  ].map((target): [string, number[]] => [target, [400, 421]]),
  ...[
    "http://localhost@evil.example/packages",
    "http://evil.example@localhost/packages",
    "http://localhost#/packages",
    "http://local host/packages",
  ].map((target): [string, number[]] => [target, [400, 421]]),
  ...["http://localhost/packages", "HTTP://LOCALHOST/packages", "http://localhost:1/packages"].map(
    (target): [string, number[]] => [target, [200, 400, 421]],
  ),
  ...[
    "http://[::1]/packages",
    "http://[::1/packages",
    "http://localhost:99999/packages",
    "http://localhost:x/packages",
    "http://%6cocalhost/packages",
  ].map((target): [string, number[]] => [target, [200, 400, 421]]),
  ...[
    "/packages/../packages",
    "/packages/./",
    "/%2e%2e/packages",
    "/packages%00",
    "/packages\x00",
    "/packages\x01",
    "/p\xe4ckages",
    "/packages\\",
  ].map((target): [string, number[]] => [target, [400, 404]]),
  ...[
    "//packages",
    "/packages//",
    "/packages/",
    "/PACKAGES",
    "/packages;a=b",
    "/packages.json",
    "/%70ackages%2F",
    "/packages%20",
    "/.",
    "/..",
    "/;",
    "/~",
  ].map((target): [string, number[]] => [target, [400, 404]]),
  ...[
    "/.env",
    "/.git/config",
    "/admin",
    "/server-status",
    "/wp-login.php",
    "/etc/passwd",
    "/v3",
    "/v3/",
    "/v1/auth",
    "/token",
    "/debug/pprof",
    "/__proto__",
    "/constructor",
  ].map((target): [string, number[]] => [target, [400, 404]]),
  ...[
    "/docs/../packages",
    "/docs/x/../../etc/passwd",
    "/docs/x/y",
    "/docs/%2e%2e/x",
    "/docs/__proto__/constructor",
    "/docs/x%2Fy/z",
  ].map((target): [string, number[]] => [target, [400, 404]]),
];
const targets: Group = TARGETS.map(([target, wants]) => ({
  name: `the target ${shown(target)}`,
  send: get(target),
  wants,
}));

const METHODS = [
  ...[
    "get",
    "Get",
    "GETT",
    "G ET",
    "GE\x00T",
    "GET\t",
    "",
    " ",
    "\xff",
    "(",
    "GET,POST",
    "GET:",
    "123",
    "-",
    "PRI",
    "<GET>",
    "{open}",
  ],
  ...["FOO", "TRACK", "DEBUG", "HELLO", "INVOKE", "VERSION-CONTROL2", "X".repeat(300)],
];
const methods: Group = [
  ...METHODS.map((method) => ({
    name: `the method ${shown(method)}`,
    send: get("/packages", "", method),
    wants: [400, 405, 0],
  })),
  ...[
    "PROPFIND",
    "OPTIONS",
    "PATCH",
    "DELETE",
    "PUT",
    "LOCK",
    "SEARCH",
    "PURGE",
    "LINK",
    "REPORT",
    "MKCOL",
    "COPY",
    "MOVE",
    "NOTIFY",
    "TRACE",
  ].map((method) => ({
    name: `${method}, which nobody serves here`,
    send: get("/packages", "", method),
    wants: [405],
  })),
  {
    name: "CONNECT",
    send: `CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n`,
    wants: [400, 405, 421, 0],
  },
  { name: "CONNECT to a path", send: get("/packages", "", "CONNECT"), wants: [400, 405, 0] },
];

const VERSIONS = [
  ...[
    "HTTP/0.9",
    "HTTP/1.2",
    "HTTP/1.10",
    "HTTP/2.0",
    "HTTP/2",
    "HTTP/3",
    "HTTP/9.9",
    "HTTP/11",
    "http/1.1",
    "HTTP 1.1",
    "HTP/1.1",
    "HTTP/",
    "HTTP/1.",
  ],
  ...["HTTP/1.1x", "HTTP/a.b", "HTTP/-1.1", "HTTPS/1.1", "ICE/1.0", "HTTP/1.1 x", "\x00", "HTTP/1,1", "HTTP/01.1"],
];
const versions: Group = [
  // Allowed to be read by words (RFC 9112, section 3), and taken for 1.0 by parsers that know RTSP.
  { name: "two spaces", send: `GET  /packages  HTTP/1.1\r\n${HOST}${CLOSE}\r\n`, wants: [200, 400] },
  { name: "RTSP", send: `GET /packages RTSP/1.0\r\n${HOST}${CLOSE}\r\n`, wants: [200, 400] },
  ...VERSIONS.map((version) => ({
    name: `the version ${shown(version)}`,
    send: `GET /packages ${version}\r\n${HOST}${CLOSE}\r\n`,
    wants: [400, 0],
  })),
  { name: "HTTP/0.9", send: "GET /packages\r\n", wants: [400, 0], ending: "end" },
  { name: "HTTP/1.0 without a Host", send: "GET /packages HTTP/1.0\r\n\r\n", wants: [200] },
  {
    name: "HTTP/1.0 with chunks",
    send: put("Transfer-Encoding: chunked\r\n", CHUNKED_BODY).replace("HTTP/1.1", "HTTP/1.0"),
    wants: [201, 400],
  },
  {
    name: "HTTP/2's preface",
    send: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00",
    wants: [400],
  },
  {
    name: "an upgrade to h2c",
    send: get(
      "/packages",
      "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n",
    ),
    wants: [200, 400, 0],
  },
  {
    name: "an upgrade to websocket",
    send: get(
      "/packages",
      "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n",
    ),
    wants: [200, 400, 0],
  },
];

/** Heads that are none. */
const HEADS: readonly (readonly [string, string])[] = [
  ["nothing at all", ""],
  ["an empty line", "\r\n"],
  ["empty lines", "\r\n".repeat(1000)],
  ["NULs", "\x00".repeat(1000)],
  ["noise", String.fromCharCode(...Array.from({ length: 900 }, (_, at) => (at * 167 + 13) % 256))],
  ["TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".padEnd(300, "\xaa")],
  ["SSH", "SSH-2.0-OpenSSH_9.6\r\n"],
  ["a PROXY line", `PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\nGET / HTTP/1.1\r\n${HOST}\r\n`],
  ["Redis", "*1\r\n$4\r\nPING\r\n"],
  ["SMTP", "EHLO evil.example\r\n"],
  ["line feeds only", "GET /packages HTTP/1.1\nHost: localhost\n\n"],
  ["carriage returns only", "GET /packages HTTP/1.1\rHost: localhost\r\r"],
  ["tabs", `GET\t/packages\tHTTP/1.1\r\n${HOST}\r\n`],
  ["a space before the method", ` GET /packages HTTP/1.1\r\n${HOST}\r\n`],
  ["a header before the request", `${HOST}GET /packages HTTP/1.1\r\n\r\n`],
  ["a folded header", get("/packages", "X: a\r\n b\r\n")],
  ["a NUL in a value", get("/packages", "X: a\x00b\r\n")],
  ["a bare CR in a value", get("/packages", "X: a\rb\r\n")],
  ["a control in a name", get("/packages", "X\x01: a\r\n")],
  ["a space in a name", get("/packages", "X Y: a\r\n")],
  ["a byte beyond ASCII in a name", get("/packages", "X\xe9: a\r\n")],
  ["no colon", get("/packages", "X\r\n")],
  ["no name", get("/packages", ": x\r\n")],
  ["a bracket in a name", get("/packages", "X(: x\r\n")],
  ["no Host", "GET /packages HTTP/1.1\r\n\r\n"],
  ["two Hosts", get("/packages", HOST)],
  ["two Hosts that differ", get("/packages", "Host: evil.example\r\n")],
  ["a method only", "GET\r\n\r\n"],
  ["half a method", "GE"],
  ["half a request line", "GET /packa"],
  ["half a header", `GET /packages HTTP/1.1\r\nHos`],
  ["headers without an end", `GET /packages HTTP/1.1\r\n${HOST}`],
];
const heads: Group = HEADS.map(
  ([name, send]): Case => ({ name: `a head: ${name}`, send, wants: [400, 405, 0], ending: "end" }),
);

const EXPECTS = ["100-continue", "100-Continue", "", "x", "200-ok", "100-continue, x", "\xff", "100-continue;a=b"];
const expects: Group = EXPECTS.map((expect) => ({
  name: `Expect: ${shown(expect)}`,
  send: `POST /packages HTTP/1.1\r\n${HOST}${CLOSE}${JSON_TYPE}Expect: ${expect}\r\nContent-Length: 2\r\n\r\n{}`,
  wants: [400, 417],
}));

/** A body where none belongs is never another request. */
const uninvited: Group = ["GET", "HEAD", "DELETE", "OPTIONS", "TRACE"].flatMap((method) => [
  {
    name: `${method} with a body`,
    send: `${method} /packages HTTP/1.1\r\n${HOST}${CLOSE}Content-Length: ${HIDDEN.length}\r\n\r\n${HIDDEN}`,
    wants: [200, 400, 405],
  },
  {
    name: `${method} with chunks`,
    send: `${method} /packages HTTP/1.1\r\n${HOST}${CLOSE}Transfer-Encoding: chunked\r\n\r\n${HIDDEN.length.toString(16)}\r\n${HIDDEN}\r\n0\r\n\r\n`,
    wants: [200, 400, 405],
  },
  {
    name: `${method} without close, with a body`,
    send: `${method} /packages HTTP/1.1\r\n${HOST}Content-Length: ${HIDDEN.length}\r\n\r\n${HIDDEN}`,
    wants: [200, 400, 405],
    ending: "answered",
  },
]);

export const FRAMED: Readonly<Record<string, Group>> = {
  ...{ lengths, twice, codings, chunks, legal, targets, methods, versions, heads, expects, uninvited },
};
