/** Bad days of the fs backend, on real file systems: full, read-only, in two pieces, failing to sync, killed. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createFsStorage } from "../../adapters/storage-fs/mod.ts";
import { parseContentAddress, type StorageBackend } from "../../core/spi/mod.ts";
import { temporaryDirectory } from "../support/storage_temporary.ts";

const MIB = 1024 * 1024;
const SMOKE = join(import.meta.dir, "../support/storage_smoke.ts");

let directory: ReturnType<typeof temporaryDirectory>;
beforeEach(() => {
  directory = temporaryDirectory("faults");
});
afterEach(() => directory.remove());

const run = (command: string, ...args: string[]) => spawnSync(command, args, { encoding: "utf8" });

function whyNoMounts(): string | undefined {
  if (process.platform !== "linux") return "mounting a tmpfs needs Linux";
  if (process.getuid?.() !== 0) return "mounting a tmpfs needs root";
  const probe = temporaryDirectory("mount-probe");
  try {
    const mounted = run("mount", "-t", "tmpfs", "tmpfs", probe.path);
    if (mounted.status !== 0) return `mounting a tmpfs failed: ${mounted.stderr?.trim() || mounted.error?.message}`;
    run("umount", probe.path);
    return undefined;
  } finally {
    probe.remove();
  }
}

const noMounts = whyNoMounts();
if (noMounts !== undefined) console.log(`skipped: full, read-only and split file systems: ${noMounts}`);

describe.skipIf(noMounts !== undefined)("on a small file system of its own", () => {
  const SIZE = 8 * MIB;
  let mountPoint: string;
  let storage: StorageBackend;

  beforeEach(() => {
    mountPoint = join(directory.path, "disk");
    mkdirSync(mountPoint);
    const mounted = run("mount", "-t", "tmpfs", "-o", `size=${SIZE}`, "tmpfs", mountPoint);
    if (mounted.status !== 0) throw new Error(mounted.stderr);
    storage = createFsStorage({ root: join(mountPoint, "objects") });
  });
  afterEach(async () => {
    await storage.close();
    const unmounted = run("umount", mountPoint);
    if (unmounted.status === 0) return;
    run("umount", "-l", mountPoint); // so that a descriptor that leaked fails the test, but leaves no mount behind
    throw new Error(unmounted.stderr);
  });

  const address = (digit: string) => parseContentAddress(`blake3:${digit.repeat(64)}`);

  async function put(size: number, digit: string): Promise<string> {
    const staged = await storage.stage();
    try {
      for (let left = size; left > 0; left -= MIB) await staged.write(new Uint8Array(Math.min(left, MIB)).fill(7));
      return (await staged.publish(address(digit), 0)).key;
    } catch (error) {
      await staged.abort();
      throw error;
    }
  }

  async function read(key: string): Promise<number> {
    let length = 0;
    for await (const chunk of storage.read(key)) length += chunk.length;
    return length;
  }

  test("a large object that does not fit fails with storage_full, leaves nothing, and the next one succeeds", async () => {
    const kept = await put(MIB, "a");
    for (let i = 0; i < 3; i++) {
      await expect(put(16 * MIB, "b")).rejects.toMatchObject({ code: "storage_full", data: { cause_code: "ENOSPC" } });
      expect(readdirSync(join(mountPoint, "objects/staging"))).toEqual([]);
    }
    expect((await storage.list({ limit: 10 })).items.map(({ key }) => key)).toEqual([kept]);
    expect(await read(kept)).toBe(MIB);
    expect(await read(await put(4 * MIB, "c"))).toBe(4 * MIB);
  });

  test("a small object on a full disk fails with storage_full when it is published; health says so", async () => {
    const kept = await put(4096, "a");
    const ballast = join(mountPoint, "ballast");
    try {
      writeFileSync(ballast, new Uint8Array(2 * SIZE));
    } catch {} // it fills what there is
    await expect(put(5000, "b")).rejects.toMatchObject({ code: "storage_full" });
    expect(readdirSync(join(mountPoint, "objects/staging"))).toEqual([]);
    expect(await storage.health()).toMatchObject({ ok: false, writable: false, free_bytes: 0 });
    expect(await read(kept)).toBe(4096);
    await storage.delete(kept);
    rmSync(ballast);
    expect(await storage.health()).toMatchObject({ ok: true, writable: true });
    expect(await read(await put(5000, "b"))).toBe(5000);
  });

  test("an announced size above the room left is refused at once", async () => {
    await expect(storage.stage({ size: 2 * SIZE })).rejects.toMatchObject({ code: "storage_full" });
  });

  test("on a file system turned read-only writes fail, reads go on, and writes work again afterwards", async () => {
    const kept = await put(MIB, "a");
    expect(run("mount", "-o", "remount,ro", mountPoint).status).toBe(0);
    const refusal = { code: "storage_read_only", data: { cause_code: "EROFS" } };
    await expect(put(MIB, "b")).rejects.toMatchObject(refusal);
    await expect(put(10, "b")).rejects.toMatchObject(refusal);
    await expect(storage.delete(kept)).rejects.toMatchObject(refusal);
    expect(await storage.health()).toMatchObject({ ok: false, writable: false });
    expect(await read(kept)).toBe(MIB);
    expect(run("mount", "-o", "remount,rw", mountPoint).status).toBe(0);
    expect(await read(await put(10, "b"))).toBe(10);
  });

  test("a read-only file system without a store is read as an empty one and refuses to be written", async () => {
    expect(run("mount", "-o", "remount,ro", mountPoint).status).toBe(0);
    expect(await storage.list({ limit: 10 })).toEqual({ items: [] });
    await expect(storage.stage()).rejects.toMatchObject({ code: "storage_read_only" });
  });

  test("a staging directory on another file system is refused before anything is written", async () => {
    const root = join(directory.path, "objects");
    mkdirSync(join(root, "staging"), { recursive: true });
    expect(run("mount", "--bind", mountPoint, join(root, "staging")).status).toBe(0);
    try {
      const split = createFsStorage({ root });
      await expect(split.stage()).rejects.toMatchObject({ code: "storage_failed", data: { cause_code: "EXDEV" } });
      expect(await split.health()).toMatchObject({ ok: false, detail: expect.stringContaining("another filesystem") });
    } finally {
      expect(run("umount", join(root, "staging")).status).toBe(0);
    }
  });
});

const noStrace = run("strace", "--version").status === 0 ? undefined : "strace is not installed";
if (noStrace !== undefined) console.log(`skipped: failing fsync: ${noStrace}`);

describe.skipIf(noStrace !== undefined)("when fsync fails", () => {
  /** Runs the smoke program with every fsync that `filter` selects failing. */
  function publishTwice(filter: readonly string[], ...args: string[]) {
    const root = join(directory.path, "objects");
    const inject = ["-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync", "-e", "inject=fsync:error=EIO", ...filter];
    const child = run("strace", ...inject, process.execPath, SMOKE, root, "twice", ...args);
    if (child.status !== 0) throw new Error(`${child.stdout}${child.stderr}`);
    return JSON.parse(child.stdout) as {
      outcomes: readonly { code: string; message: string; cause_code: string }[];
      staged: number;
    };
  }

  test("of a file, the publishing is not acknowledged, nothing stays staged, and no later object is accepted", async () => {
    const { outcomes, staged } = publishTwice([], "only-files");
    expect(outcomes).toMatchObject([
      { code: "storage_failed", cause_code: "EIO" },
      { code: "storage_failed", cause_code: "EIO", message: expect.stringMatching(/restart.*verify/) },
    ]);
    expect(staged).toBe(0);
    // The first one's name, which no row will ever lead to.
    const storage = createFsStorage({ root: join(directory.path, "objects") });
    expect((await storage.list({ limit: 10 })).items).toMatchObject([{ size: 1000 }]);
  });

  test("of a directory, the publishing is not acknowledged and no later object is accepted", () => {
    const root = join(directory.path, "objects");
    const { outcomes, staged } = publishTwice(["-P", join(root, "sha256")]);
    expect(outcomes).toMatchObject([
      { code: "storage_failed", cause_code: "EIO" },
      { code: "storage_failed", message: expect.stringMatching(/restart.*verify/) },
    ]);
    expect(staged).toBe(0);
  });
});

