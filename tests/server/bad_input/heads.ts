/** Queries, keys, hosts, and too much of everything in a head. */
import { CLOSE, type Group, get, HOST, percent, postJson, shown } from "./case.ts";

const CURSORS = [
  "x",
  "0",
  "-1",
  "1e3",
  "%00",
  "%FF",
  "..",
  "1;1",
  "9".repeat(40),
  "9".repeat(4097),
  "{closed}",
  "%F0%9F%98%80",
  "%ED%A0%80",
  "null",
  "W10=",
  "eyJhIjoxfQ==",
];
const QUERIES: readonly (readonly [target: string, values: readonly string[], wants: readonly number[]])[] = [
  ["/packages?cursor=", CURSORS, [200, 400]],
  ["/packages/{closed}/files?cursor=", CURSORS, [200, 400]],
  ...["/packages?limit=", "/packages/{closed}/files?limit=", "/events?limit="].map(
    (target) =>
      [
        target,
        ["0", "-1", "1001", "1.5", "1e2", "x", "", "%00", "9".repeat(30), "1&limit=2", "0x1", "%2B1", "1%20"],
        [400],
      ] as const,
  ),
  [
    "/events?since=",
    ["-1", "x", "", "1.5", "1e3", "9".repeat(16), "9".repeat(400), "00", "%00", "1&since=2", "%D9%A3"],
    [400],
  ],
  ["/events?wait=", ["-1", "61", "x", "", "1e1", "0.5", "9".repeat(30), "1&wait=2"], [400]],
  [
    "/events?type=",
    ["x", "", ",", "v1.package.created,x", "__proto__", "%00", "v1.*", `${"v1.package.created,".repeat(33)}x`],
    [400],
  ],
  ["/events?subject=", ["", "%20", "%00", "é", "x".repeat(201), "a%20b"], [400]],
  ["/packages?state=", ["", "x", "OPEN", "deleted", "open&state=open", "%00"], [400]],
  [
    "/packages?created_after=",
    [
      "",
      "x",
      "0",
      "2026",
      "2026-13-01T00:00:00Z",
      "2026-02-30T00:00:00Z",
      "-1",
      "9".repeat(30),
      "%00",
      "now",
      "2026-01-01",
    ],
    [400],
  ],
  [
    "/packages?created_before=",
    ["", "99999-01-01T00:00:00Z", "2026-01-01T25:00:00Z", "2026-01-01T00:00:00", "+10000-01-01T00:00:00Z"],
    [400],
  ],
  ["/packages?metadata=", ["", "x", "%00", "a&metadata=b", `a=b${"&metadata=a=b".repeat(9)}`], [400]],
  [
    "/packages?metadata=",
    [
      "=",
      "=x",
      "a=",
      "__proto__=x",
      "a.b=c",
      "%24=x",
      "a%00=b",
      `${"k".repeat(3000)}=v`,
      "a%22=b",
      "'=1",
      "%25=1",
      "a=%F0%9F%98%80",
    ],
    [200, 400],
  ],
  [
    "/packages?name_prefix=",
    ["%00", "%25", "_", "%5C", "'", "a".repeat(3000), "%F0%9F%98%80", "", "%F4%8F%BF%BF", "é"],
    [200, 400],
  ],
  ["/packages?external_id=", ["x"], [400]],
  ["/packages?external_system=", ["%00", "'", "x".repeat(3000), ""], [200, 400]],
  [
    "/packages?",
    ["a=b", "__proto__=x", "constructor=1", "limit[]=1", "%00=1", "name%5B%5D=x", `${"a&".repeat(500)}`],
    [400],
  ],
  ["/packages/{closed}/archive?format=", ["", "rar", "zip&format=tar", "TAR", "%00", "../zip"], [400]],
  ["/packages/{closed}/files?", ["a=1", "recursive=true", "limit"], [400]],
];
const queries: Group = QUERIES.flatMap(([target, values, wants]) =>
  values.map((value) => ({
    name: `${target}${shown(value)}`,
    send: get(`${target}${value}`.replace(/é/g, percent("é"))),
    wants,
  })),
);
/** What is no percent-encoded UTF-8 in a query. */
const encodings: Group = ["%", "%z", "%FF", "%C0%AF", "%ED%A0%80", "%80", "%E2%82"].flatMap((value) =>
  ["/packages?name_prefix=", "/packages?name=", "/events?subject=", "/packages/{closed}/files?cursor="].map(
    (target) => ({
      name: `${target}${value}`,
      send: get(`${target}${value}`),
      // What cannot be decoded is taken as it stands, which finds nothing or is not in the grammar.
      wants: [200, 400],
    }),
  ),
);

