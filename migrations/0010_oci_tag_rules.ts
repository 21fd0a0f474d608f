/** Which tags are immutable: a view, as those of 0006. */
import type { DatabaseKind } from "../core/spi/database.ts";
import { columnTypes, createTable, type Schema } from "./types.ts";

export const TABLES = ["oci_tag_rules"] as const;

export async function up(db: Schema, kind: DatabaseKind): Promise<void> {
  const { text, integer } = columnTypes(kind);
  await createTable(db, kind, "oci_tag_rules")
    .addColumn("tenant", text, (c) => c.notNull().primaryKey())
    .addColumn("revision", integer, (c) => c.notNull())
    .addColumn("rules", text, (c) => c.notNull())
    .addColumn("reason", text, (c) => c.notNull())
    .addColumn("set_at", text, (c) => c.notNull())
    .addColumn("set_by", text, (c) => c.notNull())
    .execute();
}
