import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { createFsStorage } from "../../adapters/storage-fs/mod.ts";
import { parseContentAddress, type StorageBackend } from "../../core/spi/mod.ts";
import { temporaryDirectory } from "../support/storage_temporary.ts";

const HEX = `abcd${"0".repeat(60)}`;
const ADDRESS = parseContentAddress(`blake3:${HEX}`);
const KEY = `blake3/ab/cd/${HEX}`;
const LARGE = 300_000;

let directory: ReturnType<typeof temporaryDirectory>;
let root: string;
let storage: StorageBackend;

beforeEach(() => {
  directory = temporaryDirectory("fs");
  root = join(directory.path, "data", "objects");
  storage = createFsStorage({ root });
});
afterEach(async () => {
  await storage.close();
  directory.remove();
});

async function put(bytes: Uint8Array, address = ADDRESS, generation = 0) {
  const staged = await storage.stage();
  await staged.write(bytes);
  return staged.publish(address, generation);
}

async function read(key: string, range?: { start: number; end: number }): Promise<number> {
  let length = 0;
  for await (const chunk of storage.read(key, range)) length += chunk.length;
  return length;
}

const mode = (path: string) => (lstatSync(path).mode & 0o7777).toString(8);
const code = (expected: string) => expect.objectContaining({ code: expected });

describe("layout", () => {
  test("the first generation lies at <algorithm>/<2 hex>/<2 hex>/<hex>, a later one has its suffix", async () => {
    expect((await put(Uint8Array.of(1))).key).toBe(KEY);
    expect((await put(Uint8Array.of(2), ADDRESS, 7)).key).toBe(`${KEY}.7`);
    expect([...readFileSync(join(root, KEY))]).toEqual([1]);
    expect([...readFileSync(join(root, `${KEY}.7`))]).toEqual([2]);
  });

  test("sha256 and sha512 addresses have trees of their own", async () => {
    const sha512 = parseContentAddress(`sha512:${"0f".repeat(64)}`);
    expect((await put(Uint8Array.of(1), sha512)).key).toBe(`sha512/0f/0f/${"0f".repeat(64)}`);
    expect((await put(Uint8Array.of(1), parseContentAddress(`sha256:${HEX}`))).key).toBe(`sha256/ab/cd/${HEX}`);
    await put(Uint8Array.of(1));
    const { items } = await storage.list({ limit: 10 });
    expect(items.map(({ key }) => key.split("/")[0])).toEqual(["blake3", "sha256", "sha512"]);
  });

  test.each([
    ["upper case", KEY.toUpperCase()],
    ["a shard that is not the digest's", `blake3/ab/ce/${HEX}`],
    ["a short digest", KEY.slice(0, -1)],
    ["a long digest", `${KEY}0`],
    ["a sha512 digest as blake3", `blake3/0f/0f/${"0f".repeat(64)}`],
    ["an unknown algorithm", `md5/ab/cd/${HEX}`],
    ["generation 0 written out", `${KEY}.0`],
    ["a generation with a leading zero", `${KEY}.01`],
    ["an empty generation", `${KEY}.`],
    ["a negative generation", `${KEY}.-1`],
    ["traversal", `blake3/ab/../ab/cd/${HEX}`],
    ["a trailing newline", `${KEY}\n`],
    ["NUL", `${KEY}\0`],
    ["the staging directory", "staging/x"],
    ["an encoded slash", KEY.replace("/", "%2f")],
  ])("a key with %s is refused", async (_, bad) => {
    await expect(storage.stat(bad)).rejects.toEqual(code("invalid_argument"));
    await expect(storage.delete(bad)).rejects.toEqual(code("invalid_argument"));
    await expect(read(bad)).rejects.toEqual(code("invalid_argument"));
  });

  test.each([-1, 0.5, Number.NaN, 1e15, Number.POSITIVE_INFINITY])("generation %p is refused", async (generation) => {
    await expect(put(Uint8Array.of(1), ADDRESS, generation)).rejects.toEqual(code("invalid_argument"));
    expect(await storage.listStaged(Date.now() + 1000)).toEqual([]);
  });

  test("an address forged past the type checker makes no path and leaves no temporary file", async () => {
    for (const forged of ["blake3:../../../x", `blake3:${HEX.toUpperCase()}`, "../x", ""]) {
      await expect(put(new Uint8Array(LARGE), forged as typeof ADDRESS)).rejects.toEqual(code("invalid_digest"));
    }
    expect(readdirSync(root)).toEqual(["staging"]);
    expect(readdirSync(join(root, "staging"))).toEqual([]);
  });
});

