/** State that is not history (DESIGN 2): never replayed, never read by a reducer. */
import type { DatabaseKind } from "../core/spi/database.ts";
import { columnTypes, createTable, type Schema } from "./types.ts";

export const TABLES = ["maintenance_lock", "retired_keys"] as const;

export async function up(db: Schema, kind: DatabaseKind): Promise<void> {
  const { text, integer } = columnTypes(kind);

  // Who has the database to itself for migrate, restore, replay into place or doctor --fix (DESIGN 8).
  await createTable(db, kind, "maintenance_lock")
    .addColumn("name", text, (c) => c.notNull().primaryKey())
    .addColumn("holder", text, (c) => c.notNull())
    .addColumn("purpose", text, (c) => c.notNull())
    .addColumn("acquired_at", text, (c) => c.notNull())
    .addColumn("expires_at", text, (c) => c.notNull())
    .execute();

  // Keys whose bytes were deleted. None may be named again: a late delete would hit the new bytes (DESIGN 5).
  await createTable(db, kind, "retired_keys")
    .addColumn("backend_id", text, (c) => c.notNull())
    .addColumn("storage_key", text, (c) => c.notNull())
    .addColumn("content_address", text)
    .addColumn("generation", integer)
    .addColumn("retired_at", text, (c) => c.notNull())
    .addPrimaryKeyConstraint("retired_keys_pk", ["backend_id", "storage_key"])
    .execute();
  await db.schema.createIndex("retired_keys_object").on("retired_keys").column("content_address").execute();
}
