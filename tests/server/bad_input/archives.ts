/** Archives that are traps: names, sizes, records that lie, and a few bytes that are many. */
import { deflateRawSync, gzipSync, zstdCompressSync } from "node:zlib";
import { concatBytes } from "../../../core/base/bytes.ts";
import { END, header, member, pax, tar } from "../../support/tar_bytes.ts";
import { type Case, type Group, send, shown } from "./case.ts";

const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");

const archive = (name: string, bytes: Uint8Array, wants: readonly number[], type = "application/x-tar"): Case => ({
  name: `an archive: ${name}`,
  send: send("POST", "/packages/{open}/archive", `Content-Type: ${type}\r\n`, latin1(bytes)),
  wants,
});
const REFUSED = [400, 413, 422];

const ENTRIES = [
  ...[
    "../up",
    "/rooted",
    "a/../b",
    "..",
    "a//b/../..",
    "a\0b",
    "\ud800",
    "x".repeat(99),
    "a/./../../b",
    ".git/../../x",
  ].map((name) => [`a member called ${shown(name)}`, tar(member({ name }, "x"))] as const),
  ...["1", "2", "3", "4", "6", "7", "A", "D", "K", "L", "M", "N", "S", "V", "g", "x", "Z", "\x7f"].map(
    (type) =>
      [`a member of type ${shown(type)}`, tar(member({ name: "m", type, link: "../../etc/passwd" }, "x"))] as const,
  ),
  ...["../x", "/etc/passwd", "a/../../x", "", "nowhere"].flatMap((link) => [
    [`a symbolic link to ${link}`, tar(member({ name: "l", type: "2", link }))] as const,
    [`a hard link to ${link}`, tar(member({ name: "l", type: "1", link }))] as const,
  ]),
];
const FIELDS: readonly (readonly [string, Uint8Array])[] = [
  ...[
    "77777777777",
    "-1",
    "88888888888",
    "           ",
    "abcdefghijk",
    "0000000000\x00",
    "1e3",
    "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
  ].map(
    (size) =>
      [
        `the size ${shown(size)}`,
        tar(member({ name: "s", size: Uint8Array.from(size, (c) => c.charCodeAt(0)) }, "x")),
      ] as const,
  ),
  ["a size of 2^95", tar(member({ name: "s", size: Uint8Array.from([0x80, 0x7f, ...Array(10).fill(0xff)]) }, "x"))],
  ["a wrong checksum", tar(member({ name: "c", checksumOff: 1 }, "x"))],
  ["another magic", tar(member({ name: "c", magic: "xxxxx\x0000" }, "x"))],
  ["an empty name", tar(member({ name: "" }, "x"))],
  ["the same twice", tar(member({ name: "twice" }, "x"), member({ name: "twice" }, "y"))],
  ["a file below a file", tar(member({ name: "f" }, "x"), member({ name: "f/g" }, "y"))],
  ["a file below a link", tar(member({ name: "l", type: "2", link: "d" }), member({ name: "l/x" }, "y"))],
  ["one header, no bytes", header({ name: "x", size: 100 })],
  ["half a header", header({ name: "x" }).subarray(0, 300)],
  ["no archive", new TextEncoder().encode("this is no archive".repeat(60))],
  ["a byte", new Uint8Array([1])],
];
const PAX: readonly (readonly [string, Uint8Array])[] = [
  ...[
    { path: "../up" },
    { path: "" },
    { path: "x\0y" },
    { path: "x".repeat(300) },
    { path: "a/".repeat(2000) },
    { path: "p".repeat(5000) },
    { size: "-1" },
    { size: "9".repeat(30) },
    { size: "x" },
    { linkpath: "../../x" },
    { "GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "1099511627776" },
    { "GNU.sparse.map": "0,1,99999999999,1", "GNU.sparse.size": "99999999999" },
    { hdrcharset: "BINARY" },
    { __proto__x: "y" },
  ].map(
    (records) =>
      [
        `pax records ${shown(JSON.stringify(records))}`,
        tar(pax(records as unknown as Record<string, string>), member({ name: "x" }, "y")),
      ] as const,
  ),
  ...["5 a=b\n", "999999 a=b\n", "0 a=b\n", "-1 a=b\n", "6 a=b", "6 ab\n\n", "x a=b\n", " a=b\n", "\n", "3 =\n"].map(
    (record) =>
      [
        `a pax record ${shown(record)}`,
        tar(member({ name: "p", type: "x" }, record), member({ name: "x" }, "y")),
      ] as const,
  ),
  [
    "a pax header of 2 MiB",
    tar(member({ name: "p", type: "x" }, new Uint8Array(2 * 1024 * 1024)), member({ name: "x" }, "y")),
  ],
  [
    "a GNU name of 2 MiB",
    tar(member({ name: "n", type: "L" }, new Uint8Array(2 * 1024 * 1024).fill(97)), member({ name: "x" }, "y")),
  ],
  ["a pax header that says of 8 GiB", header({ name: "p", type: "x", size: "77777777777" })],
  ["a thousand pax headers, one after the other", tar(...Array.from({ length: 1000 }, () => pax({ path: "x" })))],
];

/** Compresses a thousandfold and more. */
const zeros = (mib: number) =>
  concatBytes([header({ name: "zeros", size: mib * 1024 * 1024 }), new Uint8Array(mib * 1024 * 1024), END]);
const BOMB = zeros(96);
const gz = gzipSync(BOMB);
const bombs: Group = [
  archive("96 MiB of zeros in gzip", gz, [413], "application/gzip"),
  archive("96 MiB of zeros in zstd", zstdCompressSync(BOMB), [413], "application/zstd"),
  archive("gzip in gzip", gzipSync(gz), REFUSED, "application/gzip"),
  archive(
    "96 MiB after a good end",
    gzipSync(concatBytes([tar(member({ name: "ok" }, "x")), new Uint8Array(96 * 1024 * 1024)])),
    [200, ...REFUSED],
    "application/gzip",
  ),
  archive(
    "13,000 names",
    gzipSync(tar(...Array.from({ length: 13_000 }, (_, at) => header({ name: `n/${at}` })))),
    [413],
    "application/gzip",
  ),
  archive(
    "30,000 directories in one",
    gzipSync(
      tar(
        ...Array.from({ length: 130 }, (_, at) => pax({ path: `${"d/".repeat(200)}${at}` })).flatMap((p) => [
          p,
          member({ name: "x" }, ""),
        ]),
      ),
    ),
    [200, ...REFUSED],
    "application/gzip",
  ),
];
const GZIP: readonly (readonly [string, Uint8Array])[] = [
  ["nothing", new Uint8Array(0)],
  ["a head only", gz.subarray(0, 10)],
  ["half", gz.subarray(0, gz.length >> 1)],
  ["without its sum", gzipSync(tar(member({ name: "g" }, "x"))).subarray(0, -8)],
  [
    "a wrong sum",
    Uint8Array.from(gzipSync(tar(member({ name: "g" }, "x"))), (byte, at) => (at > 20 ? byte ^ 1 : byte)),
  ],
  ["raw deflate", deflateRawSync(tar(member({ name: "g" }, "x")))],
  ["a tar that is not compressed", tar(member({ name: "g" }, "x"))],
  ["noise after it", concatBytes([gzipSync(tar(member({ name: "g" }, "x"))), new Uint8Array(1000).fill(7)])],
];
const archives: Group = [
  ...[...ENTRIES, ...FIELDS, ...PAX].map(([name, bytes]) => archive(name, bytes, [200, ...REFUSED])),
  ...GZIP.map(([name, bytes]) => archive(`gzip: ${name}`, bytes, REFUSED, "application/gzip")),
  ...GZIP.slice(0, 3).map(([name, bytes]) => archive(`zstd: ${name}`, bytes, REFUSED, "application/zstd")),
  ...["", "text/plain", "application/zip", "application/x-bzip2", "\xff", "application/x-tar2"].map((type) =>
    archive(`as ${shown(type)}`, tar(member({ name: "t" }, "x")), [415], type),
  ),
  ...["br", "x", "gzip, gzip", "identity, gzip", "\xff"].map((coding) =>
    archive(
      `coded ${shown(coding)}`,
      tar(member({ name: "t" }, "x")),
      [415],
      `application/x-tar\r\nContent-Encoding: ${coding}`,
    ),
  ),
];

export const ARCHIVES: Readonly<Record<string, Group>> = { archives, bombs };
