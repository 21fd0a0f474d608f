/** Names of packages, paths of files, ids, cursors, keys: what a caller may call things. */
import { type Case, type Group, get, percent, postJson, send, shown } from "./case.ts";

const CONTROLS = Array.from({ length: 32 }, (_, code) => String.fromCharCode(code)).concat("\x7f");
const BIDI = ["\u202a", "\u202e", "\u2066", "\u2069", "\u200f", "\u061c"];
const INVISIBLE = [
  "\u200b",
  "\u200d",
  "\ufeff",
  "\u00ad",
  "\u2028",
  "\u2029",
  "\u0085",
  "\ue000",
  "\ufffe",
  "\u{e0041}",
];

/** Not in the grammar of names. */
const NAMES = [
  ...["", " ", ".", "..", "/", "//", "a/", "/a", "a//b", "a/../b", "a/./b", "A", "aB", "é", "a b", "a\tb", "a\\b"],
  ...["-a", "a-", "_a", "a_", ".a", "a.", "a..b", "a._b", "a___b", "a/-b", "a/b-", "a:b", "a@b", "a#b", "a?b", "a%2fb"],
  ...[
    "a".repeat(201),
    "a/".repeat(100),
    `${"a/".repeat(99)}aaa`,
    "a".repeat(100_000),
    "日本",
    "ａ",
    "a\u0301",
    "ı",
    "ß",
  ],
  ...["\ud800", "\udfff", "a\udc00b", "'; drop table packages; --", "a' or '1'='1", "{{7*7}}", "<script>"],
  ...["../../etc/passwd", "..\\..\\windows", "a\0b", "%00", "con\u0000", "a\u2024b", "a\u2215b", "\u{1f600}"],
  ...CONTROLS.map((control) => `a${control}b`),
  ...[...BIDI, ...INVISIBLE].map((char) => `a${char}b`),
];

const create = (name: unknown, more: object = {}) =>
  postJson("/packages", JSON.stringify({ name, retention_class: "working", ...more }));

const names: Group = NAMES.flatMap((name): Case[] => [
  { name: `a package called ${shown(name)}`, send: create(name), wants: [400] },
  // A filter has the grammar of what it looks for, or finds nothing.
  {
    name: `packages called ${shown(name)}`,
    send: get(`/packages?name=${percent(name.toWellFormed())}`),
    wants: name.length > 2000 ? [414, 431] : [200, 400],
  },
  {
    name: `the package ${shown(name)}@1`,
    send: get(`/packages/${percent(`${name.toWellFormed()}@1`)}`),
    wants: name.length > 2000 ? [414, 431] : [400, 404],
  },
]);

const VERSIONS = [
  ...[
    "",
    " ",
    "-1",
    ".1",
    "1/2",
    "1+2",
    "a b",
    "é",
    "1".repeat(129),
    "\ud800",
    "1\0",
    "@",
    "1@2",
    "\u202e1",
    "..",
    "../1",
  ],
  ...[1, 1.5, true, null, [], {}, ["1"], { a: 1 }],
];
const versions: Group = VERSIONS.map((version) => ({
  name: `a version ${shown(JSON.stringify(version))}`,
  send: create("a", { version }),
  wants: [400],
}));

/** Raw, as they stand in a URL: no path of a file, or none that can be told from another. */
const PATHS: readonly [string, readonly number[]][] = [
  ...["..", "../x", "a/../b", "a/..", "./a", "a/.", "%2e%2e", "a/%2E%2E/b", "%2e/a", ".%2e/x", "a/%2e"].map(
    (path) => [path, [400]] as [string, number[]],
  ),
  ...[
    "..%2Fx",
    "%2e%2e%2fx",
    "a%2F..%2Fb",
    "a%2F%2E%2E",
    "a%2F.%2Fb",
    "%2Fa",
    "a%2F",
    "a%2F%2Fb",
    "a//b",
    "a/",
    "%2F",
  ].map((path) => [path, [400, 404]] as [string, number[]]),
  ...[
    "%00",
    "a%00b",
    "a%0",
    "a%",
    "%zz",
    "%u0041",
    "%C0%AF",
    "%C0%80",
    "%E0%80%AF",
    "%F0%80%80%AF",
    "%FF",
    "%FE%FF",
  ].map((path) => [path, [400]] as [string, number[]]),
  ...[
    "%ED%A0%80",
    "%ED%BF%BF",
    "%F4%90%80%80",
    "%F8%88%80%80%80",
    "%80",
    "%BF",
    "%C3",
    "%C3%28",
    "%E2%82",
    "%F0%9F%98",
  ].map((path) => [path, [400]] as [string, number[]]),
  ...["a\\b", "..\\x", "caf\xe9", "a#b", "\x80", "a\x7fb", "a b", "a\tb", "a\x01b"].map(
    (path) => [path, [400]] as [string, number[]],
  ),
  ["x".repeat(256), [400]],
  [percent("é".repeat(128)), [400]],
  [Array(257).fill("a").join("/"), [400]],
  [Array(257).fill("a").join("%2F"), [400]],
  [`${`${"a".repeat(240)}/`.repeat(17)}a`, [400]],
  [percent("a/".repeat(2049)), [400, 414, 431]],
  ["x".repeat(17_000), [414]],
  ["x".repeat(100_000), [431]],
];
const paths: Group = PATHS.flatMap(([path, wants]): Case[] => [
  { name: `a file ${shown(path)}`, send: send("PUT", `/packages/{open}/files/${path}`, "", "x"), wants },
  // Looking for what cannot be there may as well find nothing.
  { name: `reading ${shown(path)}`, send: get(`/packages/{closed}/files/${path}`), wants: [...wants, 404] },
  {
    name: `taking out ${shown(path)}`,
    send: get(`/packages/{open}/files/${path}`, "", "DELETE"),
    wants: [...wants, 404],
  },
  {
    name: `an upload to ${shown(path)}`,
    send: send("POST", `/uploads?package_id={open}&path=${path}`, "Upload-Complete: ?1\r\n", "x"),
    // In a query a backslash is what it is, and a name may have one.
    wants: [...wants, ...(path.includes("\\") ? [201] : [])],
  },
]);

