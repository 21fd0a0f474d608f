/** A file of a package and where its bytes are, with one query: most of what a registry is asked for is this. */
import type { Kysely } from "kysely";
import type { PackageEntry } from "../events/types.ts";
import type { StorageLocation } from "../spi/storage.ts";
import { entryOf, filesTable } from "./files.ts";
import { pathKeyOf } from "./keys.ts";
import { LOCATION_COLUMNS, locationOf, newestFirst } from "./objects.ts";
import { selectPrepared } from "./statements.ts";
import type { ArtifactFilesTable, StorageLocationsTable, Tables } from "./tables.ts";

export interface LocatedFile {
  readonly entry: PackageEntry;
  /** Of the newest copy; none when there is no good one. */
  readonly location: StorageLocation | undefined;
}

type Row = ArtifactFilesTable & Pick<StorageLocationsTable, (typeof LOCATION_COLUMNS)[number]>;

/** `undefined` when this tenant's packages have no file of exactly this path there. */
export async function locatedFile(
  db: Kysely<Tables>,
  { tenant, packageId, path }: { readonly tenant: string; readonly packageId: string; readonly path: string },
): Promise<LocatedFile | undefined> {
  const pathKey = pathKeyOf(path);
  const build = () =>
    db
      .selectFrom("artifact_files as f")
      .innerJoin("artifact_packages as p", "p.package_id", "f.package_id")
      .innerJoin("objects as o", "o.content_address", "f.content_address")
      .leftJoin("storage_locations as l", (join) =>
        join.onRef("l.content_address", "=", "o.content_address").on("o.state", "=", "live"),
      )
      .select(filesTable.columns.map((column) => `f.${column}` as const))
      .select(LOCATION_COLUMNS.map((column) => `l.${column}` as const))
      .where("f.package_id", "=", packageId)
      .where("f.path_key", "=", pathKey)
      .where("p.tenant", "=", tenant)
      .compile();
  // One row a copy. Sorted here: for SQLite a sorter costs seven times the whole query.
  const rows = await selectPrepared<Row>(db, "located file", build, ["live", packageId, pathKey, tenant]);
  const [row] = rows.sort(newestFirst);
  if (row === undefined || row.relative_path !== path) return undefined;
  return { entry: entryOf(row), location: (row.backend_id as string | null) === null ? undefined : locationOf(row) };
}
