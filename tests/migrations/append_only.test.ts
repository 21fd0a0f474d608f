import { describe, expect, test } from "bun:test";
import { sql } from "kysely";
import type { Database } from "../../core/spi/database.ts";
import { migrate } from "../../migrations/mod.ts";
import { forEachDatabase } from "../support/postgres.ts";

const some = new Uint8Array([1, 2, 3]);

async function withOneEvent(open: () => Promise<Database>): Promise<Database> {
  const db = await open();
  await migrate(db);
  await db.write(async (trx) => {
    await trx.insertInto("events").values(event(1)).execute();
    await trx.insertInto("event_payloads").values({ sequence: 1, salt: some, context: some, payload: some }).execute();
  });
  return db;
}

function event(sequence: number) {
  return {
    sequence,
    event_id: `event-${sequence}`,
    type: "v1.package.created",
    tenant: "default",
    tenant_sequence: sequence,
    subject: "subject",
    actor: "local:somebody",
    occurred_at: "2026-11-21T10:40:00.000Z",
    commitment: some,
    prev_hash: some,
    hash: some,
  };
}

forEachDatabase((kind, open) => {
  const refused = async (db: Database, statement: string) => {
    const before = await contents(db);
    const error = await db
      .write((trx) => sql.raw(statement).execute(trx))
      .then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
    expect({ statement, fault: error === undefined ? "succeeded" : db.fault(error) }).toEqual({
      statement,
      fault: "append_only",
    });
    expect(await contents(db)).toBe(before);
  };
  const contents = async (db: Database) => {
    const rows = [];
    for (const table of ["events", "event_payloads", "event_head"]) {
      rows.push(await db.read.selectFrom(table).selectAll().execute());
    }
    return JSON.stringify(rows, (_, value) => (value instanceof Uint8Array ? [...value] : value));
  };

  describe("the log refuses", () => {
    test("every change and deletion of an event and of the head row", async () => {
      const db = await withOneEvent(open);
      await refused(db, "update events set actor = 'somebody else'");
      await refused(db, "update events set sequence = 2");
      await refused(db, "update events set actor = actor");
      await refused(db, "delete from events");
      await refused(db, "delete from event_payloads");
      await refused(db, "delete from event_head");
    });

    test("what deletes without saying so", async () => {
      const db = await withOneEvent(open);
      if (kind === "postgres") {
        for (const table of ["events", "event_payloads", "event_head"]) await refused(db, `truncate ${table}`);
        await refused(
          db,
          "insert into event_payloads values (1, '', '', '') on conflict (sequence) do update set payload = excluded.payload",
        );
      } else {
        await refused(db, "insert or replace into event_head values (1, 9, x'00')");
        await refused(db, "insert or replace into event_payloads values (1, x'00', x'00', x'00')");
      }
    });

    test("every change of a payload but its erasure", async () => {
      const db = await withOneEvent(open);
      await refused(db, `update event_payloads set payload = ${kind === "sqlite" ? "x'00'" : "'\\x00'"}`);
      await refused(db, "update event_payloads set payload = null");
      await refused(db, "update event_payloads set salt = null, context = null");
      await refused(db, "update event_payloads set salt = null, context = null, payload = null, sequence = 2");
      await refused(db, "update event_payloads set payload = payload");
    });

    test("a second erasure, and filling what was erased", async () => {
      const db = await withOneEvent(open);
      const erase = "update event_payloads set salt = null, context = null, payload = null where sequence = 1";
      await db.write((trx) => sql.raw(erase).execute(trx));
      const { rows } = await sql`select * from event_payloads`.execute(db.read);
      expect(rows.map((row) => ({ ...(row as object) }))).toEqual([
        { sequence: 1, salt: null, context: null, payload: null },
      ]);
      await refused(db, erase);
      await refused(db, `update event_payloads set payload = ${kind === "sqlite" ? "x'00'" : "'\\x00'"}`);
    });
  });

  test("a sequence, an event id and a tenant's sequence are given once", async () => {
    const db = await withOneEvent(open);
    for (const twin of [
      { ...event(2), sequence: 1 },
      { ...event(2), event_id: "event-1" },
      { ...event(2), tenant_sequence: 1 },
    ]) {
      const error = await db
        .write((trx) => trx.insertInto("events").values(twin).execute())
        .catch((thrown: unknown) => thrown);
      expect(db.fault(error)).toBe("unique");
    }
    await db.write((trx) =>
      trx
        .insertInto("events")
        .values({ ...event(2), tenant: "other", tenant_sequence: 1 })
        .execute(),
    );
  });

  test("there is one head", async () => {
    const db = await withOneEvent(open);
    const second = db.write((trx) => trx.insertInto("event_head").values({ id: 2, sequence: 0, hash: some }).execute());
    expect(await second.catch(() => "refused")).toBe("refused");
  });

  test("text sorts by its UTF-8 bytes", async () => {
    const db = await withOneEvent(open);
    const keys = ["a", "B", "b", "\u00e9", "\uff5e", "\u{1f600}", "_", "a b", "ab"];
    await db.write((trx) =>
      trx
        .insertInto("view_state")
        .values(keys.map((view) => ({ view, view_version: 1, applied_sequence: 0 })))
        .execute(),
    );
    const found = await db.read.selectFrom("view_state").select("view").orderBy("view").execute();
    const byBytes = keys.toSorted((x, y) => Buffer.compare(Buffer.from(x), Buffer.from(y)));
    expect(found.map((row) => row.view)).toEqual(byBytes);
  });
});
