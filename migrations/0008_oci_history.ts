/**
 * What is not there any more: repositories and manifests with the events that removed them, and where tags were restored
 * from (views); and when manifests were last pulled (operational).
 */
import { sql } from "kysely";
import type { DatabaseKind } from "../core/spi/database.ts";
import { columnTypes, createTable, type Schema } from "./types.ts";

export const TABLES = ["oci_deleted_repositories", "oci_removed_manifests", "oci_pulls", "oci_pull_tracking"] as const;

export async function up(db: Schema, kind: DatabaseKind): Promise<void> {
  const { text, integer } = columnTypes(kind);

  // Apart from the living: whoever asks for a repository by name never meets one that is gone.
  await createTable(db, kind, "oci_deleted_repositories")
    .addColumn("repository_id", text, (c) => c.notNull().primaryKey())
    .addColumn("tenant", text, (c) => c.notNull())
    .addColumn("name", text, (c) => c.notNull())
    .addColumn("deleted_sequence", integer, (c) => c.notNull())
    .addColumn("deleted_at", text, (c) => c.notNull())
    .addColumn("deleted_by", text, (c) => c.notNull())
    .execute();
  await sql`create index oci_deleted_repositories_name on oci_deleted_repositories (tenant, name, deleted_sequence)`.execute(
    db,
  );

  await createTable(db, kind, "oci_removed_manifests")
    .addColumn("repository_id", text, (c) => c.notNull())
    .addColumn("digest", text, (c) => c.notNull())
    .addColumn("sequence", integer, (c) => c.notNull())
    .addColumn("removed_at", text, (c) => c.notNull())
    .addColumn("removed_by", text, (c) => c.notNull())
    .addPrimaryKeyConstraint("oci_removed_manifests_pk", ["repository_id", "digest"])
    .execute();

  await db.schema.alterTable("oci_tag_history").addColumn("restored_from", integer).execute();

  await createTable(db, kind, "oci_pulls")
    .addColumn("repository_id", text, (c) => c.notNull())
    .addColumn("digest", text, (c) => c.notNull())
    .addColumn("pulled_at", text, (c) => c.notNull())
    .addPrimaryKeyConstraint("oci_pulls_pk", ["repository_id", "digest"])
    .execute();
  await sql`create index oci_pulls_last on oci_pulls (repository_id, pulled_at)`.execute(db);

  await createTable(db, kind, "oci_pull_tracking")
    .addColumn("id", integer, (c) => c.notNull().primaryKey().check(sql`id = 1`))
    .addColumn("since", text, (c) => c.notNull())
    .execute();
  // Pulls are noted by every program that knows these tables, and by none before.
  await db.insertInto("oci_pull_tracking").values({ id: 1, since: new Date().toISOString() }).execute();
}