/** Odd, and yet names: they are kept exactly, or refused; read back they are the same. */
const KEPT = [
  ...[...BIDI, ...INVISIBLE].map((char) => `kept/a${char}b`),
  ...[
    "kept/\u00e9",
    "kept/%2e%2e",
    "kept/con",
    "kept/nul.txt",
    "kept/a:b",
    "kept/trailing.",
    "kept/ space",
    "kept/~",
    "kept/-rf",
  ],
  ...[
    "kept/\u{1f600}",
    "kept/'\"<>|*?",
    "kept/a\\b",
    "kept/ﬁ",
    "kept/...",
    "kept/..a",
    "kept/a..",
    "kept/%",
    "kept/__proto__",
  ],
  ...CONTROLS.slice(1).map((control) => `kept/a${control}b`),
];
const kept: Group = KEPT.map((path) => ({
  name: `a file ${shown(path)}, which is odd`,
  send: send("PUT", `/packages/{open}/files/${percent(path)}`, "", "x"),
  wants: [201, 400],
}));
// Equal in NFC to one that is there.
const twins: Group = ["kept/e\u0301"].map((path) => ({
  name: `a file ${shown(path)}, which is the other form of one`,
  send: send("PUT", `/packages/{open}/files/${percent(path)}`, "", "x"),
  wants: [201, 409],
}));

const IDS = [
  ...[
    "x",
    "0",
    "-1",
    "{}",
    "*",
    "%00",
    "%FF",
    "null",
    "undefined",
    "__proto__",
    "constructor",
    "..",
    "%2e%2e",
    "a@b@c",
  ],
  ...[
    "00000000-0000-0000-0000-000000000000",
    "019374e0-0000-7000-8000-00000000000g",
    "019374e0000070008000000000000009",
  ],
  ...["019374E0-0000-7000-8000-000000000009", "{open}%20", "%20{open}", "{open}%00", "{open}x", "x".repeat(7_000)],
  ...["'%20or%20'1'='1", "1;select", "%F0%9F%98%80", "@", "@1", "a@", "team%2Fapp@", "team/app@1.0", "%E2%80%AE"],
];
const ROUTES: readonly [method: string, path: (id: string) => string, headers: string, body?: string][] = [
  ["GET", (id) => `/packages/${id}`, ""],
  ["GET", (id) => `/packages/${id}/files`, ""],
  ["GET", (id) => `/packages/${id}/manifest`, ""],
  ["GET", (id) => `/packages/${id}/archive`, ""],
  ["POST", (id) => `/packages/${id}/finalize`, "", ""],
  ["POST", (id) => `/packages/${id}/verify`, "", ""],
  ["POST", (id) => `/packages/${id}/abandon`, "Content-Type: application/json\r\n", '{"reason":"x"}'],
  ["PUT", (id) => `/packages/${id}/files/a`, "", "x"],
  ["GET", (id) => `/uploads/${id}`, ""],
  ["DELETE", (id) => `/uploads/${id}`, ""],
  ["GET", (id) => `/objects/${id}`, ""],
  ["GET", (id) => `/events/${id}/payload`, ""],
  ["POST", (id) => `/uploads?path=a&package_id=${id}`, "Upload-Complete: ?0\r\n", ""],
];
const ids: Group = IDS.flatMap((id) =>
  ROUTES.map(([method, path, headers, body]) => ({
    name: `${method} ${path(shown(id))}`,
    send: body === undefined ? get(path(id), headers, method) : send(method, path(id), headers, body),
    wants: [400, 404, 405],
  })),
);

export const NAMED: Readonly<Record<string, Group>> = { names, versions, paths, kept, twins, ids };
