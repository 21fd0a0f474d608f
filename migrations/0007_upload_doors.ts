/** Through which door an upload came: the open ones of each are counted apart. */
import type { DatabaseKind } from "../core/spi/database.ts";
import { columnTypes, type Schema } from "./types.ts";

export const TABLES = [] as const;

export async function up(db: Schema, kind: DatabaseKind): Promise<void> {
  const { text } = columnTypes(kind);
  await db.schema
    .alterTable("upload_sessions")
    .addColumn("door", text, (c) => c.notNull().defaultTo("packages"))
    .execute();
}
