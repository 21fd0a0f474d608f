/** Repositories, blobs, manifests and tags of OCI distribution: views, as those of 0002. */
import { sql } from "kysely";
import type { DatabaseKind } from "../core/spi/database.ts";
import { columnTypes, createTable, type Schema } from "./types.ts";

export const TABLES = [
  "oci_repositories",
  "oci_blobs",
  "oci_manifests",
  "oci_references",
  "oci_tags",
  "oci_tag_history",
] as const;

export async function up(db: Schema, kind: DatabaseKind): Promise<void> {
  const { text, integer } = columnTypes(kind);

  await createTable(db, kind, "oci_repositories")
    .addColumn("repository_id", text, (c) => c.notNull().primaryKey())
    .addColumn("tenant", text, (c) => c.notNull())
    .addColumn("name", text, (c) => c.notNull())
    .addColumn("created_at", text, (c) => c.notNull())
    .addColumn("created_by", text, (c) => c.notNull())
    .execute();
  // Decided in the unit of work that creates; the index makes the database refuse it as well. The catalog walks it.
  await sql`create unique index oci_repositories_name on oci_repositories (tenant, name)`.execute(db);

  await createTable(db, kind, "oci_blobs")
    .addColumn("repository_id", text, (c) => c.notNull())
    .addColumn("digest", text, (c) => c.notNull())
    .addColumn("content_address", text, (c) => c.notNull())
    .addColumn("size", integer, (c) => c.notNull())
    .addColumn("linked_at", text, (c) => c.notNull())
    .addPrimaryKeyConstraint("oci_blobs_pk", ["repository_id", "digest"])
    .execute();
  await sql`create index oci_blobs_object on oci_blobs (content_address, repository_id)`.execute(db);
  // Mount without `from`: who else has it.
  await sql`create index oci_blobs_digest on oci_blobs (digest)`.execute(db);

  await createTable(db, kind, "oci_manifests")
    .addColumn("repository_id", text, (c) => c.notNull())
    .addColumn("digest", text, (c) => c.notNull())
    .addColumn("media_type", text, (c) => c.notNull())
    .addColumn("size", integer, (c) => c.notNull())
    .addColumn("artifact_type", text)
    .addColumn("subject", text)
    .addColumn("annotations", text)
    .addColumn("pushed_at", text, (c) => c.notNull())
    .addColumn("pushed_by", text, (c) => c.notNull())
    .addColumn("sequence", integer, (c) => c.notNull())
    .addPrimaryKeyConstraint("oci_manifests_pk", ["repository_id", "digest"])
    .execute();
  // Referrers, all and of one type, in the order of their pages.
  await sql`create index oci_manifests_subject on oci_manifests (repository_id, subject, digest)
    where subject is not null`.execute(db);
  await sql`create index oci_manifests_artifact on oci_manifests (repository_id, subject, artifact_type, digest)
    where subject is not null`.execute(db);

  await createTable(db, kind, "oci_references")
    .addColumn("repository_id", text, (c) => c.notNull())
    .addColumn("manifest", text, (c) => c.notNull())
    .addColumn("digest", text, (c) => c.notNull())
    .addColumn("kind", text, (c) => c.notNull())
    .addPrimaryKeyConstraint("oci_references_pk", ["repository_id", "manifest", "digest", "kind"])
    .execute();
  await sql`create index oci_references_digest on oci_references (repository_id, digest)`.execute(db);

  await createTable(db, kind, "oci_tags")
    .addColumn("repository_id", text, (c) => c.notNull())
    .addColumn("tag", text, (c) => c.notNull())
    .addColumn("digest", text, (c) => c.notNull())
    .addColumn("moved_at", text, (c) => c.notNull())
    .addColumn("sequence", integer, (c) => c.notNull())
    .addPrimaryKeyConstraint("oci_tags_pk", ["repository_id", "tag"])
    .execute();
  await sql`create index oci_tags_digest on oci_tags (repository_id, digest)`.execute(db);

  await createTable(db, kind, "oci_tag_history")
    .addColumn("repository_id", text, (c) => c.notNull())
    .addColumn("tag", text, (c) => c.notNull())
    .addColumn("sequence", integer, (c) => c.notNull())
    .addColumn("digest", text)
    .addColumn("occurred_at", text, (c) => c.notNull())
    .addColumn("actor", text, (c) => c.notNull())
    .addPrimaryKeyConstraint("oci_tag_history_pk", ["repository_id", "tag", "sequence"])
    .execute();
}
