import { expect, test } from "bun:test";
import { randomInt } from "node:crypto";
import { join, resolve } from "node:path";
import { sql } from "kysely";
import { isRegistryError } from "../../core/base/errors.ts";
import type { Database } from "../../core/spi/database.ts";
import {
  assertSchemaCurrent,
  type Migration,
  migrate,
  migrateFresh,
  migrations,
  schemaState,
} from "../../migrations/mod.ts";
import { type DatabaseTarget, forEachDatabase, openTarget } from "../support/postgres.ts";
import { rounds } from "../support/rounds.ts";

const names = migrations.map((one) => one.name);
const latest = migrations.at(-1)?.version as number;
const owned = migrations.flatMap((one) => one.tables);
const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

/** Tables, indices, triggers and functions: a description that differs when anything of the schema does. */
async function describeSchema(db: Database): Promise<string> {
  if (db.kind === "sqlite") {
    return JSON.stringify(
      (await sql`select type, name, sql from sqlite_schema order by type, name`.execute(db.read)).rows,
    );
  }
  const parts = [
    sql`select table_name, column_name, data_type, is_nullable, collation_name from information_schema.columns
      where table_schema = current_schema() order by table_name, ordinal_position`,
    sql`select indexname, indexdef from pg_indexes where schemaname = current_schema() order by indexname`,
    sql`select tgname, pg_get_triggerdef(oid) as text from pg_trigger where not tgisinternal order by tgname`,
    sql`select proname from pg_proc where pronamespace = current_schema()::regnamespace order by proname`,
  ];
  return JSON.stringify(await Promise.all(parts.map(async (part) => (await part.execute(db.read)).rows)));
}

function spawnMigrate(target: DatabaseTarget, at?: number) {
  const child = join(import.meta.dirname, "migrate_child.ts");
  return Bun.spawn([process.execPath, child, target.kind, target.url, ...(at === undefined ? [] : [String(at)])], {
    cwd: resolve(import.meta.dirname, "../.."),
    stdout: "pipe",
    stderr: "pipe",
  });
}

