import { afterAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sql } from "kysely";
import { checkSqliteVersion } from "../../adapters/database-sqlite/connection.ts";
import { openSqliteDatabase, SCRATCH_MARK } from "../../adapters/database-sqlite/mod.ts";
import { isRegistryError } from "../../core/base/errors.ts";
import type { Database } from "../../core/spi/database.ts";

const root = mkdtempSync(join(tmpdir(), "artifactstore-sqlite-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let folders = 0;
const freshPath = () => join(root, String(folders++), "registry.db");
const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);
const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

async function using<T>(path: string, work: (db: Database) => Promise<T>, patience?: number): Promise<T> {
  const db = await openSqliteDatabase({ path, ...(patience === undefined ? {} : { patience }) });
  try {
    return await work(db);
  } finally {
    await db.close();
  }
}

describe("files", () => {
  test.each(["000", "022", "777"])("are for the owner alone under umask %s", async (mask) => {
    const path = freshPath();
    const before = process.umask(Number.parseInt(mask, 8));
    try {
      await using(path, async (db) => {
        await db.write((trx) => sql`create table t (a)`.execute(trx));
        await sql`select * from t`.execute(db.read);
        expect(["", "-wal", "-shm"].map((suffix) => mode(path + suffix))).toEqual(["600", "600", "600"]);
        expect(mode(join(path, ".."))).toBe("700");
      });
    } finally {
      process.umask(before);
    }
  });

  test("that others could read are closed to them, the folder is left as its owner made it", async () => {
    const path = freshPath();
    mkdirSync(join(path, ".."), { mode: 0o755 });
    writeFileSync(path, "");
    chmodSync(path, 0o644);
    await using(path, async () => expect(mode(path)).toBe("600"));
    expect(mode(join(path, ".."))).toBe("755");
  });

  test("of a scratch database are recognisable and gone after dispose()", async () => {
    const path = freshPath();
    await using(path, async (db) => {
      const scratch = await db.scratch();
      const names = () => readdirSync(join(path, "..")).filter((name) => name.includes(SCRATCH_MARK));
      expect(names().length).toBeGreaterThan(0);
      await scratch.dispose();
      expect(names()).toEqual([]);
    });
  });

  test("that are no database, or cannot be made, give an error that names them", async () => {
    const junk = freshPath();
    mkdirSync(join(junk, ".."));
    writeFileSync(junk, "not a database, but long enough to be looked at ".repeat(20));
    const below = join(junk, "registry.db");
    for (const path of [junk, below]) {
      const error = await failure(openSqliteDatabase({ path }));
      expect(isRegistryError(error, "database_failed")).toBe(true);
      expect((error as Error).message).toContain(path);
    }
  });
});

describe("settings", () => {
  test("hold on every connection, as the connections themselves say", async () => {
    await using(freshPath(), async (db) => {
      const expected = {
        journal_mode: "wal",
        synchronous: 2,
        foreign_keys: 1,
        recursive_triggers: 1,
        trusted_schema: 0,
        cell_size_check: 1,
        mmap_size: 0,
        busy_timeout: 5,
      };
      const found = async (on: Database["read"]) => {
        const values = [];
        for (const name of Object.keys(expected)) {
          const { rows } = await sql`${sql.raw(`pragma ${name}`)}`.execute(on);
          values.push([name, Object.values(rows[0] as object)[0]]);
        }
        return Object.fromEntries(values);
      };
      expect(await found(db.read)).toEqual(expected);
      expect(await db.write(found)).toEqual(expected);
      expect(await db.snapshot(found)).toEqual(expected);
    });
  });

  test("of a reading connection refuse to write", async () => {
    await using(freshPath(), async (db) => {
      const error = await failure(sql`create table t (a)`.execute(db.read));
      expect(db.fault(error)).toBe("read_only");
    });
  });

  test("a SQLite that can lose committed writes is refused, a good one is not", () => {
    for (const bad of ["3.7.0", "3.40.1", "3.51.2", "nonsense"]) expect(() => checkSqliteVersion(bad)).toThrow(bad);
    for (const good of ["3.51.3", "3.52.0", "3.53.4", "4.0.0"]) expect(() => checkSqliteVersion(good)).not.toThrow();
  });
});

describe("another process that holds the write lock", () => {
  async function withLockHeld<T>(path: string, milliseconds: number, work: () => Promise<T>): Promise<T> {
    const holder = Bun.spawn([
      process.execPath,
      join(import.meta.dirname, "../support/hold_lock.ts"),
      path,
      `${milliseconds}`,
    ]);
    try {
      const { value } = await holder.stdout.getReader().read();
      expect(new TextDecoder().decode(value)).toContain("held");
      return await work();
    } finally {
      holder.kill();
      await holder.exited;
    }
  }

  test("is waited for while the event loop goes on", async () => {
    const path = freshPath();
    await using(path, async (db) => {
      await db.write((trx) => sql`create table t (a)`.execute(trx));
      let turns = 0;
      const timer = setInterval(() => turns++, 1);
      await withLockHeld(path, 300, () => db.write((trx) => sql`insert into t values (1)`.execute(trx)));
      clearInterval(timer);
      // 300 ms spent in SQLite's own busy handler would leave a handful.
      expect(turns).toBeGreaterThan(10);
      expect((await sql`select a from t`.execute(db.read)).rows.length).toBe(1);
    });
  });

  test("too long ends in database_busy, and the handle works on afterwards", async () => {
    const path = freshPath();
    await using(
      path,
      async (db) => {
        const error = await withLockHeld(path, 60_000, () => failure(db.write(async () => undefined)));
        expect(isRegistryError(error, "database_busy")).toBe(true);
        expect(db.fault(error)).toBe("busy");
        await db.write((trx) => sql`create table t (a)`.execute(trx));
      },
      100,
    );
  });
});

describe("a full disk", () => {
  const mount = join(root, "small");
  mkdirSync(mount);
  const mounted =
    process.getuid?.() === 0 && spawnSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", mount]).status === 0;
  if (!mounted) console.log("skipped: a full disk needs root and the right to mount a tmpfs");
  afterAll(() => {
    if (mounted) spawnSync("umount", [mount]);
  });

  test.skipIf(!mounted)("is told as full, keeps what was committed, and writes go on when there is space", async () => {
    const path = join(mount, "registry.db");
    const ballast = join(mount, "ballast");
    await using(path, async (db) => {
      await db.write((trx) => sql`create table t (a integer primary key, b blob)`.execute(trx));
      await db.write((trx) => sql`insert into t values (1, zeroblob(1000))`.execute(trx));
      writeFileSync(ballast, new Uint8Array(600_000));

      const error = await failure(db.write((trx) => sql`insert into t values (2, zeroblob(900000))`.execute(trx)));
      expect(db.fault(error)).toBe("full");
      const ids = async () =>
        (await sql<{ a: number }>`select a from t order by a`.execute(db.read)).rows.map(({ a }) => a);
      expect(await ids()).toEqual([1]);

      rmSync(ballast);
      await db.write((trx) => sql`insert into t values (3, zeroblob(1000))`.execute(trx));
      expect(await ids()).toEqual([1, 3]);
    });
  });

  test.skipIf(!mounted)("cannot make half a unit of work permanent, even if the work ignores the error", async () => {
    const path = join(mount, "other.db");
    await using(path, async (db) => {
      await db.write((trx) => sql`create table t (a integer primary key, b blob)`.execute(trx));
      const outcome = await failure(
        db.write(async (trx) => {
          await sql`insert into t values (1, null)`.execute(trx);
          await failure(sql`insert into t values (2, zeroblob(2000000))`.execute(trx));
          await sql`insert into t values (3, null)`.execute(trx);
        }),
      );
      const { rows } = await sql<{ a: number }>`select a from t order by a`.execute(db.read);
      expect(rows.map(({ a }) => a)).toEqual(outcome === undefined ? [1, 3] : []);
    });
  });
});

describe("statements", () => {
  test("more than the cache keeps are prepared again and answer rightly", async () => {
    await using(freshPath(), async (db) => {
      for (let round = 0; round < 2; round++) {
        for (let i = 0; i < 600; i++) {
          const { rows } = await sql<{ n: number }>`select ${sql.lit(i)} as n`.execute(db.read);
          expect(rows[0]?.n).toBe(i);
        }
      }
    });
  });

  test("are forgotten when this process changes the schema through another handle", async () => {
    const path = freshPath();
    await using(path, (db) =>
      using(path, async (other) => {
        await db.write((trx) => sql`create table t (a)`.execute(trx));
        await db.write((trx) => sql`insert into t values (1)`.execute(trx));
        const columns = async () => Object.keys((await sql`select * from t`.execute(db.read)).rows[0] as object);
        expect(await columns()).toEqual(["a"]);
        await other.write((trx) => sql`alter table t add column b`.execute(trx));
        expect(await columns()).toEqual(["a", "b"]);
      }),
    );
  });

  test("bind whole numbers as integers and others as they are", async () => {
    await using(freshPath(), async (db) => {
      const typed = async (value: unknown) =>
        (await sql<{ type: string }>`select typeof(${value}) as type`.execute(db.read)).rows[0]?.type;
      expect(await Promise.all([3, 3n, true, 3.5, "3", null, new Uint8Array(1)].map(typed))).toEqual([
        "integer",
        "integer",
        "integer",
        "real",
        "text",
        "null",
        "blob",
      ]);
    });
  });

  test("can be streamed while the same connection pool serves others", async () => {
    await using(freshPath(), async (db) => {
      await db.write((trx) => sql`create table t (a integer primary key)`.execute(trx));
      const values = sql.join(Array.from({ length: 100 }, (_, i) => sql`(${i})`));
      await db.write((trx) => sql`insert into t values ${values}`.execute(trx));
      let seen = 0;
      for await (const _row of db.read.selectFrom("t").select("a").stream(7)) {
        seen++;
        expect((await db.read.selectFrom("t").select("a").execute()).length).toBe(100);
      }
      expect(seen).toBe(100);
    });
  });
});

test("announce() wakes subscribers of every handle of the file in this process, after the commit", async () => {
  const path = freshPath();
  await using(path, (db) =>
    using(path, async (other) => {
      let woken = 0;
      await other.subscribe(() => woken++);
      await db.write(async (trx) => {
        await db.announce(trx);
        expect(woken).toBe(0);
      });
      await Bun.sleep(1);
      expect(woken).toBe(1);
      await db.write(async () => undefined);
      await Bun.sleep(1);
      expect(woken).toBe(1);
    }),
  );
});

test("close() waits for work that runs and leaves one file", async () => {
  const path = freshPath();
  const db = await openSqliteDatabase({ path });
  const running = db.write(async (trx) => {
    await sql`create table t (a)`.execute(trx);
    await Bun.sleep(20);
    await sql`insert into t values (1)`.execute(trx);
  });
  await Bun.sleep(5);
  await db.close();
  await running;
  expect([existsSync(path), existsSync(`${path}-wal`), existsSync(`${path}-shm`)]).toEqual([true, false, false]);
});
