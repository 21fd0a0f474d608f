/** Open uploads are counted at every beginning, among a day's completed ones: from an index that has none of those. */
import { sql } from "kysely";
import type { DatabaseKind } from "../core/spi/database.ts";
import type { Schema } from "./types.ts";

export const TABLES = [] as const;

export async function up(db: Schema, _kind: DatabaseKind): Promise<void> {
  await db.schema.dropIndex("upload_sessions_owner").execute();
  await db.schema
    .createIndex("upload_sessions_open")
    .on("upload_sessions")
    .columns(["tenant", "owner", "door", "expires_at"])
    .where(sql<boolean>`state <> 'completed'`)
    .execute();
}