describe.skipIf(noStrace !== undefined)("the order in which an object becomes durable", () => {
  /** The calls of the smoke program below its root, by name and the kind of place. */
  function calls(...args: string[]): string[] {
    const root = join(directory.path, "objects");
    const log = join(directory.path, "trace");
    const traced = ["-f", "-qq", "-y", "-o", log, "-e", "signal=none"];
    const which = "trace=fsync,rename,renameat,renameat2,link,linkat";
    const child = run("strace", ...traced, "-e", which, process.execPath, SMOKE, root, ...args);
    if (child.status !== 0) throw new Error(`${child.stdout}${child.stderr}`);
    return readFileSync(log, "utf8")
      .split("\n")
      .flatMap((line) => {
        const [, name] = /^\d+ +(fsync|rename|link)/.exec(line) ?? [];
        if (name === undefined || !line.includes(`${root}/`)) return [];
        if (name === "fsync") return [line.includes(`${root}/staging/`) ? "sync of the file" : "sync of a directory"];
        return [line.includes("EEXIST") ? `${name}: taken` : name];
      });
  }

  test("a new key comes first, then the syncs of file and directories", () => {
    const seen = calls("publish", "1");
    expect(seen[0]).toBe("link");
    expect(seen.slice(1).sort()).toEqual([...Array(3).fill("sync of a directory"), "sync of the file"]);
  });

  test("a key that somebody has, perhaps with bytes that were promised, is taken only by bytes that are durable", () => {
    calls("publish", "1");
    expect(calls("publish", "1").slice(0, 3)).toEqual(["link: taken", "sync of the file", "rename"]);
  });
});

test("what a killed writer leaves is listed and can be discarded; no object appears", async () => {
  const root = join(directory.path, "objects");
  const child = spawn(process.execPath, [SMOKE, root, "stall"], { stdio: ["ignore", "pipe", "inherit"] });
  await new Promise((resolve) => child.stdout.once("data", resolve));
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await ended;
  const storage = createFsStorage({ root });
  const leftovers = await storage.listStaged(Date.now() + 1000);
  expect(leftovers).toMatchObject([{ size: MIB }]);
  expect(await storage.list({ limit: 10 })).toEqual({ items: [] });
  for (const { id } of leftovers) await storage.discardStaged(id);
  expect(readdirSync(join(root, "staging"))).toEqual([]);
});