forEachDatabase((kind, open, target) => {
  const using = async <T>(where: DatabaseTarget, work: (db: Database) => Promise<T>): Promise<T> => {
    const db = await openTarget(where);
    try {
      return await work(db);
    } finally {
      await db.close();
    }
  };

  test("migrate() brings an empty database up to date, and does nothing the second time", async () => {
    const db = await open();
    expect(await schemaState(db)).toEqual({ version: 0, latest, pending: names });
    expect(isRegistryError(await failure(assertSchemaCurrent(db)), "schema_missing")).toBe(true);
    expect(await migrate(db)).toEqual({ applied: names, version: latest });
    const schema = await describeSchema(db);
    expect(await migrate(db)).toEqual({ applied: [], version: latest });
    expect(await describeSchema(db)).toBe(schema);
    expect(await schemaState(db)).toEqual({ version: latest, latest, pending: [] });
    await assertSchemaCurrent(db);
    for (const table of owned) await db.read.selectFrom(table).selectAll().execute();
  });

  test("migrate() records when each migration ran", async () => {
    const db = await open();
    await migrate(db, migrations, () => Date.UTC(2026, 10, 21, 10, 40));
    const rows = await db.read.selectFrom("schema_migrations").selectAll().orderBy("version").execute();
    expect(rows.map((row) => row.applied_at)).toEqual(names.map(() => "2026-11-21T10:40:00.000Z"));
  });

  test("a migration that fails takes the ones before it with it", async () => {
    const db = await open();
    const broken: Migration = {
      version: 4,
      name: "broken",
      tables: ["never"],
      async up(trx) {
        await trx.schema.createTable("never").addColumn("id", "integer").execute();
        await sql`select * from nowhere`.execute(trx);
      },
    };
    expect(await failure(migrate(db, [...migrations, broken]))).toBeInstanceOf(Error);
    expect(await schemaState(db)).toEqual({ version: 0, latest, pending: names });
    expect(await migrate(db)).toEqual({ applied: names, version: latest });
    expect(await failure(migrate(db, [...migrations, broken]))).toBeInstanceOf(Error);
    expect(await schemaState(db)).toEqual({ version: latest, latest, pending: [] });
  });

  test("a schema newer than the program is refused by every door and left alone", async () => {
    const db = await open();
    await migrate(db);
    await db.write((trx) =>
      trx.insertInto("schema_migrations").values({ version: 99, name: "future", applied_at: "" }).execute(),
    );
    const schema = await describeSchema(db);
    for (const door of [migrate, migrateFresh, schemaState, assertSchemaCurrent]) {
      expect(isRegistryError(await failure(door(db)), "schema_too_new")).toBe(true);
    }
    expect(await describeSchema(db)).toBe(schema);
  });

  test("a database of another program's migrations is refused", async () => {
    const db = await open();
    await migrate(db);
    await db.write((trx) => trx.updateTable("schema_migrations").set({ name: "x" }).where("version", "=", 2).execute());
    expect(isRegistryError(await failure(migrate(db)), "database_failed")).toBe(true);
  });

  test("migrateFresh() drops what the migrations own, append-only tables too, and nothing else", async () => {
    const db = await open();
    await migrate(db);
    const schema = await describeSchema(db);
    await db.write(async (trx) => {
      await trx.updateTable("event_head").set({ sequence: 7 }).execute();
      await trx.insertInto("view_state").values({ view: "v", view_version: 1, applied_sequence: 7 }).execute();
    });
    expect(await migrateFresh(db)).toEqual({ applied: names, version: latest });
    expect(await describeSchema(db)).toBe(schema);
    const head = await db.read.selectFrom("event_head").selectAll().execute();
    expect(head.map((row) => ({ ...row }))).toEqual([{ id: 1, sequence: 0, hash: new Uint8Array(32) }]);
    expect(await db.read.selectFrom("view_state").selectAll().execute()).toEqual([]);

    await db.write(async (trx) => {
      await sql`create table somebody_elses (id integer)`.execute(trx);
      await sql`insert into somebody_elses values (1)`.execute(trx);
    });
    await migrateFresh(db);
    expect((await sql`select id from somebody_elses`.execute(db.read)).rows.length).toBe(1);
  });

  test("migrateFresh() that fails keeps the old schema and its rows", async () => {
    const db = await open();
    await migrate(db);
    await db.write((trx) => trx.updateTable("event_head").set({ sequence: 7 }).execute());
    const broken: Migration = {
      version: 4,
      name: "broken",
      tables: [],
      up: async (trx) => void (await sql`select * from nowhere`.execute(trx)),
    };
    expect(await failure(migrateFresh(db, [...migrations, broken]))).toBeInstanceOf(Error);
    const head = await db.read.selectFrom("event_head").select("sequence").executeTakeFirst();
    expect(head?.sequence).toBe(7);
  });

  test("processes that migrate at once all succeed, and one of them does the work", async () => {
    const where = await target();
    const children = [1, 2, 3].map(() => spawnMigrate(where));
    const outputs = await Promise.all(
      children.map(async (child) => {
        const [out, problems] = await Promise.all([
          new Response(child.stdout).text(),
          new Response(child.stderr).text(),
        ]);
        expect({ code: await child.exited, problems }).toEqual({ code: 0, problems: "" });
        return JSON.parse(out).applied as string[];
      }),
    );
    expect(outputs.filter((applied) => applied.length > 0)).toEqual([names]);
    await using(where, async (db) => expect(await schemaState(db)).toMatchObject({ version: latest, pending: [] }));
  }, 30_000);

  test("SIGKILL before a statement of a migration, and before COMMIT, leaves the old schema", async () => {
    const whole = await target();
    const counted = spawnMigrate(whole);
    const { statements } = JSON.parse(await new Response(counted.stdout).text());
    expect(statements).toBeGreaterThan(20);
    const wanted = await using(whole, describeSchema);

    const where = await target();
    const empty = await using(where, describeSchema);
    // Two processes at a time: a killed one must not be in the next one's way either.
    const from = randomInt(0, statements);
    const step = Math.max(1, Math.floor(statements / rounds(14, statements)));
    const some = Array.from({ length: Math.floor(statements / step) }, (_, i) => 1 + ((from + i * step) % statements));
    const points = [-1, ...some];
    console.log(`${kind}: killed before COMMIT and the statements ${some} of ${statements}`);
    while (points.length > 0) {
      await Promise.all(points.splice(0, 2).map((at) => spawnMigrate(where, at).exited));
      expect(await using(where, describeSchema)).toBe(empty);
    }
    await using(where, async (db) => {
      await migrate(db);
      expect(await describeSchema(db)).toBe(wanted);
    });
  }, 600_000);

  test("SIGKILL at random moments leaves the old schema or the new one", async () => {
    const finished = new Set<number>();
    for (let round = 0; round < 12; round++) {
      const where = await target();
      const child = spawnMigrate(where);
      await Bun.sleep(randomInt(20, 250));
      child.kill("SIGKILL");
      await child.exited;
      const state = await using(where, schemaState);
      expect([0, latest]).toContain(state.version);
      finished.add(state.version);
      await using(where, migrate);
    }
    if (finished.size < 2) console.log(`${kind}: every kill came ${finished.has(0) ? "before" : "after"} the commit`);
  }, 60_000);
});
