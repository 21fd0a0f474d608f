/** Headers and queries whose values mean something here. */
import { type Case, type Group, get, send, shown } from "./case.ts";

const FILE = "/packages/{closed}/files/ten";
const field = (
  name: string,
  values: readonly string[],
  request: (header: string) => string,
  wants: readonly number[],
): Group =>
  values.map((value): Case => ({ name: `${name}: ${shown(value)}`, send: request(`${name}: ${value}\r\n`), wants }));

const NUMBERS = [
  "0",
  "1",
  "9",
  "10",
  "11",
  "00",
  "-0",
  "-1",
  "+1",
  "1.5",
  "1e3",
  "0x1",
  "1_0",
  "٣",
  "",
  " ",
  "18446744073709551616",
];
const HUGE = ["9007199254740992", "9223372036854775808", "9".repeat(30), "9".repeat(400)];

/** Of a file with ten bytes. One that cannot be understood is passed over (RFC 9110, section 14.2). */
const RANGES = [
  ...NUMBERS.flatMap((first) => ["", "0", "5", "-1", ...HUGE].map((last) => `bytes=${first}-${last}`)),
  ...HUGE.flatMap((huge) => [`bytes=${huge}-`, `bytes=-${huge}`, `bytes=0-${huge}`, `bytes=${huge}-${huge}`]),
  ...["bytes", "bytes=", "bytes=-", "bytes=--", "bytes=0", "bytes 0-1", "bytes=0-1,", "bytes=,0-1", "bytes=0-1,2-3"],
  ...[
    "bytes=a-b",
    "bytes=0-1;q=1",
    "BYTES=0-1",
    "bytes = 0 - 1",
    "items=0-1",
    "=0-1",
    "0-1",
    "none",
    "bytes=5-4",
    "bytes:0-1",
  ],
  ...[
    `bytes=${"0-0,".repeat(1300)}0-0`,
    `bytes=${"1-,".repeat(900)}`,
    "bytes=0-1\x7f",
    "bytes=\xff-",
    "bytes=0\u00b2-1",
  ],
];
const ranges: Group = ["GET", "HEAD"].flatMap((method) =>
  // The same, with an If-Range that lets it through, and one that does not.
  (method === "GET" ? ["", 'If-Range: "x"\r\n'] : [""]).flatMap((also) =>
    field(`${method} ${also}Range`.replace("\r\n", " "), RANGES, () => "", []).map(({ name }, at) => ({
      name,
      send: get(FILE, `${also}Range: ${RANGES[at]}\r\n`, method),
      wants: method === "HEAD" || also !== "" ? [200, 400] : [200, 206, 400, 416],
    })),
  ),
);

const DIGESTS = [
  ...[
    "",
    " ",
    "x",
    "sha-256",
    "sha-256=",
    "sha-256=:",
    "sha-256=::",
    "sha-256=:!:",
    "sha-256=:AAAA:",
    "sha-256=AAAA",
    ":AAAA:",
  ],
  ...["sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU", "sha-256=:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU=:"],
  ...[
    "SHA-256=:AAAA:",
    "sha-256=:AAAA:,",
    ",sha-256=:AAAA:",
    "sha-256=:AA\x00AA:".replace("\x00", "\x7f"),
    "sha-256=?1",
  ],
  ...[
    "sha-256=:A===:",
    "sha-256=:AAA=A:",
    `sha-256=:${"A".repeat(5000)}:`,
    "__proto__=:AAAA:,sha-256=:x:",
    "sha-512=:AAAA:",
  ],
  ...["blake3=:AAAA:", 'sha-256="47DE"', "sha-256=(:AAAA:)", "sha-256=:AAAA:;a=b;c", "1=:AAAA:", "sha-256=:\xff:"],
];
/** Well-formed, and of other bytes, or of algorithms that nobody here knows. */
const OTHER = [
  ["sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:", 422],
  ["md5=:AAAA:", 201],
  ["sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:, md5=:AAAA:", 422],
  ["constructor=:AAAA:", 201],
] as const;
const digests: Group = ["Content-Digest", "Repr-Digest"].flatMap((name) => [
  ...field(name, DIGESTS, (header) => send("PUT", "/packages/{open}/files/digested", header, "x"), [400]),
  ...field(`of an upload: ${name}`, DIGESTS, () => "", [400]).map(({ name: said }, at) => ({
    name: said,
    send: send(
      "POST",
      "/uploads?package_id={open}&path=dig",
      `Upload-Complete: ?1\r\n${name}: ${DIGESTS[at]}\r\n`,
      "x",
    ),
    wants: [400],
  })),
  ...OTHER.map(([value, status], at) => ({
    name: `${name}: ${value}`,
    send: send("PUT", `/packages/{open}/files/other-${name}-${at}`, `${name}: ${value}\r\n`, "x"),
    wants: [status],
  })),
]);
// Nobody has to answer what they ask for (RFC 9530, section 4).
const wantDigests: Group = ["Want-Content-Digest", "Want-Repr-Digest"].flatMap((name) =>
  field(
    name,
    ["sha-256=10", "md5=11", "x", "", "=", "sha-256=-1", "\xff", "sha-256=1".repeat(500)],
    (h) => get(FILE, h),
    [200],
  ),
);

