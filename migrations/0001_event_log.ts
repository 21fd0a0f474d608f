/** The log (DESIGN 4): envelopes, payloads beside them, the head, and how far each view has followed. */
import { sql } from "kysely";
import type { DatabaseKind } from "../core/spi/database.ts";
import { appendOnly, columnTypes, createTable, type Schema } from "./types.ts";

export const TABLES = ["events", "event_payloads", "event_head", "view_state"] as const;

export async function up(db: Schema, kind: DatabaseKind): Promise<void> {
  const { text, bytes, integer } = columnTypes(kind);

  await createTable(db, kind, "events")
    .addColumn("sequence", integer, (c) => c.notNull().primaryKey())
    .addColumn("event_id", text, (c) => c.notNull().unique())
    .addColumn("type", text, (c) => c.notNull())
    .addColumn("tenant", text, (c) => c.notNull())
    .addColumn("tenant_sequence", integer, (c) => c.notNull())
    .addColumn("subject", text, (c) => c.notNull())
    .addColumn("actor", text, (c) => c.notNull())
    .addColumn("occurred_at", text, (c) => c.notNull())
    .addColumn("commitment", bytes, (c) => c.notNull())
    .addColumn("prev_hash", bytes, (c) => c.notNull())
    .addColumn("hash", bytes, (c) => c.notNull())
    .addUniqueConstraint("events_tenant_sequence", ["tenant", "tenant_sequence"])
    .execute();
  await db.schema.createIndex("events_subject").on("events").columns(["subject", "sequence"]).execute();
  await db.schema.createIndex("events_type").on("events").columns(["type", "sequence"]).execute();
  await appendOnly(db, kind, "events", ["update", "delete"]);

  // No foreign key to events: both rows come from one group of the ledger, the only writer, and a look-up per row
  // would be paid on the hot path. It would also say the wrong thing (each payload has its event); that each event has
  // its payload is what `events verify` checks.
  await createTable(db, kind, "event_payloads")
    .addColumn("sequence", integer, (c) => c.notNull().primaryKey())
    .addColumn("salt", bytes)
    .addColumn("context", bytes)
    .addColumn("payload", bytes)
    .execute();
  // The one change that the log allows: v1.event.redacted erases all three at once, and only once.
  await appendOnly(
    db,
    kind,
    "event_payloads",
    ["update", "delete"],
    `new.sequence = old.sequence
      and new.salt is null and new.context is null and new.payload is null
      and old.salt is not null and old.context is not null and old.payload is not null`,
  );

  await createTable(db, kind, "event_head")
    .addColumn("id", integer, (c) => c.notNull().primaryKey().check(sql`id = 1`))
    .addColumn("sequence", integer, (c) => c.notNull())
    .addColumn("hash", bytes, (c) => c.notNull())
    .execute();
  await db
    .insertInto("event_head")
    .values({ id: 1, sequence: 0, hash: new Uint8Array(32) })
    .execute();
  await appendOnly(db, kind, "event_head", ["delete"]);

  await createTable(db, kind, "view_state")
    .addColumn("view", text, (c) => c.notNull().primaryKey())
    .addColumn("view_version", integer, (c) => c.notNull())
    .addColumn("applied_sequence", integer, (c) => c.notNull())
    .execute();
}
