/** Looking packages up. */

import { authorize } from "../access/decide.ts";
import { RegistryError } from "../base/errors.ts";
import { parseJcsText } from "../base/jcs.ts";
import type { ExternalRef, JsonMap, PackageEntry, RetentionMode } from "../events/types.ts";
import type { Caller } from "../spi/authenticator.ts";
import { entryOf, filesTable } from "../views/files.ts";
import { pathKeyOf } from "../views/keys.ts";
import { loadOne } from "../views/loader.ts";
import { packageById, releasedPackage } from "../views/packages.ts";
import type { ArtifactPackagesTable } from "../views/tables.ts";
import { isName, isVersion } from "./names.ts";
import { checkPath } from "./paths.ts";
import type { Package, PackageDeps } from "./types.ts";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export const isPackageId = (ref: string): boolean => UUID.test(ref);

/** What is no id names no package. @throws {RegistryError} `package_not_found` */
export function checkPackageId(packageId: string): void {
  if (!UUID.test(packageId)) throw packageNotFound(packageId);
}

/** Before it becomes part of a URL: what can be no id and no `name@version` names no package. @throws {RegistryError} `package_not_found` */
export function checkPackageRef(ref: string): void {
  if (!UUID.test(ref) && releaseOf(ref) === undefined) throw packageNotFound(ref);
}

function releaseOf(ref: string): { readonly name: string; readonly version: string } | undefined {
  const at = ref.lastIndexOf("@");
  const [name, version] = [ref.slice(0, at), ref.slice(at + 1)];
  return at > 0 && isName(name) && isVersion(version) ? { name, version } : undefined;
}

export function packageNotFound(ref: string): RegistryError {
  const shown = ref.slice(0, 400);
  return new RegistryError(
    "package_not_found",
    `There is no package ${JSON.stringify(shown)}; use its id or name@version`,
    {
      package: shown,
    },
  );
}

/** Finds a package of the caller's tenant by id or `name@version`. @throws {RegistryError} `package_not_found` */
export async function findPackage(deps: PackageDeps, caller: Caller, ref: string): Promise<ArtifactPackagesTable> {
  const row = await lookUp(deps, caller, ref);
  // Another tenant's package is answered exactly like one that does not exist.
  if (row === undefined || row.tenant !== caller.tenant) throw packageNotFound(ref);
  return row;
}

async function lookUp(deps: PackageDeps, caller: Caller, ref: string): Promise<ArtifactPackagesTable | undefined> {
  const db = deps.database.read;
  if (UUID.test(ref)) return await loadOne(db, packageById, ref);
  const release = releaseOf(ref);
  return release && (await loadOne(db, releasedPackage, { tenant: caller.tenant, ...release }));
}

export async function getPackage(deps: PackageDeps, caller: Caller, ref: string): Promise<Package> {
  authorize(caller, "package:read");
  return await describe(deps, await findPackage(deps, caller, ref));
}

/** The public form of a package row. */
export async function describe(deps: PackageDeps, row: ArtifactPackagesTable): Promise<Package> {
  const retention = await deps.database.read
    .selectFrom("retention_state")
    .select(["mode", "current_expires_at"])
    .where("package_id", "=", row.package_id)
    .executeTakeFirst();
  return toPackage(row, retention);
}

export function toPackage(
  row: ArtifactPackagesTable,
  retention: { readonly mode: string; readonly current_expires_at: string | null } | undefined,
): Package {
  return {
    package_id: row.package_id,
    tenant: row.tenant,
    name: row.name,
    version: row.version,
    state: row.state as Package["state"],
    retention_class: row.retention_class,
    retention_mode: (retention?.mode ?? "none") as RetentionMode,
    expires_at: retention?.current_expires_at ?? null,
    metadata: parseJcsText(row.metadata) as JsonMap,
    metadata_schema: row.metadata_schema,
    external_refs: parseJcsText(row.external_refs) as unknown as readonly ExternalRef[],
    created_at: row.created_at,
    created_by: row.created_by,
    finalized_at: row.finalized_at,
    finalized_by: row.finalized_by,
    manifest_digest: row.manifest_digest,
    file_count: row.file_count,
    total_bytes: row.total_bytes,
  };
}

export interface PageOf<T> {
  readonly items: readonly T[];
  /** Present when there may be more. */
  readonly cursor?: string;
}

export interface ListFilesQuery {
  readonly limit?: number;
  readonly cursor?: string;
}

/** Entries of a package in byte order of their paths. */
export async function listFiles(
  deps: PackageDeps,
  caller: Caller,
  ref: string,
  query: ListFilesQuery = {},
): Promise<PageOf<PackageEntry>> {
  authorize(caller, "package:read");
  const row = await findPackage(deps, caller, ref);
  const limit = checkLimit(query.limit);
  let select = deps.database.read
    .selectFrom("artifact_files")
    .select(filesTable.columns)
    .where("package_id", "=", row.package_id)
    .orderBy("path_key")
    .limit(limit);
  if (query.cursor !== undefined) {
    checkPath(query.cursor);
    select = select.where("path_key", ">", pathKeyOf(query.cursor));
  }
  const rows = await select.execute();
  const last = rows.at(-1);
  const items = rows.map(entryOf);
  return last === undefined || rows.length < limit ? { items } : { items, cursor: last.path_key };
}

const MAX_PAGE = 1000;

/** @throws {RegistryError} `invalid_argument` */
export function checkLimit(limit = 100): number {
  if (Number.isInteger(limit) && limit >= 1 && limit <= MAX_PAGE) return limit;
  throw new RegistryError("invalid_argument", `limit is a whole number from 1 to ${MAX_PAGE}`, { limit });
}
