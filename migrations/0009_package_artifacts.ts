/** Finalised packages as OCI artifacts: a view, as those of 0002. */
import { sql } from "kysely";
import type { DatabaseKind } from "../core/spi/database.ts";
import { columnTypes, createTable, type Schema } from "./types.ts";

export const TABLES = ["package_artifacts"] as const;

export async function up(db: Schema, kind: DatabaseKind): Promise<void> {
  const { text, integer } = columnTypes(kind);

  await createTable(db, kind, "package_artifacts")
    .addColumn("package_id", text, (c) => c.notNull().primaryKey())
    .addColumn("tenant", text, (c) => c.notNull())
    .addColumn("name", text, (c) => c.notNull())
    .addColumn("version", text)
    .addColumn("artifact_digest", text)
    .addColumn("artifact_size", integer)
    .addColumn("config_digest", text)
    .addColumn("config_size", integer)
    .addColumn("sequence", integer, (c) => c.notNull())
    .execute();
  // The catalog, and the newest of a name.
  await sql`create index package_artifacts_newest on package_artifacts (tenant, name, sequence)`.execute(db);
  // Tags in the order of their pages.
  await sql`create index package_artifacts_id on package_artifacts (tenant, name, package_id)`.execute(db);
  await sql`create index package_artifacts_version on package_artifacts (tenant, name, version)
    where version is not null`.execute(db);
  await sql`create index package_artifacts_digest on package_artifacts (tenant, name, artifact_digest)
    where artifact_digest is not null`.execute(db);
  await sql`create index package_artifacts_config on package_artifacts (tenant, name, config_digest)
    where config_digest is not null`.execute(db);

  // Whether a package has a content, and which packages have it, one step each.
  await sql`create index artifact_files_holder on artifact_files (content_address, package_id)`.execute(db);
  await sql`drop index artifact_files_object`.execute(db);
}