const KEYS = [
  "",
  " ",
  "a b",
  "a\tb",
  "\xff",
  "x".repeat(256),
  "x".repeat(9000),
  "\x7f",
  "a\x01".replace("\x01", "\x0b"),
  "é",
];
const keys: Group = KEYS.map((key) => ({
  name: `Idempotency-Key: ${shown(key)}`,
  send: postJson("/packages", '{"name":"k","retention_class":"working"}', `Idempotency-Key: ${key}\r\n`),
  wants: [400],
}));

const HOSTS = [
  ...[
    "evil.example",
    "localhost.evil.example",
    "evil.example:80",
    "localhost@evil.example",
    "127.0.0.1.nip.io",
    "0.0.0.0",
  ],
  ...[
    "169.254.169.254",
    "[::2]",
    "[::ffff:127.0.0.1]",
    "2130706433",
    "0x7f000001",
    "127.1",
    "localhost,evil.example",
    "LOCALHOST.EVIL",
  ],
  ...[
    "",
    " ",
    "localhost:",
    "localhost:x",
    "localhost:99999",
    "localhost:80:80",
    "[::1",
    "::1",
    "local host",
    "localhost/",
    "localhost\\evil",
  ],
  ...[
    "\xff",
    "http://localhost",
    "localhost#",
    "localhost?",
    `${"x".repeat(300)}.localhost`,
    "xn--localhost",
    "%6cocalhost",
  ],
];
const hosts: Group = HOSTS.map((host) => ({
  name: `Host: ${shown(host)}`,
  send: `GET /packages HTTP/1.1\r\nHost: ${host}\r\n${CLOSE}\r\n`,
  // A port is none of our business, an empty one is allowed (RFC 3986, section 3.2.3).
  wants: host === "localhost:" ? [200] : [400, 421],
}));

const flood = (count: number, line: (at: number) => string) =>
  Array.from({ length: count }, (_, at) => line(at)).join("");
const floods: Group = [
  {
    name: "101 headers",
    send: get(
      "/packages",
      flood(100, (at) => `X-${at}: y\r\n`),
    ),
    wants: [431],
  },
  {
    name: "1,000 headers",
    send: get(
      "/packages",
      flood(1000, (at) => `X-${at}: y\r\n`),
    ),
    wants: [431],
  },
  {
    name: "1,000 times the same",
    send: get(
      "/packages",
      flood(1000, () => "X: y\r\n"),
    ),
    wants: [431],
  },
  {
    name: "20,000 empty ones",
    send: get(
      "/packages",
      flood(20_000, () => "X:\r\n"),
    ),
    wants: [431],
  },
  { name: "20 KiB in one value", send: get("/packages", `X: ${"y".repeat(20_000)}\r\n`), wants: [431] },
  { name: "200 KiB in one value", send: get("/packages", `X: ${"y".repeat(200_000)}\r\n`), wants: [431] },
  { name: "200 KiB in one name", send: get("/packages", `${"x".repeat(200_000)}: y\r\n`), wants: [431] },
  {
    name: "8 KiB of cookies, ten times",
    send: get(
      "/packages",
      flood(10, () => `Cookie: a=${"b".repeat(8000)}\r\n`),
    ),
    wants: [431],
  },
  { name: "a URL of 17 KiB", send: get(`/packages?name=${"x".repeat(17_000)}`), wants: [414] },
  { name: "a URL of 100 KiB", send: get(`/${"x".repeat(100_000)}`), wants: [431] },
  { name: "10,000 slashes", send: get("/".repeat(10_000)), wants: [404, 414] },
  { name: "a method of 10 KiB", send: `${"G".repeat(10_000)} / HTTP/1.1\r\n${HOST}\r\n`, wants: [400] },
  { name: "X-Request-Id of 10 KiB", send: get("/packages", `X-Request-Id: ${"x".repeat(10_000)}\r\n`), wants: [200] },
  { name: "X-Request-Id with markup", send: get("/packages", "X-Request-Id: <script>\r\n"), wants: [200] },
  {
    name: "X-Forwarded-For from a stranger",
    send: get("/packages", `X-Forwarded-For: ${"1.1.1.1,".repeat(900)}\r\n`),
    wants: [200],
  },
  ...["null", "http://evil.example", "http://localhost:1", "file://", "\xff", ""].map((origin) => ({
    name: `a page of Origin: ${shown(origin)} that writes`,
    send: postJson("/packages", '{"name":"o","retention_class":"working"}', `Origin: ${origin}\r\n`),
    wants: [403],
  })),
  ...["cross-site", "same-site", "x", "\xff"].map((site) => ({
    name: `a page of Sec-Fetch-Site: ${shown(site)} that writes`,
    send: postJson("/packages", '{"name":"o","retention_class":"working"}', `Sec-Fetch-Site: ${site}\r\n`),
    wants: [403],
  })),
];

export const HEADS: Readonly<Record<string, Group>> = { queries, encodings, keys, hosts, floods };
