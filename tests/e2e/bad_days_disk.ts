/**
 * Disks that are full, out of inodes, read-only or failing, under a server, a program that keeps a registry open, and
 * the command line: a clear code for everybody, nothing half-visible, and work goes on when there is room again.
 */
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { localCaller, type Registry } from "../../core/mod.ts";
import { cli, difference, PATIENCE, RUNTIMES, type RuntimeName, temporary } from "../cli/support.ts";
import { bytesOf } from "../soak/load.ts";
import { openPlace, type Place } from "../soak/worker.ts";
import { codeOf as codeSaid, flagsFor, lookAtAll, makeTree, run, seeded, serve, sqlitePlace } from "./bad_days.ts";

setDefaultTimeout(PATIENCE);
const { random } = seeded("bad days of disks");
const mounted: string[] = [];
afterAll(() => {
  for (const path of mounted) spawnSync("umount", ["-l", path]);
});
// After the hook above, which has to run before this one's.
const dir = temporary("bad-disk");
const caller = localCaller("tester");
const MIB = 1024 * 1024;

function whyNoMounts(): string | undefined {
  if (process.platform !== "linux") return "mounting a tmpfs needs Linux";
  if (process.getuid?.() !== 0) return "mounting a tmpfs needs root";
  try {
    mount(join(dir, "probe"), "size=1m");
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

function mount(path: string, options: string): string {
  mkdirSync(path, { recursive: true });
  run("mount", "-t", "tmpfs", "-o", options, "tmpfs", path);
  mounted.push(path);
  return path;
}

const noMounts = whyNoMounts();
if (noMounts !== undefined) console.log(`skipped: full and read-only disks: ${noMounts}`);

async function put(registry: Registry, packageId: string, path: string, content: Uint8Array): Promise<string> {
  async function* source() {
    for (let at = 0; at < content.length; at += 65_536) yield content.subarray(at, at + 65_536);
  }
  try {
    await registry.ingestFile(caller, { packageId, path, source: source() });
    return "stored";
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}

/** Takes what room there is; `false` gives it back. */
type Squeeze = (on: boolean) => void;

function ballast(path: string): Squeeze {
  return (on) => {
    if (!on) return rmSync(path);
    // Smaller and smaller pieces, until not even a byte fits.
    for (let size = 16 * MIB; size >= 1; ) {
      try {
        writeFileSync(path, new Uint8Array(size), { flag: "a" });
      } catch {
        size = Math.floor(size / 2);
      }
    }
  };
}

function inodeBallast(folder: string): Squeeze {
  return (on) => {
    if (!on) return rmSync(folder, { recursive: true });
    mkdirSync(folder);
    try {
      for (let i = 0; ; i++) writeFileSync(join(folder, String(i)), "");
    } catch {}
  };
}

interface Case {
  readonly name: string;
  /** Codes that may be said while there is no room. */
  readonly codes: readonly string[];
  make(base: string): { readonly place: Place; readonly squeeze: Squeeze };
}

const cases: readonly Case[] = [
  {
    name: "the disk of the objects is full",
    codes: ["storage_full"],
    make(base) {
      const disk = mount(join(base, "objects"), "size=12m");
      return { place: sqlitePlace(join(disk, "store"), join(base, "db")), squeeze: ballast(join(disk, "ballast")) };
    },
  },
  {
    name: "the disk of the database is full",
    codes: ["database_full"],
    make(base) {
      const disk = mount(join(base, "db"), "size=12m");
      return { place: sqlitePlace(join(base, "objects"), disk), squeeze: ballast(join(disk, "ballast")) };
    },
  },
  {
    name: "one disk for both is full",
    codes: ["storage_full", "database_full"],
    make(base) {
      const disk = mount(join(base, "disk"), "size=16m");
      return { place: sqlitePlace(join(disk, "objects"), join(disk, "db")), squeeze: ballast(join(disk, "ballast")) };
    },
  },
  {
    name: "the disk of the objects has no inode left",
    codes: ["storage_full"],
    make(base) {
      const disk = mount(join(base, "objects"), "size=32m,nr_inodes=400");
      return {
        place: sqlitePlace(join(disk, "store"), join(base, "db")),
        squeeze: inodeBallast(join(disk, "ballast")),
      };
    },
  },
  {
    name: "the disk of the objects is mounted read-only",
    codes: ["storage_read_only"],
    make(base) {
      const disk = mount(join(base, "objects"), "size=32m");
      return {
        place: sqlitePlace(join(disk, "store"), join(base, "db")),
        squeeze: (on) => run("mount", "-o", `remount,${on ? "ro" : "rw"}`, disk),
      };
    },
  },
];

describe.skipIf(noMounts !== undefined)("while it lasts everybody is told, afterwards everybody goes on", () => {
  for (const { name, codes, make } of cases) {
    test(`${name}`, async () => {
      const base = join(dir, name.replaceAll(" ", "-"));
      const { place, squeeze } = make(base);
      const { registry } = await openPlace(place);
      const server = await serve(place);
      const tree = makeTree(join(base, "tree"), random, 25);
      const ingest = ["ingest", tree, "--name", "demo", "--retention-class", "working", "--json", ...flagsFor(place)];

      const { package_id: packageId } = await registry.createPackage(caller, {
        name: "kept",
        retentionClass: "working",
      });
      const kept = bytesOf(1, 100_000);
      expect(await put(registry, packageId, "kept", kept)).toBe("stored");
      expect((await server.health()).http).toBe(200);

      squeeze(true);
      // Until nothing fits: SQLite may have room left in a file that it has already.
      const said = new Set<string>();
      const acknowledged: string[] = [];
      for (let i = 0; i < 2000 && said.size === 0; i++) {
        const outcome = await put(registry, packageId, `while-full/${i}`, bytesOf(100 + i, 3000));
        if (outcome === "stored") acknowledged.push(`while-full/${i}`);
        else said.add(outcome);
      }
      said.add(await put(registry, packageId, "large", bytesOf(2, 20 * MIB)));
      expect([...said].filter((code) => !codes.includes(code))).toEqual([]);

      const byCommand = await cli(ingest);
      expect({ code: byCommand.code, said: byCommand.stderr }).toMatchObject({ code: 6 });
      expect(codes).toContain(codeSaid(byCommand) ?? byCommand.stderr);

      expect(server.alive()).toBe(true);
      const health = await server.health();
      expect(health).toMatchObject({ http: 503, body: { status: "degraded" } });
      if (codes.includes("database_full")) expect(health.body.database).toMatchObject({ ok: false });
      else expect(JSON.stringify(health.body)).toMatch(/ENOSPC|EROFS/);
      const { body } = await registry.getFile(caller, { package: packageId, path: "kept" });
      expect(Buffer.compare(Buffer.concat(await Array.fromAsync(body)), kept)).toBe(0);

      squeeze(false);
      expect(await put(registry, packageId, "afterwards", bytesOf(3, 5000))).toBe("stored");
      expect((await server.health()).http).toBe(200);
      const again = await cli(ingest);
      expect({ code: again.code, said: again.code === 0 ? "" : again.stderr }).toEqual({ code: 0, said: "" });

      // Nothing half-visible: the package holds what was acknowledged, and only the last ingest was finalised.
      const { items } = await registry.listFiles(caller, packageId, { limit: 1000 });
      expect(items.map(({ path }) => path).sort()).toEqual(["afterwards", "kept", ...acknowledged].sort());
      const finalized = await registry.listPackages(caller, { state: "finalized" });
      expect(finalized.items).toHaveLength(1);
      await registry.close();
      expect(await server.stop()).toBe(0);
      expect((await lookAtAll(place)).problems).toEqual([]);
    });
  }

  test("a data directory that cannot be written is named by serve and by ingest, and reading the rest of the disk goes on", async () => {
    const base = join(dir, "read-only-start");
    const disk = mount(join(base, "disk"), "size=32m");
    const place = sqlitePlace(join(disk, "objects"), join(disk, "db"));
    const tree = makeTree(join(disk, "tree"), random, 3);
    run("mount", "-o", "remount,ro", disk);
    const working = ["--retention-class", "working"];
    for (const command of [
      ["ingest", tree, "--name", "demo", ...working],
      ["serve", "--listen", "127.0.0.1:0"],
    ]) {
      const ran = await cli([...command, "--json", ...flagsFor(place)]);
      expect({ code: ran.code, error: codeSaid(ran) }).toEqual({ code: 6, error: "database_failed" });
      expect(ran.stderr).toMatch(/EROFS|read-only/);
    }
    // The same tree, read from the same disk, into a store on another one.
    const elsewhere = sqlitePlace(join(base, "objects"), join(base, "db"));
    const kept = await cli(["ingest", tree, "--name", "demo", "--version", "1", ...working, ...flagsFor(elsewhere)]);
    expect(kept).toMatchObject({ code: 0 });
    const fetched = join(base, "fetched");
    expect(await cli(["fetch", "demo@1", fetched, ...flagsFor(elsewhere)])).toMatchObject({ code: 0 });
    expect(difference(tree, fetched)).toBe("");
    expect((await lookAtAll(elsewhere)).problems).toEqual([]);
  });

  test("an existing store on a read-only disk says so", async () => {
    const base = join(dir, "read-only-later");
    const disk = mount(join(base, "disk"), "size=32m");
    const place = sqlitePlace(join(disk, "objects"), join(disk, "db"));
    const tree = makeTree(join(base, "tree"), random, 3);
    const ingest = ["ingest", tree, "--name", "demo", "--retention-class", "working", "--json", ...flagsFor(place)];
    expect((await cli(ingest)).code).toBe(0);
    run("mount", "-o", "remount,ro", disk);
    const refused = await cli(ingest);
    expect({ code: refused.code, error: codeSaid(refused) }).toEqual({ code: 6, error: "database_failed" });
    run("mount", "-o", "remount,rw", disk);
    expect((await cli(ingest)).code).toBe(0);
    expect((await lookAtAll(place)).problems).toEqual([]);
  });
});

const noStrace = spawnSync("strace", ["-V"]).status === 0 ? undefined : "strace is not installed";
if (noStrace !== undefined) console.log(`skipped: failing fsync: ${noStrace}`);

describe.skipIf(noStrace !== undefined)("when fsync fails", () => {
  /** Runs the program of fsync_child.ts with EIO from every sync of one path. */
  function withFailingSync(runtime: RuntimeName, place: Place, path: string) {
    const inject = ["-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync,fdatasync", "-P", path];
    const child = join(import.meta.dirname, "fsync_child.ts");
    const command = [...inject, "-e", "inject=fsync,fdatasync:error=EIO", ...RUNTIMES[runtime], child];
    const ran = spawnSync("strace", [...command, JSON.stringify(place)], { encoding: "utf8" });
    if (ran.status !== 0) throw new Error(`${ran.status} ${ran.stdout}${ran.stderr}`);
    return JSON.parse(ran.stdout) as {
      outcomes: readonly string[];
      health: { ok: boolean; writable: boolean; detail?: string };
      files: readonly string[];
    };
  }

  for (const runtime of ["bun", "node", "deno"] as const) {
    test(`of the objects, nothing is acknowledged on ${runtime}, health says why, and a restart goes on`, async () => {
      const base = join(dir, `fsync-objects-${runtime}`);
      const place = sqlitePlace(join(base, "objects"), join(base, "db"));
      const { outcomes, health, files } = withFailingSync(runtime, place, join(base, "objects/blake3"));
      expect(outcomes).toEqual(["storage_failed", "storage_failed", "storage_failed"]);
      expect(health).toMatchObject({ ok: false, writable: false });
      expect(health.detail).toMatch(/restart.*verify/);
      expect(files).toEqual([]);
      await goesOn(place, base);
    });

    test(`of the database, nothing is acknowledged on ${runtime}, and a restart goes on`, async () => {
      const base = join(dir, `fsync-database-${runtime}`);
      const place = sqlitePlace(join(base, "objects"), join(base, "db"));
      const { registry } = await openPlace(place); // whoever opens it first also creates it
      const { outcomes } = withFailingSync(runtime, place, join(base, "db/artifact-store.db-wal"));
      expect(outcomes).toEqual(["database_failed", "database_failed", "database_failed"]);
      await registry.close();
      await goesOn(place, base);
    });
  }

  async function goesOn(place: Place, base: string): Promise<void> {
    const tree = makeTree(join(base, "tree"), random, 5);
    const ingest = ["ingest", tree, "--name", "demo", "--retention-class", "working", "--json", ...flagsFor(place)];
    expect((await cli(ingest)).code).toBe(0);
    expect((await lookAtAll(place)).problems).toEqual([]);
    expect(existsSync(join(base, "objects/blake3"))).toBe(true);
  }
});
