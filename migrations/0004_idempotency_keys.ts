/** What `Idempotency-Key` needs to answer a repeated POST with the first answer, and an index for lists by name. */
import { sql } from "kysely";
import type { DatabaseKind } from "../core/spi/database.ts";
import { columnTypes, createTable, type Schema } from "./types.ts";

export const TABLES = ["idempotency_keys"] as const;

export async function up(db: Schema, kind: DatabaseKind): Promise<void> {
  const { text } = columnTypes(kind);

  // Operational (DESIGN 2): a promise to one caller for a day, not history.
  await createTable(db, kind, "idempotency_keys")
    .addColumn("tenant", text, (c) => c.notNull())
    .addColumn("principal", text, (c) => c.notNull())
    .addColumn("idempotency_key", text, (c) => c.notNull())
    .addColumn("fingerprint", text, (c) => c.notNull())
    .addColumn("status", text, (c) => c.notNull())
    .addColumn("subject", text, (c) => c.notNull())
    .addColumn("answer", text)
    .addColumn("attempted_at", text, (c) => c.notNull())
    .addColumn("created_at", text, (c) => c.notNull())
    .addPrimaryKeyConstraint("idempotency_keys_pk", ["tenant", "principal", "idempotency_key"])
    .execute();
  await db.schema.createIndex("idempotency_keys_age").on("idempotency_keys").column("created_at").execute();

  // "All packages of a name, newest first" reads its page and nothing else.
  await sql`create index artifact_packages_name on artifact_packages (tenant, name, created_sequence)`.execute(db);
}
