/** The disk of the database fills up: everybody hears of it, nothing is half there, and it goes on once there is room. */
import { afterAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sql } from "kysely";
import { openPostgresDatabase } from "../../../adapters/database-postgres/mod.ts";
import { openSqliteDatabase } from "../../../adapters/database-sqlite/mod.ts";
import type { Database, Registry } from "../../../core/mod.ts";
import { startPostgres } from "../../support/postgres.ts";
import { caller, codeOf, newPackage, openFixture, wholeLog } from "../../support/registry_fixture.ts";

const cleanups: (() => unknown)[] = [];
afterAll(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
});

/** A file system of `mebibytes`, or `undefined` where this process may not mount one. */
function smallDisk(mebibytes: number): string | undefined {
  const dir = mkdtempSync(join(tmpdir(), "artifactstore-full-"));
  cleanups.push(() => rmSync(dir, { recursive: true, force: true }));
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${mebibytes}m,mode=0711`, "tmpfs", dir]);
  if (mounted.status !== 0) return undefined;
  cleanups.push(() => spawnSync("umount", ["-l", dir]));
  return dir;
}

const PROBE = smallDisk(1);
if (PROBE === undefined) console.log("skipped: disk-full tests need the right to mount a tmpfs (root)");

/** Fills the disk with packages, then makes room, then goes on. */
async function survives(registry: Registry, database: Database, fillUp: () => void, makeRoom: () => void) {
  const filler = { filler: "x".repeat(50_000) };
  const named = async (name: string, metadata: object = filler) =>
    [name, await codeOf(newPackage(registry, { name, metadata: metadata as never }))] as const;
  const acknowledged: string[] = [];
  const refused: string[] = [];
  fillUp();
  for (let group = 0; refused.length === 0 && group < 100; group++) {
    const outcomes = await Promise.all(
      Array.from({ length: 10 }, (_, i) => named(`g${group}-${i}`, i === 9 ? {} : filler)),
    );
    for (const [name, code] of outcomes) {
      if (code === undefined) acknowledged.push(name);
      else {
        expect(code).toBe("database_full");
        refused.push(name);
      }
    }
  }
  // They were one group: the disk was full for all of them, the small one too.
  expect(refused).toHaveLength(10);
  const names = async () =>
    (await database.read.selectFrom("artifact_packages").select("name").execute()).map((row) => row.name as string);
  expect((await names()).toSorted()).toEqual(acknowledged.toSorted());
  expect((await registry.ledger.verify()).ok).toBe(true);
  makeRoom();
  for (const name of refused.slice(0, 3)) expect(await named(name)).toEqual([name, undefined]);
  expect((await names()).toSorted()).toEqual([...acknowledged, ...refused.slice(0, 3)].toSorted());
  expect((await wholeLog(registry)).filter((e) => e.type === "v1.package.created")).toHaveLength(
    acknowledged.length + 3,
  );
  expect((await registry.ledger.verify()).ok).toBe(true);
}

describe.skipIf(PROBE === undefined)("a full disk", () => {
  test("under SQLite", async () => {
    const disk = smallDisk(12) as string;
    const ballast = join(disk, "ballast");
    const database = await openSqliteDatabase({ path: join(disk, "registry.db") });
    const { registry } = await openFixture({ database });
    await survives(
      registry,
      database,
      () => writeFileSync(ballast, new Uint8Array(6 * 1024 * 1024)),
      () => rmSync(ballast),
    );
    expect((await registry.checkReplay(caller)).ok).toBe(true);
    await registry.close();
  }, 60_000);

  test("under PostgreSQL", async () => {
    const disk = smallDisk(12) as string;
    const ballast = join(disk, "ballast");
    const space = join(disk, "space");
    mkdirSync(space);
    if (process.getuid?.() === 0) chownSync(space, 65534, 65534);
    const server = await startPostgres();
    const database = await openPostgresDatabase({ url: server.url, max: 4 });
    const { registry } = await openFixture({ database });
    await sql.raw(`create tablespace small location '${space}'`).execute(database.read);
    await sql.raw("alter table event_payloads set tablespace small").execute(database.read);
    // Compressed, the filler would take no room; out of line, it would be in a table of its own in that space too.
    await sql.raw("alter table event_payloads alter column payload set storage external").execute(database.read);
    await survives(
      registry,
      database,
      () => writeFileSync(ballast, new Uint8Array(6 * 1024 * 1024)),
      () => rmSync(ballast),
    );
    expect((await registry.checkReplay(caller)).ok).toBe(true);
    await registry.close();
    await server.stop();
  }, 60_000);
});
