/** Uploads under way, and the answers of those that ended (DESIGN 5 and 7). Operational: never replayed. */
import type { DatabaseKind } from "../core/spi/database.ts";
import { columnTypes, createTable, type Schema } from "./types.ts";

export const TABLES = ["upload_sessions"] as const;

export async function up(db: Schema, kind: DatabaseKind): Promise<void> {
  const { text, integer } = columnTypes(kind);

  await createTable(db, kind, "upload_sessions")
    .addColumn("upload_id", text, (c) => c.notNull().primaryKey())
    .addColumn("tenant", text, (c) => c.notNull())
    .addColumn("owner", text, (c) => c.notNull())
    .addColumn("backend_id", text, (c) => c.notNull())
    .addColumn("state", text, (c) => c.notNull())
    .addColumn("epoch", integer, (c) => c.notNull())
    .addColumn("writer_epoch", integer)
    .addColumn("upload_offset", integer, (c) => c.notNull())
    .addColumn("backend_state", text)
    .addColumn("upload_length", integer)
    .addColumn("max_size", integer, (c) => c.notNull())
    .addColumn("target", text, (c) => c.notNull())
    .addColumn("answer", text)
    .addColumn("created_at", text, (c) => c.notNull())
    .addColumn("expires_at", text, (c) => c.notNull())
    .execute();
  await db.schema.createIndex("upload_sessions_owner").on("upload_sessions").columns(["tenant", "owner"]).execute();
  await db.schema.createIndex("upload_sessions_expiry").on("upload_sessions").column("expires_at").execute();
}
