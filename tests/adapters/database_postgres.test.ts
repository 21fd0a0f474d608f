import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { chownSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sql } from "kysely";
import { openPostgresDatabase, SCRATCH_PREFIX } from "../../adapters/database-postgres/mod.ts";
import { isRegistryError } from "../../core/base/errors.ts";
import type { Database } from "../../core/spi/database.ts";
import { testPostgres } from "../support/postgres.ts";

let url: string;
let db: Database;
beforeAll(async () => {
  url = await testPostgres();
  db = await openPostgresDatabase({ url, max: 5 });
});
afterAll(() => db.close());

const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

async function setting(on: Database["read"], name: string): Promise<string | undefined> {
  return (await sql<{ value: string }>`select current_setting(${name}) as value`.execute(on)).rows[0]?.value;
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error("the expected state never came");
    await Bun.sleep(10);
  }
}

describe("sessions", () => {
  test("have the limits that the design names, and long work has no statement limit", async () => {
    const limits = async (on: Database["read"]) =>
      Promise.all(
        ["lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout", "synchronous_commit"].map((name) =>
          setting(on, name),
        ),
      );
    expect(await limits(db.read)).toEqual(["5s", "30s", "1min", "on"]);
    expect(await db.write(limits)).toEqual(["5s", "30s", "1min", "on"]);
    expect(await db.snapshot(limits)).toEqual(["5s", "0", "1min", "on"]);
    expect(await db.exclusive(limits)).toEqual(["5s", "0", "1min", "on"]);
    expect(await limits(db.read)).toEqual(["5s", "30s", "1min", "on"]);
  });

  test("isolate as the design says", async () => {
    expect(await db.write((trx) => setting(trx, "transaction_isolation"))).toBe("read committed");
    expect(await db.snapshot((trx) => setting(trx, "transaction_isolation"))).toBe("repeatable read");
    expect(await db.snapshot((trx) => setting(trx, "transaction_read_only"))).toBe("on");
  });
});

describe("opening", () => {
  test("says what to check when nobody listens there", async () => {
    const error = await failure(openPostgresDatabase({ url: "postgres://nobody@127.0.0.1:1/none" }));
    expect(isRegistryError(error, "database_failed")).toBe(true);
    expect(db.fault(error)).toBe("connection");
    expect((error as Error).message).toContain("Check the URL");
  });

  test("refuses an encoding in which text would not be UTF-8", async () => {
    await sql`create database latin encoding 'LATIN1' template template0 locale 'C'`.execute(db.read);
    const latin = new URL(url);
    latin.pathname = "/latin";
    const error = await failure(openPostgresDatabase({ url: latin.href }));
    expect(isRegistryError(error, "database_failed")).toBe(true);
    expect((error as Error).message).toContain("LATIN1");
  });

  test("refuses a schema name that would need quoting and a pool without room for reads", async () => {
    for (const options of [{ schema: 'x"; drop' }, { schema: "Upper" }, { max: 2 }]) {
      const error = await failure(openPostgresDatabase({ url, ...options }));
      expect(isRegistryError(error, "invalid_argument")).toBe(true);
    }
  });

  test("makes the schema that is named and works in it alone, also when two do so at once", async () => {
    const both = await Promise.all([1, 2].map(() => openPostgresDatabase({ url, schema: "apart", max: 3 })));
    const [one, two] = both as [Database, Database];
    await one.write((trx) => sql`create table only_here (a int)`.execute(trx));
    await sql`select a from only_here`.execute(two.read);
    expect(await failure(sql`select a from only_here`.execute(db.read))).toBeDefined();
    await Promise.all(both.map((each) => each.close()));
  });
});

describe("errors", () => {
  test("of a lock that somebody else holds become database_busy", async () => {
    await db.write((trx) => sql`create table locked (a int)`.execute(trx));
    await db.write(async (holder) => {
      await sql`lock table locked`.execute(holder);
      const error = await failure(
        db.write(async (trx) => {
          await sql`set local lock_timeout = '20ms'`.execute(trx);
          await sql`insert into locked values (1)`.execute(trx);
        }),
      );
      expect(isRegistryError(error, "database_busy")).toBe(true);
      expect(db.fault(error)).toBe("busy");
    });
  });

  test("keep their code and the server's words", async () => {
    const error = await failure(sql`select 1 / 0`.execute(db.read));
    expect(error).toMatchObject({ code: "22012", message: "division by zero" });
    expect(db.fault(error)).toBe("other");
  });

  test("that the work swallowed do not let it seem committed", async () => {
    await db.write((trx) => sql`create table swallowed (a int)`.execute(trx));
    const error = await failure(
      db.write(async (trx) => {
        await sql`insert into swallowed values (1)`.execute(trx);
        await failure(sql`select 1 / 0`.execute(trx));
      }),
    );
    expect(error).toBeInstanceOf(Error);
    expect((await sql`select a from swallowed`.execute(db.read)).rows).toEqual([]);
  });
});

