/** Bodies: JSON that is none, or too much of it; archives that are traps; bytes that never come. */
import { gzipSync } from "node:zlib";
import { type Case, CLOSE, type Group, HOST, JSON_TYPE, postJson, send, shown } from "./case.ts";

const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");

/** Not JSON, or JSON that no route takes. */
const TEXTS = [
  ...[
    "",
    " ",
    "\n",
    "{",
    "}",
    "[",
    "]",
    "[]",
    "null",
    "true",
    "0",
    '""',
    "NaN",
    "Infinity",
    "-Infinity",
    "undefined",
    "{a:1}",
    "{'a':1}",
  ],
  ...[
    '{"name":}',
    '{"name":"x",}',
    '{"name":"x"} x',
    '{"name":"x"}{}',
    "// x\n{}",
    "/**/{}",
    "{}\x00",
    "\ufeff{}",
    '{"name":01}',
    '{"name":.5}',
  ],
  ...[
    '{"name":1.}',
    '{"name":+1}',
    '{"name":0x1}',
    '{"name":"\x01"}',
    '{"name":"\\x41"}',
    '{"name":"\\u12"}',
    '{"name":"a\nb"}',
    "[1,]",
    "[,]",
  ],
  ...[
    '{"name":"x" "y":1}',
    '{"name" "x"}',
    "{{}}",
    "[[]",
    '"',
    '"\\',
    "-",
    "1e",
    "tru",
    "nul",
    "{\x00}",
    "\x1f\x8b\x08",
    "%7B%7D",
    "name=x",
  ],
];
/** Members of a new package that are of the wrong kind, beside those that are right. */
const MEMBERS = [
  ...[
    '"name":null',
    '"name":1',
    '"name":["a"]',
    '"name":{"a":1}',
    '"name":true',
    '"name":"a","name":"B"',
    '"name":"\\ud800"',
    '"name":"\\u0000"',
  ],
  ...[
    '"retention_class":null',
    '"retention_class":1',
    '"retention_class":[]',
    '"metadata":null',
    '"metadata":[]',
    '"metadata":1',
    '"metadata":"x"',
  ],
  ...[
    '"metadata_schema":1',
    '"metadata_schema":""',
    '"metadata_schema":"\\ud800"',
    '"metadata_schema":"../x"',
    '"external_refs":{}',
    '"external_refs":[1]',
  ],
  ...[
    '"external_refs":[{}]',
    '"external_refs":[{"system":"a"}]',
    '"external_refs":[{"system":"a","id":1}]',
    '"external_refs":[null]',
  ],
  ...[
    '"external_refs":[{"system":"a","id":"b","x":1}]',
    '"external_refs":[{"system":"","id":""}]',
    '"external_refs":"x"',
  ],
  ...[
    '"external_refs":[{"system":"a","id":"b","url":"javascript:alert(1)"}]',
    '"external_refs":[{"system":"a","id":"b","url":"file:///etc/passwd"}]',
  ],
  ...['"external_refs":[{"system":"a","id":"b","url":"x"}]', '"external_refs":[{"system":"a","id":"b","url":1}]'],
  ...[
    '"__proto__":{}',
    '"constructor":{}',
    '"prototype":1',
    '"toString":1',
    '"hasOwnProperty":1',
    '"nmae":"x"',
    '"":1',
    '"\\u0000":1',
  ],
  ...[
    '"tenant":"other"',
    '"state":"finalized"',
    '"package_id":"x"',
    '"created_by":"root"',
    '"expires_at":null',
    '"Name":"x"',
    '"name ":"x"',
  ],
];
const texts: Group = [
  ...TEXTS.flatMap((body): Case[] => [
    { name: `a package as ${shown(body)}`, send: postJson("/packages", body), wants: [400] },
    { name: `a reason as ${shown(body)}`, send: postJson("/packages/{open}/abandon", body), wants: [400] },
  ]),
  ...MEMBERS.map((member) => ({
    name: `a package with ${member}`,
    send: postJson("/packages", `{"name":"a","retention_class":"working",${member}}`),
    wants: [400, 422],
  })),
];

/** As metadata: kept exactly, or refused. Never something else. */
const VALUES = [
  ...[
    "9007199254740993",
    "-9007199254740993",
    "1e400",
    "-1e400",
    "1e-400",
    `1${"0".repeat(400)}`,
    "0.1e1000",
    "-0",
    "1.0",
    "1E1",
  ],
  ...[
    '"\\ud800"',
    '"\\udc00\\ud800"',
    '"\\u0000"',
    '"\\uffff"',
    '{"__proto__":1}',
    '{"constructor":{"prototype":{"x":1}}}',
    '{"a":1,"a":2}',
  ],
  ...[
    '{"":1}',
    '{"\\ud800":1}',
    '{"a":{"__proto__":{"polluted":1}}}',
    `"${"x".repeat(900_000)}"`,
    `[${"1,".repeat(100_000)}1]`,
    `{"a":${"[".repeat(60)}${"]".repeat(60)}}`,
  ],
  ...[
    '"$where"',
    '{"$ref":"#"}',
    '{"$gt":""}',
    '"{{7*7}}"',
    '"\\u202e"',
    '{"toString":1}',
    '{"length":-1}',
    '{"then":1}',
    '{"toJSON":1}',
  ],
];
const values: Group = VALUES.map((value) => ({
  name: `metadata with ${shown(value)}`,
  send: postJson("/packages", `{"name":"a","retention_class":"working","metadata":{"v":${value}}}`),
  wants: [201, 400, 413, 422],
}));