const TAGS = [
  "",
  "*",
  "x",
  '"',
  '"x',
  'W/"x"',
  'w/"x"',
  '"x", "y"',
  `"${"x".repeat(5000)}"`,
  '"\xff"',
  '"a"b"',
  "W/",
  ",,,",
  '"x",',
];
const conditions: Group = [
  ...field("If-None-Match", TAGS, (header) => get(FILE, header), [200, 304]),
  ...field("If-Match", TAGS, (header) => get(FILE, header), [200, 412]),
  ...field("If-Range", TAGS, (header) => get(FILE, `Range: bytes=0-1\r\n${header}`), [200, 206]),
  ...field("If-Modified-Since", ["x", "Thu, 01 Jan 1970 00:00:00 GMT", "\xff"], (header) => get(FILE, header), [200]),
  ...field(
    "PUT If-None-Match",
    TAGS.filter((tag) => tag !== "*"),
    () => "",
    [],
  ).map(({ name }, at) => ({
    name,
    send: send("PUT", "/packages/{open}/files/c", `If-None-Match: ${TAGS.filter((tag) => tag !== "*")[at]}\r\n`, "x"),
    wants: [400],
  })),
  ...[
    "If-Match: *\r\n",
    "Content-Range: bytes 0-0/1\r\n",
    "Content-Encoding: gzip\r\n",
    "Content-Encoding: \xff\r\n",
  ].map((header) => ({
    name: `PUT with ${shown(header)}`,
    send: send("PUT", "/packages/{open}/files/c", header, "x"),
    wants: [400, 415],
  })),
];

const ACCEPTS = [
  ...[
    "",
    "*",
    "*/*",
    "*/x",
    "/",
    "a/b",
    "application/cbor;q=2",
    "application/cbor;q=-1",
    "application/cbor;q=0",
    "a/b;q=0.0001",
  ],
  ...[
    "application/json;q=0, */*;q=0",
    "application/cbor;;;",
    "application/cbor;q",
    "application/cbor;q=1;q=0",
    "\xff/\xff",
  ],
  ...[`${"a/b,".repeat(1500)}*/*;q=0.1`, "application/json, application/cbor;q=0.9999999999", "text/event-stream;q=0"],
];
const accepts: Group = ["/packages/{closed}/manifest", "/packages/{closed}/archive", "/events?limit=1"].flatMap(
  (target) =>
    field(`${target} Accept`, ACCEPTS, () => "", []).map(({ name }, at) => ({
      name,
      send: get(target, `Accept: ${ACCEPTS[at]}\r\n`),
      wants: [200, 406],
    })),
);

const WHOLE = [
  ...NUMBERS.filter((n) => !/^\d+$/.test(n) || n.length > 15),
  ...HUGE,
  "(1)",
  '"1"',
  "1, 1",
  "?1",
  ":AA==:",
  "1;x",
  "\xff",
  "0\x0b",
];
const FLAGS = [
  "",
  "1",
  "0",
  "true",
  "?2",
  "?",
  "? 1",
  "?1?1",
  "?1, ?0",
  "(?1)",
  '"?1"',
  "?\xff",
  "?1;q=1",
  "yes",
  "?01",
];
const uploads: Group = [
  ...["Upload-Offset", "Upload-Length"].flatMap((name) =>
    WHOLE.map((value) => ({
      name: `PATCH ${name}: ${shown(value)}`,
      send: send(
        "PATCH",
        "/uploads/{upload}",
        `Content-Type: application/partial-upload\r\nUpload-Complete: ?0\r\n${
          name === "Upload-Offset" ? "" : "Upload-Offset: 0\r\n"
        }${name}: ${value}\r\n`,
        "x",
      ),
      wants: [400],
    })),
  ),
  ...FLAGS.flatMap((value) => [
    {
      name: `PATCH Upload-Complete: ${shown(value)}`,
      send: send(
        "PATCH",
        "/uploads/{upload}",
        `Content-Type: application/partial-upload\r\nUpload-Offset: 0\r\nUpload-Complete: ${value}\r\n`,
        "x",
      ),
      wants: [400],
    },
    {
      name: `POST Upload-Complete: ${shown(value)}`,
      send: send("POST", "/uploads?package_id={open}&path=u", `Upload-Complete: ${value}\r\n`, "x"),
      wants: [400],
    },
  ]),
  ...WHOLE.map((value) => ({
    name: `POST Upload-Length: ${shown(value)}`,
    send: send("POST", "/uploads?package_id={open}&path=u", `Upload-Complete: ?0\r\nUpload-Length: ${value}\r\n`, ""),
    wants: [400, 413],
  })),
  ...[
    "",
    "application/octet-stream",
    "application/partial-upload2",
    "text/plain",
    "\xff",
    "application/partial-upload/x",
  ].map((type) => ({
    name: `PATCH as ${shown(type)}`,
    send: send(
      "PATCH",
      "/uploads/{upload}",
      `Content-Type: ${type}\r\nUpload-Offset: 0\r\nUpload-Complete: ?0\r\n`,
      "x",
    ),
    wants: [415],
  })),
  ...["1", "5", "999999999999999"].map((offset) => ({
    name: `PATCH at ${offset}, where it is not`,
    send: send(
      "PATCH",
      "/uploads/{upload}",
      `Content-Type: application/partial-upload\r\nUpload-Offset: ${offset}\r\nUpload-Complete: ?0\r\n`,
      "x",
    ),
    wants: [409],
  })),
];

export const FIELDS: Readonly<Record<string, Group>> = {
  ...{ ranges, digests, wantDigests, conditions, accepts, uploads },
};
