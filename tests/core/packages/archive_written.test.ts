/** What goes out: sizes and counts beyond 32 bits, the same bytes each time, and a cut where something is damaged. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { chmodSync, openSync, readdirSync, readFileSync, readlinkSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { openSqliteDatabase } from "../../../adapters/database-sqlite/mod.ts";
import { createFsStorage } from "../../../adapters/storage-fs/mod.ts";
import { zstdDecompressor } from "../../../adapters/zstd/mod.ts";
import type { ArchiveInputFormat, Registry } from "../../../core/mod.ts";
import { ZipWriter } from "../../../core/packages/archive_zip_write.ts";
import { AWKWARD, exported, fill, run } from "../../support/archive_trees.ts";
import {
  caller,
  closeFixtures,
  ingest,
  newPackage,
  openFixture,
  pattern,
  settableClock,
  source,
  text,
} from "../../support/registry_fixture.ts";
import { temporaryDirectory } from "../../support/storage_temporary.ts";

const directory = temporaryDirectory("archive");
let registry: Registry;
const clock = settableClock();
beforeAll(async () => {
  const database = await openSqliteDatabase({ path: `${directory.path}/a.db` });
  const zstd = zstdDecompressor();
  const storage = createFsStorage({ root: `${directory.path}/objects` });
  ({ registry } = await openFixture({ database, storage, clock, ...(zstd && { zstd }) }));
});
afterAll(async () => {
  await closeFixtures();
  directory.remove();
});

const fresh = async () => (await newPackage(registry)).package_id;
const imported = async (packageId: string, bytes: Uint8Array, format: ArchiveInputFormat = "tar") =>
  await registry.importArchive(caller, { packageId, source: source(bytes, 10_007), format });

let places = 0;
const place = () => join(directory.path, `place-${++places}`);

describe("zip64", () => {
  const entry = (path: string) => ({ path, kind: "file" as const, size: 0, executable: false, target: "" });

  test("more than 65,535 entries", () => {
    const zip = new ZipWriter(1_000_000_000);
    const pieces: Uint8Array[] = [];
    for (let i = 0; i < 70_000; i++)
      pieces.push(zip.header({ ...entry(`f${i}`), kind: i % 2 ? "directory" : "file" }, 0, 0));
    pieces.push(...zip.end());
    const at = `${place()}.zip`;
    writeFileSync(at, Buffer.concat(pieces));
    const count = "import sys, zipfile; print(len(zipfile.ZipFile(sys.argv[1]).namelist()))";
    expect(run(["python3", "-c", count, at], directory.path)).toBe("70000\n");
    run(["unzip", "-tqq", at], directory.path);
  }, 30_000);

  test("an entry over 4 GiB, and one that lies behind it", () => {
    const zip = new ZipWriter(1_000_000_000);
    const at = `${place()}.zip`;
    const file = openSync(at, "w");
    const size = 5 * 2 ** 30;
    let position = 0;
    const write = (bytes: Uint8Array) => {
      writeSync(file, bytes, 0, bytes.length, position);
      position += bytes.length;
    };
    write(zip.header(entry("huge"), size));
    // A hole of this length, which the writer only counts.
    zip.content({ length: size } as Uint8Array);
    position += size;
    write(zip.trailer(0x12345678));
    write(zip.header(entry("behind"), 2, 0x7a6fe2c0));
    write(zip.content(text("ok")));
    for (const piece of zip.end()) write(piece);
    const script =
      "import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); print([(i.filename, i.file_size, i.CRC) for i in z.infolist()]); i = z.getinfo('behind'); z.fp.seek(i.header_offset + 30 + 6 + 9); print(z.fp.read(2))";
    expect(run(["python3", "-c", script, at], directory.path)).toBe(
      `[('huge', ${size}, ${0x12345678}), ('behind', 2, ${0x7a6fe2c0})]\nb'ok'\n`,
    );
    expect(run(["unzip", "-l", at], directory.path)).toContain(String(size));
  });
});

describe("tar beyond 8 GiB", () => {
  test("the size stands in a pax header, and GNU tar and our reader find what lies behind", async () => {
    const { tarHeader, tarPadding, TAR_END } = await import("../../../core/packages/archive_tar_write.ts");
    const { TarReader } = await import("../../../core/packages/archive_tar_read.ts");
    const size = 9 * 2 ** 30 + 1;
    const at = `${place()}.tar`;
    const file = openSync(at, "w");
    const before = tarHeader({ path: "huge", kind: "file", size, executable: false, target: "" }, 0);
    writeSync(file, before, 0, before.length, 0);
    const rest = Buffer.concat([
      tarPadding(size),
      tarHeader({ path: "behind", kind: "file", size: 0, executable: false, target: "" }, 0),
      TAR_END,
    ]);
    writeSync(file, rest, 0, rest.length, before.length + size);
    expect(run(["tar", "-tvf", at], directory.path)).toMatch(new RegExp(`${size} .* huge\\n.* 0 .* behind\\n$`));
    async function* holes() {
      yield before;
      const block = new Uint8Array(2 ** 26);
      for (let left = size; left > 0; left -= block.length) yield block.subarray(0, Math.min(left, block.length));
      yield rest;
    }
    const reader = new TarReader(holes());
    expect(await reader.next()).toMatchObject({ path: "huge", size });
    expect(await reader.next()).toMatchObject({ path: "behind", size: 0 });
    expect(await reader.next()).toBeUndefined();
  });
});

describe("what goes out", () => {
  test("is the same bytes each time, with the time of finalising; open, with that of creating", async () => {
    const id = await fresh();
    await fill(registry, id, AWKWARD);
    const open = await exported(registry, id, "tar");
    clock.time += 3_600_000;
    await registry.finalizePackage(caller, id);
    clock.time += 3_600_000;
    for (const format of ["tar", "zip"] as const) {
      const bytes = await exported(registry, id, format);
      expect(Bun.hash(await exported(registry, id, format))).toBe(Bun.hash(bytes));
      if (format === "tar") expect(bytes.length).toBe(open.length);
      expect(Bun.hash(bytes)).not.toBe(Bun.hash(open));
    }
  });

  test("a name or link that is not ASCII stands in a pax header, where it is UTF-8 by definition", async () => {
    const id = await fresh();
    await registry.addSymlink(caller, { packageId: id, path: "é", target: "ü" });
    const records = new TextDecoder().decode((await exported(registry, id, "tar")).subarray(512, 1024));
    expect(records).toStartWith("11 path=é\n15 linkpath=ü\n\u0000");
  });

  test("an empty package is an empty archive, in both formats", async () => {
    const id = await fresh();
    expect(await exported(registry, id, "tar")).toEqual(new Uint8Array(1024));
    expect((await exported(registry, id, "zip")).length).toBe(22);
    expect(await imported(await fresh(), await exported(registry, id, "tar"))).toMatchObject({
      added: 0,
      bytes: 0,
      entries: [],
    });
  });

  test("damage cuts it before its end, in both formats, and no program takes it for whole", async () => {
    const id = await fresh();
    await ingest(registry, id, "a first", "good");
    const content = randomBytes(6 * 1024 * 1024);
    const { entry } = await ingest(registry, id, "b damaged", content);
    await ingest(registry, id, "c last", "never reached");
    const hex = entry.content_address.slice("blake3:".length);
    const object = join(directory.path, "objects/blake3", hex.slice(0, 2), hex.slice(2, 4), hex);
    for (const format of ["tar", "zip"] as const) {
      const bytes = readFileSync(object);
      bytes[6_000_000] = (bytes[6_000_000] as number) ^ 1;
      chmodSync(object, 0o644);
      writeFileSync(object, bytes);
      const got: Uint8Array[] = [];
      const reading = async () => {
        for await (const chunk of (await registry.exportArchive(caller, { package: id, format })).body)
          got.push(chunk.slice());
      };
      await expect(reading()).rejects.toMatchObject({ code: "object_corrupt" });
      const at = `${place()}.${format}`;
      writeFileSync(at, Buffer.concat(got));
      const command = format === "tar" ? ["tar", "-tf", at] : ["unzip", "-l", at];
      expect(Bun.spawnSync(command).exitCode).not.toBe(0);
      // The operator brings it back.
      writeFileSync(object, content);
      await registry.verifyPackage(caller, id);
    }
  });

  test("a reader who leaves early leaves nothing open", async () => {
    const id = await fresh();
    await ingest(registry, id, "big", pattern(9_000_000, 3));
    const opened = () =>
      readdirSync("/proc/self/fd")
        .map((fd) => {
          try {
            return readlinkSync(`/proc/self/fd/${fd}`);
          } catch {
            return "";
          }
        })
        .filter((to) => to.includes("objects/blake3"));
    for (const format of ["tar", "zip"] as const) {
      let seen = 0;
      for await (const _ of (await registry.exportArchive(caller, { package: id, format })).body) {
        if (++seen === 5) expect(opened()).toHaveLength(1);
        if (seen === 5) break;
      }
      expect(opened()).toEqual([]);
    }
  });
});