describe("modes", () => {
  for (const umask of [0o000, 0o022, 0o077, 0o277]) {
    test(`directories are 0700, objects 0444 under umask ${umask.toString(8)}`, async () => {
      const before = process.umask(umask);
      try {
        const staged = await storage.stage();
        await staged.write(new Uint8Array(LARGE));
        await staged.publish(ADDRESS, 0);
        for (const path of ["", "staging", "blake3", "blake3/ab", "blake3/ab/cd"]) {
          expect(`${path} ${mode(join(root, path))}`).toBe(`${path} 700`);
        }
        expect(mode(join(root, KEY))).toBe("444");
      } finally {
        process.umask(before);
      }
    });

    test(`staging files are 0600 under umask ${umask.toString(8)}`, async () => {
      const before = process.umask(umask);
      try {
        const staged = await storage.stage();
        await staged.write(new Uint8Array(LARGE));
        const [name = ""] = readdirSync(join(root, "staging"));
        expect(mode(join(root, "staging", name))).toBe("600");
        await staged.abort();
      } finally {
        process.umask(before);
      }
    });
  }

  test("a root that was there keeps its mode", async () => {
    mkdirSync(root, { recursive: true });
    chmodSync(root, 0o750);
    await put(Uint8Array.of(1));
    expect(mode(root)).toBe("750");
  });
});

describe("reading", () => {
  test("constructing and reading make nothing, not even the root", async () => {
    expect(await storage.stat(KEY)).toBeUndefined();
    expect(await storage.list({ limit: 10 })).toEqual({ items: [] });
    expect(await storage.listStaged(Date.now())).toEqual([]);
    await storage.delete(KEY);
    await expect(read(KEY)).rejects.toEqual(code("object_missing"));
    expect(existsSync(root)).toBe(false);
  });

  test("an object that is truncated under its reader is corrupt, never just short", async () => {
    await put(new Uint8Array(5_000_000));
    chmodSync(join(root, KEY), 0o600);
    const reading = (async () => {
      let first = true;
      for await (const _ of storage.read(KEY)) {
        if (first) truncateSync(join(root, KEY), 2_500_000);
        first = false;
      }
    })();
    await expect(reading).rejects.toEqual(code("object_corrupt"));
  });

  test("readers that stop early or fail leave no descriptor open", async () => {
    const descriptors = () => readdirSync("/proc/self/fd").length;
    if (!existsSync("/proc/self/fd")) return console.log("skipped: no /proc/self/fd to count descriptors in");
    await put(new Uint8Array(5_000_000));
    const before = descriptors();
    for (let i = 0; i < 20; i++) {
      for await (const _ of storage.read(KEY)) break;
      await read(KEY, { start: 0, end: 9_000_000 }).catch(() => {});
    }
    expect(descriptors()).toBe(before);
  });

  test("a link in an object's place is never followed", async () => {
    await put(Uint8Array.of(1));
    writeFileSync(join(directory.path, "secret"), "secret");
    rmSync(join(root, KEY));
    symlinkSync(join(directory.path, "secret"), join(root, KEY));
    await expect(read(KEY)).rejects.toEqual(code("storage_failed"));
    await expect(storage.stat(KEY)).rejects.toEqual(code("storage_failed"));
    expect(await storage.list({ limit: 10 })).toEqual({ items: [] });
  });
});

