/** Archives that nobody should send: each is refused whole, and nothing of it is in the package. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { constants, gzipSync, zstdCompressSync } from "node:zlib";
import { openSqliteDatabase } from "../../../adapters/database-sqlite/mod.ts";
import { createFsStorage } from "../../../adapters/storage-fs/mod.ts";
import { zstdDecompressor } from "../../../adapters/zstd/mod.ts";
import { concatBytes } from "../../../core/base/bytes.ts";
import type { Registry } from "../../../core/mod.ts";
import {
  caller,
  closeFixtures,
  failureOf,
  ingest,
  newPackage,
  openFixture,
  pattern,
  source,
  stranger,
  text,
} from "../../support/registry_fixture.ts";
import { temporaryDirectory } from "../../support/storage_temporary.ts";
import { END, header, member, padded, pax, record, tar } from "../../support/tar_bytes.ts";

const directory = temporaryDirectory("archive-hostile");
let registry: Registry;
let packageId: string;
beforeAll(async () => {
  const database = await openSqliteDatabase({ path: `${directory.path}/a.db` });
  const storage = createFsStorage({ root: `${directory.path}/objects` });
  const zstd = zstdDecompressor();
  const limits = { maxArchiveEntries: 60, maxArchiveBytes: 80 * 1024 * 1024, maxObjectBytes: 3_000_000 };
  ({ registry } = await openFixture({ database, storage, limits, ...(zstd && { zstd }) }));
  packageId = (await newPackage(registry)).package_id;
  await ingest(registry, packageId, "there/before.txt", "before");
  await ingest(registry, packageId, "caf\u00e9", "nfc");
});
afterAll(async () => {
  await closeFixtures();
  directory.remove();
});

const listed = async () => (await registry.listFiles(caller, packageId)).items.map((entry) => entry.path);
const staged = () => {
  const staging = join(directory.path, "objects/staging");
  return existsSync(staging) ? readdirSync(staging) : [];
};

// After each and every refusal.
afterEach(async () => {
  expect(await listed()).toEqual(["caf\u00e9", "there/before.txt"]);
  expect(staged()).toEqual([]);
});

async function refusal(bytes: Uint8Array | AsyncIterable<Uint8Array>, format: "tar" | "tar+gzip" | "tar+zstd" = "tar") {
  const from = bytes instanceof Uint8Array ? source(bytes, 1000) : bytes;
  return await failureOf(registry.importArchive(caller, { packageId, source: from, format }));
}

const good = member({ name: "good" }, "good");
const base256 = (...last: number[]) =>
  new Uint8Array([...new Array(12 - last.length).fill(last[0] === 0xff ? 0xff : 0), ...last]);

describe("an entry that cannot be taken refuses all, and is named", () => {
  test.each<[string, Uint8Array, string, string]>([
    ["an absolute path", member({ name: "/etc/passwd" }, "x"), "/etc/passwd", "invalid_path"],
    ["dots at the start", member({ name: "../up" }), "../up", "invalid_path"],
    ["dots within", member({ name: "a/../../up" }), "a/../../up", "invalid_path"],
    ["dots at the end", member({ name: "a/.." }), "a/..", "invalid_path"],
    ["an empty segment", member({ name: "a//b" }), "a//b", "invalid_path"],
    ["an empty name", member({ name: "" }), "", "invalid_path"],
    ["a NUL in a pax name", concatBytes([pax({ path: "a\u0000b" }), good]), "a\u0000b", "invalid_path"],
    ["dots in a pax name", concatBytes([pax({ path: "../x" }), good]), "../x", "invalid_path"],
    [
      "dots in a GNU long name",
      concatBytes([member({ name: "l", type: "L" }, "../long\u0000"), good]),
      "../long",
      "invalid_path",
    ],
    ["a name that is not UTF-8", member({ name: new Uint8Array([0x63, 0xe9]) }), "c\ufffd", "invalid_path"],
    ["a segment over 255 bytes", concatBytes([pax({ path: "s".repeat(256) }), good]), "s".repeat(256), "invalid_path"],
    ["an absolute symlink", member({ name: "l", type: "2", link: "/etc" }), "l", "invalid_path"],
    ["a symlink that climbs out", member({ name: "d/l", type: "2", link: "../../x" }), "d/l", "invalid_path"],
    ["a symlink to nothing", member({ name: "l", type: "2" }), "l", "invalid_path"],
    [
      "a hard link to what is not here",
      member({ name: "h", type: "1", link: "there/before.txt" }),
      "h",
      "invalid_path",
    ],
    ["a hard link that climbs out", member({ name: "h", type: "1", link: "../x" }), "h", "invalid_path"],
    [
      "a hard link to a directory",
      concatBytes([member({ name: "d", type: "5" }), member({ name: "h", type: "1", link: "d" })]),
      "h",
      "invalid_path",
    ],
    ["a hard link forwards", concatBytes([member({ name: "h", type: "1", link: "good" }), good]), "h", "invalid_path"],
    ["a character device", member({ name: "dev", type: "3" }), "dev", "unsupported"],
    ["a block device", member({ name: "dev", type: "4" }), "dev", "unsupported"],
    ["a named pipe", member({ name: "pipe", type: "6" }), "pipe", "unsupported"],
    ["a GNU sparse file", member({ name: "s", type: "S" }, "x"), "s", "unsupported"],
    [
      "a pax sparse file",
      concatBytes([pax({ "GNU.sparse.major": "1" }), member({ name: "s" }, "x")]),
      "s",
      "invalid_path",
    ],
    ["a GNU multi-volume part", member({ name: "m", type: "M" }, "x"), "m", "unsupported"],
    ["a volume label", member({ name: "v", type: "V" }), "v", "unsupported"],
    ["a GNU dump directory", member({ name: "D", type: "D" }, "Yx\u0000"), "D", "unsupported"],
    ["an unknown type", member({ name: "u", type: "?" }, "x"), "u", "unsupported"],
    ["the same file twice", concatBytes([good, good]), "good", "path_exists"],
    [
      "a file and a directory of one name",
      concatBytes([good, member({ name: "good/", type: "5" })]),
      "good",
      "path_exists",
    ],
    [
      "the same name after NFC",
      concatBytes([member({ name: "e\u0301" }), member({ name: "\u00e9" })]),
      "\u00e9",
      "path_conflict",
    ],
    ["something below a file", concatBytes([good, member({ name: "good/x" })]), "good/x", "path_conflict"],
    [
      "a file where others lie below",
      concatBytes([member({ name: "t/x" }), member({ name: "t" })]),
      "t",
      "path_conflict",
    ],
    [
      "something below a symlink",
      concatBytes([member({ name: "l", type: "2", link: "." }), member({ name: "l/x" })]),
      "l/x",
      "path_conflict",
    ],
    ["a file that is in the package", member({ name: "there/before.txt" }, "x"), "there/before.txt", "path_exists"],
    [
      "a big one that is in the package",
      member({ name: "there/before.txt" }, pattern(2_000_000)),
      "there/before.txt",
      "path_exists",
    ],
    [
      "a name equal after NFC to one in the package",
      member({ name: "cafe\u0301" }, "x"),
      "cafe\u0301",
      "path_conflict",
    ],
    [
      "something below a file of the package",
      member({ name: "there/before.txt/x" }),
      "there/before.txt",
      "path_conflict",
    ],
    [
      "a directory where the package has a file",
      member({ name: "there/before.txt", type: "5" }),
      "there/before.txt",
      "path_conflict",
    ],
    ["a file over the size of an object", header({ name: "big", size: 3_000_001 }), "big", "limit_exceeded"],
  ])("%s", async (_, members, path, code) => {
    const body = code === "limit_exceeded" ? padded(new Uint8Array(3_000_001)) : new Uint8Array(0);
    const error = await refusal(
      tar(member({ name: "first" }, "first"), members, body, member({ name: "last" }, "last")),
    );
    expect(error?.code).toBe("archive_refused");
    const entries = error?.data.entries as { path: string; code: string }[];
    expect(entries.map((entry) => [entry.path, entry.code])).toContainEqual([path, code]);
  });

  test("all of them are told, a hundred at most, and how many there are", async () => {
    const bad = Array.from({ length: 3 }, (_, i) => member({ name: `/${i}` }, "x"));
    const error = await refusal(tar(...bad, good));
    expect(error?.data).toMatchObject({ refused: 3, entries: [{ path: "/0" }, { path: "/1" }, { path: "/2" }] });
    const many = await refusal(tar(...Array.from({ length: 120 }, () => good)));
    expect(many?.data).toMatchObject({ refused: 119 });
    expect(many?.data.entries).toHaveLength(100);
  });
});

describe("an archive that cannot be read is refused", () => {
  const longRecord = `${"9".repeat(9)} path=x\n`;
  test.each<[string, Uint8Array]>([
    ["nothing at all", new Uint8Array(0)],
    ["no tar", pattern(5000)],
    ["a tar without its end", good],
    ["one block of zeros only", concatBytes([good, new Uint8Array(512)])],
    ["one block of zeros in the middle", tar(good, new Uint8Array(512), good)],
    ["something after the end", concatBytes([tar(good), text("x")])],
    ["a second archive after the end", concatBytes([tar(good), tar(good)])],
    ["a wrong checksum", tar(header({ checksumOff: 1 }))],
    ["a size that is no number", tar(header({ size: "0000000009x" }))],
    ["a size with a digit that is not octal", tar(header({ size: "00000000008" }))],
    ["a negative size", tar(header({ size: "-0000000001" }))],
    ["a negative size in base 256", tar(header({ size: base256(0xff, 0xff) }))],
    ["a size beyond all numbers", tar(header({ size: new Uint8Array([0x80, ...new Array(11).fill(0xff)]) }))],
    ["a size that is larger than what follows", tar(header({ size: 100_000 }), padded("x"))],
    ["a directory with a body", tar(member({ name: "d", type: "5" }, "x"))],
    ["a symlink with a body", tar(member({ name: "l", type: "2", link: "x" }, "x"))],
    ["a hard link with a body", tar(good, member({ name: "h", type: "1", link: "good" }, "x"))],
    ["a pax size that is no number", tar(pax({ size: "5x" }), good)],
    ["a pax size in hexadecimal", tar(pax({ size: "0x4" }), good)],
    ["a negative pax size", tar(pax({ size: "-4" }), good)],
    ["a pax size beyond all numbers", tar(pax({ size: "9007199254740993" }), good)],
    ["a pax size that is larger than what follows", tar(pax({ size: "100000" }), good)],
    ["a pax record with a wrong length", tar(member({ type: "x" }, "12 path=x\n"), good)],
    ["a pax record longer than its header", tar(member({ type: "x" }, "99 path=x\n"), good)],
    ["a pax record of length 0", tar(member({ type: "x" }, "0 path=x\n"), good)],
    ["a pax record without a length", tar(member({ type: "x" }, "path=x\n"), good)],
    ["a pax record with an absurd length", tar(member({ type: "x" }, longRecord), good)],
    ["a pax record without =", tar(member({ type: "x" }, "8 pathx\n"), good)],
    ["a pax record whose = belongs to the next", tar(member({ type: "x" }, `7 path\n${record("a", "b")}`), good)],
    ["two pax headers for one entry", tar(pax({ path: "a" }), pax({ path: "b" }), good)],
    ["two long names for one entry", tar(member({ type: "L" }, "a"), member({ type: "L" }, "b"), good)],
    ["a pax header at the end", tar(pax({ path: "a" }))],
    ["a global header that names all", tar(pax({ path: "a" }, "g"), good)],
    ["an extended header over 1 MiB", tar(member({ type: "x" }, record("comment", "x".repeat(1024 * 1024))), good)],
  ])("%s", async (_, bytes) => {
    expect((await refusal(bytes))?.code).toBe("invalid_archive");
  });

  test("cut anywhere", async () => {
    const whole = tar(
      member({ name: "first" }, pattern(1500)),
      pax({ path: "p".repeat(200) }),
      good,
      member({ name: "d", type: "5" }),
    );
    for (let at = 0; at < whole.length; at += 512) {
      for (const cut of [at, at + 1, at + 511]) {
        if (cut >= whole.length) continue;
        expect([cut, (await refusal(whole.subarray(0, cut)))?.code]).toEqual([cut, "invalid_archive"]);
      }
    }
  }, 30_000);
});

describe("compression", () => {
  const archive = tar(member({ name: "first" }, pattern(100_000)), good);
  const zstd = zstdDecompressor() !== undefined;
  // As the zstd program does it.
  const checked = { params: { [constants.ZSTD_c_checksumFlag]: 1 } };
  const shrink = {
    "tar+gzip": (bytes: Uint8Array) => gzipSync(bytes),
    "tar+zstd": (bytes: Uint8Array) => zstdCompressSync(bytes, checked),
  } as const;

  describe.each(["tar+gzip", "tar+zstd"] as const)("%s", (format) => {
    const packed = new Uint8Array(shrink[format](archive));
    test("this runtime reads it", () => expect(format === "tar+gzip" || zstd).toBe(true));

    test("cut, damaged, garbage behind it, or none: refused", async () => {
      const damaged = packed.slice();
      damaged[5000] = (damaged[5000] as number) ^ 0xff;
      const cases = [
        packed.subarray(0, 0),
        packed.subarray(0, 20),
        packed.subarray(0, packed.length >> 1),
        // All of the tar is there, but nobody has compared its checksum.
        packed.subarray(0, -1),
        packed.subarray(0, -4),
        damaged,
        archive,
        concatBytes([packed, text("garbage")]),
      ];
      for (const [i, bytes] of cases.entries())
        expect([i, (await refusal(bytes, format))?.code]).toEqual([i, "invalid_archive"]);
    });

    test("a bomb is stopped by its ratio, long before its end", async () => {
      let given = 0;
      const block = new Uint8Array(
        shrink[format](
          concatBytes([
            header({ name: "zeros", size: 2_900_000 }),
            new Uint8Array(2_900_480),
            ...Array.from({ length: 30 }, (_, i) =>
              concatBytes([header({ name: `z${i}`, size: 2_900_000 }), new Uint8Array(2_900_480)]),
            ),
            END,
          ]),
        ),
      );
      async function* bomb() {
        for await (const chunk of source(block, 4096)) {
          given += chunk.length;
          yield chunk;
        }
      }
      const error = await refusal(bomb(), format);
      expect(error?.code).toBe("limit_exceeded");
      expect(error?.data.limit).toBe(200);
      expect(given).toBeLessThanOrEqual(block.length);
    }, 20_000);
  });

  test("a tar that is compressed without saying so is told apart", async () => {
    const error = await refusal(new Uint8Array(gzipSync(archive)));
    expect([error?.code, error?.message]).toEqual(["invalid_archive", expect.stringContaining("compression")]);
  });
});

describe("limits", () => {
  test("more names than allowed, directories on the way counted", async () => {
    const many = (n: number) => tar(...Array.from({ length: n }, (_, i) => member({ name: `deep/${i}` })));
    expect((await refusal(many(60)))?.code).toBe("limit_exceeded");
    const deep = tar(pax({ path: `${"d/".repeat(60)}f` }), good);
    expect((await refusal(deep))?.code).toBe("limit_exceeded");
    const headers = tar(...Array.from({ length: 121 }, () => pax({ comment: "x" }, "g")), good);
    expect((await refusal(headers))?.code).toBe("limit_exceeded");
  });

  test("more bytes than allowed, also as zeros behind the end that never stop", async () => {
    let released = 0;
    async function* endless(bytes: Uint8Array) {
      try {
        yield tar(good);
        for (;;) yield bytes;
      } finally {
        released += 1;
      }
    }
    expect((await refusal(endless(new Uint8Array(1024 * 1024))))?.code).toBe("limit_exceeded");
    // The reader itself gives up here, and the source is let go of as well.
    expect((await refusal(endless(text("garbage"))))?.code).toBe("invalid_archive");
    expect(released).toBe(2);
  });
});

describe("who, and when", () => {
  test("a stranger's package is not found; a finalised one is not open; nothing is read of the source", async () => {
    const { package_id: done } = await newPackage(registry);
    await registry.finalizePackage(caller, done);
    // biome-ignore lint/correctness/useYield: it is never asked
    async function* untouched(): AsyncGenerator<Uint8Array> {
      throw new Error("was read");
    }
    const input = { source: untouched() };
    expect((await failureOf(registry.importArchive(stranger, { ...input, packageId })))?.code).toBe(
      "package_not_found",
    );
    expect((await failureOf(registry.importArchive(caller, { ...input, packageId: done })))?.code).toBe(
      "package_not_open",
    );
    expect((await failureOf(registry.importArchive(caller, { ...input, packageId: "nonsense" })))?.code).toBe(
      "package_not_found",
    );
  });

  test("an aborted call ends at once, also while the source is stalled, and lets go of it", async () => {
    const controller = new AbortController();
    let released = false;
    const stalled: AsyncIterable<Uint8Array> = {
      [Symbol.asyncIterator]: () => {
        let first = true;
        return {
          next: () => {
            if (!first) return new Promise(() => setTimeout(() => controller.abort(), 10));
            first = false;
            return Promise.resolve({ done: false, value: member({ name: "first" }, "x") });
          },
          return: async () => {
            released = true;
            return { done: true, value: undefined };
          },
        };
      },
    };
    const call = registry.importArchive({ ...caller, signal: controller.signal }, { packageId, source: stalled });
    expect((await failureOf(call))?.code).toBe("cancelled");
    expect(released).toBe(true);
  });

  test("an error of the source comes through as it is, also from behind a decompressor", async () => {
    const packed = new Uint8Array(gzipSync(tar(member({ name: "f" }, pattern(200_000)))));
    for (const format of ["tar", "tar+gzip", "tar+zstd"] as const) {
      async function* broken() {
        yield format === "tar"
          ? member({ name: "first" }, "x")
          : format === "tar+gzip"
            ? packed.subarray(0, 5000)
            : new Uint8Array(zstdCompressSync(packed)).subarray(0, 5000);
        throw new Error("connection reset");
      }
      await expect(registry.importArchive(caller, { packageId, source: broken(), format })).rejects.toThrow(
        "connection reset",
      );
    }
  });
});
