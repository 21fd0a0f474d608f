/**
 * The views: tables that are a pure function of the log. No foreign keys, cascades or generated values, so that
 * dropping and replaying gives the same bytes. Text sorts in byte order on both databases.
 */
import { sql } from "kysely";
import type { DatabaseKind } from "../core/spi/database.ts";
import { columnTypes, createTable, type Schema } from "./types.ts";

export const TABLES = [
  "tenants",
  "retention_classes",
  "metadata_schemas",
  "artifact_packages",
  "package_tombstones",
  "artifact_files",
  "objects",
  "object_digests",
  "storage_locations",
  "retention_state",
] as const;

export async function up(db: Schema, kind: DatabaseKind): Promise<void> {
  const { text, integer } = columnTypes(kind);

  await createTable(db, kind, "tenants")
    .addColumn("tenant", text, (c) => c.notNull().primaryKey())
    .addColumn("created_at", text, (c) => c.notNull())
    .execute();

  await createTable(db, kind, "retention_classes")
    .addColumn("name", text, (c) => c.notNull().primaryKey())
    .addColumn("duration_days", integer)
    .addColumn("mode", text, (c) => c.notNull())
    .addColumn("registered_at", text, (c) => c.notNull())
    .execute();

  await createTable(db, kind, "metadata_schemas")
    .addColumn("tenant", text, (c) => c.notNull())
    .addColumn("schema_id", text, (c) => c.notNull())
    .addColumn("schema_json", text, (c) => c.notNull())
    .addColumn("registered_at", text, (c) => c.notNull())
    .addPrimaryKeyConstraint("metadata_schemas_pk", ["tenant", "schema_id"])
    .execute();

  await createTable(db, kind, "artifact_packages")
    .addColumn("package_id", text, (c) => c.notNull().primaryKey())
    .addColumn("tenant", text, (c) => c.notNull())
    .addColumn("name", text, (c) => c.notNull())
    .addColumn("version", text)
    .addColumn("state", text, (c) => c.notNull())
    .addColumn("retention_class", text, (c) => c.notNull())
    .addColumn("metadata", text, (c) => c.notNull())
    .addColumn("metadata_schema", text)
    .addColumn("external_refs", text, (c) => c.notNull())
    .addColumn("created_at", text, (c) => c.notNull())
    .addColumn("created_by", text, (c) => c.notNull())
    .addColumn("created_sequence", integer, (c) => c.notNull())
    .addColumn("finalized_at", text)
    .addColumn("finalized_by", text)
    .addColumn("manifest_sequence", integer)
    .addColumn("manifest_digest", text)
    .addColumn("file_count", integer)
    .addColumn("total_bytes", integer)
    .execute();
  // Decided in the unit of work that finalises; the index makes the database refuse it as well.
  await sql`create unique index artifact_packages_release on artifact_packages (tenant, name, version)
    where state = 'finalized' and version is not null`.execute(db);
  await sql`create index artifact_packages_version on artifact_packages (tenant, name, version)`.execute(db);
  await sql`create index artifact_packages_created on artifact_packages (tenant, created_sequence)`.execute(db);

  await createTable(db, kind, "package_tombstones")
    .addColumn("package_id", text, (c) => c.notNull().primaryKey())
    .addColumn("tenant", text, (c) => c.notNull())
    .addColumn("deleted_at", text, (c) => c.notNull())
    .addColumn("deleted_by", text, (c) => c.notNull())
    .execute();

  await createTable(db, kind, "artifact_files")
    .addColumn("package_id", text, (c) => c.notNull())
    .addColumn("path_key", text, (c) => c.notNull())
    .addColumn("relative_path", text, (c) => c.notNull())
    .addColumn("kind", text, (c) => c.notNull())
    .addColumn("content_address", text)
    .addColumn("digest_algorithm", text)
    .addColumn("digest_primary", text)
    .addColumn("digest_sha256", text)
    .addColumn("digest_sha512", text)
    .addColumn("size", integer)
    .addColumn("executable", integer, (c) => c.notNull())
    .addColumn("symlink_target", text)
    .addColumn("media_type", text)
    .addColumn("ingested_at", text, (c) => c.notNull())
    .addColumn("ingested_by", text, (c) => c.notNull())
    .addColumn("sequence", integer, (c) => c.notNull())
    .addPrimaryKeyConstraint("artifact_files_pk", ["package_id", "path_key"])
    .execute();
  await sql`create index artifact_files_object on artifact_files (content_address)`.execute(db);

  await createTable(db, kind, "objects")
    .addColumn("content_address", text, (c) => c.notNull().primaryKey())
    .addColumn("size", integer, (c) => c.notNull())
    .addColumn("digest_algorithm", text, (c) => c.notNull())
    .addColumn("digest_primary", text, (c) => c.notNull())
    .addColumn("digest_sha256", text, (c) => c.notNull())
    .addColumn("state", text, (c) => c.notNull())
    .addColumn("generation", integer, (c) => c.notNull())
    .addColumn("stored_at", text, (c) => c.notNull())
    .execute();

  await createTable(db, kind, "object_digests")
    .addColumn("algorithm", text, (c) => c.notNull())
    .addColumn("hex", text, (c) => c.notNull())
    .addColumn("content_address", text, (c) => c.notNull())
    .addPrimaryKeyConstraint("object_digests_pk", ["algorithm", "hex"])
    .execute();

  await createTable(db, kind, "storage_locations")
    .addColumn("content_address", text, (c) => c.notNull())
    .addColumn("backend_id", text, (c) => c.notNull())
    .addColumn("storage_key", text, (c) => c.notNull())
    .addColumn("byte_offset", integer, (c) => c.notNull())
    .addColumn("byte_length", integer, (c) => c.notNull())
    .addColumn("layout", text, (c) => c.notNull())
    .addColumn("generation", integer, (c) => c.notNull())
    .addColumn("retrieval_tier", text, (c) => c.notNull())
    .addColumn("restore_status", text)
    .addColumn("stored_at", text, (c) => c.notNull())
    .addPrimaryKeyConstraint("storage_locations_pk", ["content_address", "backend_id", "storage_key"])
    .execute();
  await sql`create index storage_locations_key on storage_locations (backend_id, storage_key)`.execute(db);

  await createTable(db, kind, "retention_state")
    .addColumn("package_id", text, (c) => c.notNull().primaryKey())
    .addColumn("tenant", text, (c) => c.notNull())
    .addColumn("retention_class", text, (c) => c.notNull())
    .addColumn("mode", text, (c) => c.notNull())
    .addColumn("default_expires_at", text)
    .addColumn("current_expires_at", text)
    .addColumn("applied_at", text, (c) => c.notNull())
    .execute();
}