describe("prepared statements", () => {
  test("are made once for a text, wherever the nulls are", async () => {
    await db.write((trx) => sql`create table sparse (a bigint, b bytea, c text)`.execute(trx));
    const made = await db.write(async (trx) => {
      for (const values of [
        [1, null, "x"],
        [null, new Uint8Array([1]), null],
        [2n, new Uint8Array(0), ""],
        [true, null, null],
      ]) {
        await sql`insert into sparse (a, b, c) values (${values[0]}, ${values[1]}, ${values[2]})`.execute(trx);
      }
      const found = sql`select name from pg_prepared_statements where statement like 'insert into sparse%'`;
      return (await found.execute(trx)).rows.length;
    });
    expect(made).toBe(1);
    const { rows } = await sql`select a, b, c from sparse order by a nulls first, c`.execute(db.read);
    expect(rows).toEqual([
      { a: null, b: new Uint8Array([1]), c: null },
      { a: 1, b: null, c: "x" },
      { a: 1, b: null, c: null },
      { a: 2, b: new Uint8Array(0), c: "" },
    ]);
  });

  test("do not pile up in a session without end", async () => {
    const own = await openPostgresDatabase({ url, max: 3 });
    for (let i = 0; i < 1100; i++) await sql`select ${sql.lit(i)} as n`.execute(own.read);
    const { rows } = await sql<{ n: number }>`select count(*) as n from pg_prepared_statements`.execute(own.read);
    expect(rows[0]?.n).toBeLessThan(200);
    await own.close();
  });
});

describe("announce()", () => {
  test("wakes the subscribers of another handle, also after its listening backend was killed", async () => {
    const other = await openPostgresDatabase({ url, max: 3 });
    let woken = 0;
    const stop = await other.subscribe(() => woken++);
    const wakes = async () => {
      const before = woken;
      await until(async () => {
        await db.write((trx) => db.announce(trx));
        return woken > before;
      });
    };
    await wakes();
    const killed =
      await sql`select pg_terminate_backend(pid) from pg_stat_activity where query ilike 'listen%'`.execute(db.read);
    expect(killed.rows.length).toBe(1);
    await wakes();
    await stop();
    await until(async () => {
      const listening = sql`select pid from pg_stat_activity where query ilike 'listen%' and pid <> pg_backend_pid()`;
      return (await listening.execute(db.read)).rows.length === 0;
    });
    await other.close();
  });

  test("does not reach another schema", async () => {
    const apart = await openPostgresDatabase({ url, schema: "quiet", max: 3 });
    let woken = 0;
    await apart.subscribe(() => woken++);
    await apart.write((trx) => apart.announce(trx));
    await until(() => woken >= 1);
    await Bun.sleep(20);
    const before = woken;
    await db.write((trx) => db.announce(trx));
    await Bun.sleep(50);
    expect(woken).toBe(before);
    await apart.close();
  });
});

test("scratch() uses a recognisable schema and dispose() drops it", async () => {
  const schemas = async () =>
    (await sql`select nspname from pg_namespace where starts_with(nspname, ${SCRATCH_PREFIX})`.execute(db.read)).rows
      .length;
  const scratch = await db.scratch();
  await scratch.database.write((trx) => sql`create table t (a int)`.execute(trx));
  expect(await schemas()).toBe(1);
  await scratch.dispose();
  expect(await schemas()).toBe(0);
});

describe("a full disk", () => {
  const mount = mkdtempSync(join(tmpdir(), "artifactstore-full-"));
  const mounted =
    process.getuid?.() === 0 &&
    process.env.ARTIFACTSTORE_TEST_POSTGRES_URL === undefined &&
    spawnSync("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", mount]).status === 0;
  if (!mounted) console.log("skipped: a full disk needs root, the right to mount a tmpfs, and our own server");
  afterAll(() => {
    if (mounted) spawnSync("umount", ["-l", mount]);
    rmSync(mount, { recursive: true, force: true });
  });

  test.skipIf(!mounted)("is told as full and the handle works on", async () => {
    chownSync(mount, 65534, 65534);
    await sql`create tablespace small location ${sql.lit(mount)}`.execute(db.read);
    await sql`create table big (a int, b text) tablespace small`.execute(db.read);
    await sql`alter table big alter b set storage external`.execute(db.read);
    const error = await failure(db.write((trx) => sql`insert into big values (1, repeat('x', 4000000))`.execute(trx)));
    expect(db.fault(error)).toBe("full");
    // The failed statement's pages are kept until they are cleaned up; another table has none.
    await sql`drop table big`.execute(db.read);
    await sql`create table little (a int) tablespace small`.execute(db.read);
    await db.write((trx) => sql`insert into little values (2)`.execute(trx));
    expect((await sql`select a from little`.execute(db.read)).rows).toEqual([{ a: 2 }]);
    await sql`drop table little`.execute(db.read);
    await sql`drop tablespace small`.execute(db.read);
  });
});