describe("publishing", () => {
  test("a link in a shard directory's place is refused and nothing is written through it", async () => {
    const elsewhere = join(directory.path, "elsewhere");
    mkdirSync(elsewhere);
    mkdirSync(join(root, "blake3"), { recursive: true });
    symlinkSync(elsewhere, join(root, "blake3", "ab"));
    await expect(put(Uint8Array.of(1))).rejects.toEqual(code("storage_failed"));
    expect(readdirSync(elsewhere)).toEqual([]);
    expect(readdirSync(join(root, "staging"))).toEqual([]);
  });

  test("a link in the staging directory's place is refused", async () => {
    const elsewhere = join(directory.path, "elsewhere");
    mkdirSync(elsewhere);
    mkdirSync(root, { recursive: true });
    symlinkSync(elsewhere, join(root, "staging"));
    await expect(put(new Uint8Array(LARGE))).rejects.toEqual(code("storage_failed"));
    expect(readdirSync(elsewhere)).toEqual([]);
  });

  test("publishing again replaces a damaged file by the good bytes", async () => {
    await put(Uint8Array.of(1, 2, 3));
    chmodSync(join(root, KEY), 0o600);
    writeFileSync(join(root, KEY), Uint8Array.of(9));
    await put(Uint8Array.of(1, 2, 3));
    expect([...readFileSync(join(root, KEY))]).toEqual([1, 2, 3]);
    expect(mode(join(root, KEY))).toBe("444");
  });

  test("directories removed behind its back are made again", async () => {
    await put(Uint8Array.of(1));
    rmSync(join(root, "blake3"), { recursive: true });
    await put(Uint8Array.of(2));
    expect([...readFileSync(join(root, KEY))]).toEqual([2]);
    rmSync(root, { recursive: true });
    await put(new Uint8Array(LARGE));
    expect(await read(KEY)).toBe(LARGE);
  });

  test("a write runs while its caller works on: hashing does not hold the disk up", async () => {
    const staged = await storage.stage();
    await staged.write(new Uint8Array(LARGE));
    const path = join(root, "staging", readdirSync(join(root, "staging"))[0] as string);
    const writing = staged.write(new Uint8Array(128 * 1024));
    // This thread never lets go from here on; only a write that had begun by now can arrive.
    const whole = LARGE + 128 * 1024;
    const deadline = performance.now() + 3000;
    while (lstatSync(path).size < whole && performance.now() < deadline);
    const arrived = lstatSync(path).size;
    await writing;
    await staged.abort();
    expect(arrived).toBe(whole);
  });

  test("a small object that is aborted never touched the disk", async () => {
    const staged = await storage.stage();
    await staged.write(new Uint8Array(4096));
    expect(readdirSync(join(root, "staging"))).toEqual([]);
    await staged.abort();
  });

  test("a staged file that somebody swept away fails its publishing", async () => {
    const staged = await storage.stage();
    await staged.write(new Uint8Array(LARGE));
    const [leftover] = await storage.listStaged(Date.now() + 1000);
    await storage.discardStaged(leftover?.id ?? "");
    await expect(staged.publish(ADDRESS, 0)).rejects.toEqual(code("storage_failed"));
    expect(await storage.stat(KEY)).toBeUndefined();
  });
});

describe("listing", () => {
  test("what is no object is not listed: staged files, strange names, directories", async () => {
    await put(Uint8Array.of(1));
    const staged = await storage.stage();
    await staged.write(new Uint8Array(LARGE));
    writeFileSync(join(root, "blake3", "ab", "cd", "notes.txt"), "x");
    writeFileSync(join(root, "blake3", "ab", "cd", `${HEX}.tmp`), "x");
    writeFileSync(join(root, "blake3", "ab", "stray"), "x");
    mkdirSync(join(root, "blake3", "zz", "00"), { recursive: true });
    mkdirSync(join(root, "lost+found"));
    expect((await storage.list({ limit: 10 })).items.map(({ key }) => key)).toEqual([KEY]);
  });

  test("leftovers are listed by the age of their last write; other people's files are left alone", async () => {
    const staged = await storage.stage();
    await staged.write(new Uint8Array(LARGE));
    const [name = ""] = readdirSync(join(root, "staging"));
    writeFileSync(join(root, "staging", "README"), "x");
    const hourAgo = Date.now() - 3_600_000;
    utimesSync(join(root, "staging", name), hourAgo / 1000, hourAgo / 1000);
    expect(await storage.listStaged(hourAgo - 60_000)).toEqual([]);
    expect(await storage.listStaged(hourAgo + 60_000)).toMatchObject([{ id: name, size: LARGE }]);
    await expect(storage.discardStaged("README")).rejects.toEqual(code("invalid_argument"));
    await expect(storage.discardStaged(`../${KEY}`)).rejects.toEqual(code("invalid_argument"));
  });

  test("close() removes what was still staged", async () => {
    const staged = await storage.stage();
    await staged.write(new Uint8Array(LARGE));
    await storage.close();
    expect(readdirSync(join(root, "staging"))).toEqual([]);
  });
});

test("health tells the file system's room and leaves no probe behind", async () => {
  const health = await storage.health();
  expect(health).toMatchObject({ ok: true, writable: true });
  expect(health.free_bytes).toBeGreaterThan(0);
  expect(health.total_bytes).toBeGreaterThan(health.free_bytes ?? 0);
  expect(readdirSync(join(root, "staging"))).toEqual([]);
});

test("health of a root that cannot be made says so and does not throw", async () => {
  writeFileSync(join(directory.path, "data"), "a file where a directory should be");
  expect(await storage.health()).toMatchObject({
    ok: false,
    writable: false,
    detail: expect.stringContaining("ENOTDIR"),
  });
});

test("an announced size that does not fit is refused before a byte is written", async () => {
  await expect(storage.stage({ size: 2 ** 52 })).rejects.toEqual(code("storage_full"));
});