const deep = (open: string, close: string, depth: number) => open.repeat(depth) + close.repeat(depth);
const large: Group = [
  ...[65, 1_000, 10_000, 200_000].flatMap((depth) =>
    [deep("[", "]", depth), `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`, "[".repeat(depth)].map((body) => ({
      name: `${depth} levels of ${shown(body)}`,
      send: postJson("/packages", body),
      wants: [400, 413],
    })),
  ),
  { name: "1 MiB and a byte", send: postJson("/packages", `"${"x".repeat(1024 * 1024 - 1)}"`), wants: [413] },
  { name: "5 MiB", send: postJson("/packages", `"${"x".repeat(5 * 1024 * 1024)}"`), wants: [413] },
  {
    name: "1 MiB and a byte in chunks",
    send: `POST /packages HTTP/1.1\r\n${HOST}${CLOSE}${JSON_TYPE}Transfer-Encoding: chunked\r\n\r\n100001\r\n${" ".repeat(0x100001)}\r\n0\r\n\r\n`,
    wants: [413],
  },
  {
    name: "100,000 members",
    send: postJson("/packages", `{${Array.from({ length: 60_000 }, (_, at) => `"k${at}":0`).join()}}`),
    wants: [400],
  },
  {
    name: "1,000 issues",
    send: postJson("/packages", `{"name":"a","retention_class":"working","external_refs":[${"{},".repeat(1000)}{}]}`),
    wants: [400],
  },
  {
    name: "a reason of 1 MiB",
    send: postJson("/packages/{open}/abandon", `{"reason":"${"x".repeat(1_000_000)}"}`),
    wants: [400, 413],
  },
  {
    name: "a symlink's target of 4,097 bytes",
    send: send("PUT", "/packages/{open}/files/l?kind=symlink", "", "x".repeat(4097)),
    wants: [413],
  },
  {
    name: "a directory with a body",
    send: send("PUT", "/packages/{open}/files/d?kind=directory", "", "x"),
    wants: [413],
  },
  ...["../../x", "/etc/passwd", "../..", "", "a\0b", "\xff", "a/../../..", "C:\\x", "../\0"].map((target) => ({
    name: `a symlink to ${shown(target)}`,
    send: send("PUT", "/packages/{open}/files/dir/l?kind=symlink", "", target),
    // A name with a colon or a backslash is a name.
    wants: target === "C:\\x" ? [201, 409] : [400],
  })),
];

/** Bytes that are JSON to nobody. */
const BYTES = [
  "\xff",
  "\xc0\xaf",
  "\xed\xa0\x80",
  "\xfe\xff\x00{",
  "\xff\xfe{\x00}\x00",
  "\x80",
  '{"name":"\xe9"}',
  "\xf4\x90\x80\x80",
];
const TYPES = [
  "",
  "text/plain",
  "application/xml",
  "application/json; charset=utf-16",
  "application/jsonx",
  "application/ld+json",
  "json",
  "\xff",
  "multipart/form-data; boundary=x",
  "application/x-www-form-urlencoded",
];
const encodings: Group = [
  ...BYTES.map((body) => ({
    name: `JSON as the bytes ${shown(body)}`,
    send: send("POST", "/packages", JSON_TYPE, body),
    wants: [400],
  })),
  ...TYPES.map((type) => ({
    name: `JSON as ${shown(type)}`,
    send: send("POST", "/packages", `Content-Type: ${type}\r\n`, '{"name":"a","retention_class":"working"}'),
    wants: [415],
  })),
  ...["gzip", "br", "deflate", "zstd", "x", "gzip, gzip"].map((coding) => ({
    name: `JSON in ${coding}`,
    send: send(
      "POST",
      "/packages",
      `${JSON_TYPE}Content-Encoding: ${coding}\r\n`,
      latin1(gzipSync('{"name":"a","retention_class":"working"}')),
    ),
    wants: [415],
  })),
];

/** JSON Schemas that are none, or that cost too much. */
const SCHEMAS = [
  "[]",
  "1",
  '{"type":1}',
  '{"type":"x"}',
  '{"$ref":"#/nowhere"}',
  '{"$ref":"http://evil.example/x"}',
  '{"$ref":"file:///etc/passwd"}',
  '{"pattern":"("}',
  '{"required":"x"}',
  '{"properties":[]}',
  '{"minLength":-1}',
  '{"enum":{}}',
  '{"allOf":[]}',
  '{"$schema":"http://json-schema.org/draft-04/schema#"}',
];
const schemas: Group = [
  ...SCHEMAS.map((schema, at) => ({
    name: `the metadata schema ${schema}`,
    send: send("PUT", `/metadata-schemas/bad-${at}`, JSON_TYPE, schema),
    wants: [204, 400, 422],
  })),
  ...["", "%20", "%00", "..%2Fx", "x".repeat(201), "%E2%80%AE", "-a", "/a", "a%0Ab"].map((id) => ({
    name: `a metadata schema called ${shown(id)}`,
    send: send("PUT", `/metadata-schemas/${id}`, JSON_TYPE, "{}"),
    wants: [400, 404],
  })),
];

export const BODIES: Readonly<Record<string, Group>> = { texts, values, large, encodings, schemas };
