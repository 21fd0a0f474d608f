/** The unit of work that puts an entry into an open package; shared by files, directories and symlinks. */
import { RegistryError } from "../base/errors.ts";
import { contentWants, type StoredContent, storedEvent } from "../content/place.ts";
import type { NewEvent, PackageEntry } from "../events/types.ts";
import type { Unit } from "../ledger/mod.ts";
import type { Caller } from "../spi/authenticator.ts";
import { entryByPath } from "../views/files.ts";
import { pathKeyOf } from "../views/keys.ts";
import { type Want, type Wants, want } from "../views/loader.ts";
import type { ObjectRecord } from "../views/objects.ts";
import { packageById } from "../views/packages.ts";
import type { ArtifactFilesTable, ArtifactPackagesTable } from "../views/tables.ts";
import { ancestorsOf } from "./paths.ts";
import { checkPackageId, packageNotFound } from "./read.ts";

export interface EntryOutcome {
  readonly entry: PackageEntry;
  /** True where this call brought the bytes; false where the stored copy was kept. */
  readonly stored: boolean;
  /** True where an entry of this path was there before. */
  readonly replaced: boolean;
}

/** An entry of this path must exist and is replaced (`true`), must not exist (`false`), or either. */
export type Replace = boolean | "either";

export function putEntryUnit(
  caller: Caller,
  packageId: string,
  entry: PackageEntry,
  replace: Replace,
  content?: StoredContent,
): Unit<Wants, EntryOutcome> {
  checkPackageId(packageId);
  const ancestors = ancestorsOf(entry.path);
  const wants: Record<string, Want<unknown>> = {
    package: want(packageById, packageId),
    entry: want(entryByPath, { packageId, pathKey: pathKeyOf(entry.path) }),
  };
  for (const [i, path] of ancestors.entries()) {
    wants[`ancestor ${i}`] = want(entryByPath, { packageId, pathKey: pathKeyOf(path) });
  }
  if (content !== undefined) Object.assign(wants, contentWants(content));
  return {
    wants,
    decide(found) {
      checkOpen(found.package as ArtifactPackagesTable | undefined, caller, packageId);
      const existing = found.entry as ArtifactFilesTable | undefined;
      checkReplace(entry.path, existing, replace);
      checkAncestors(
        entry.path,
        ancestors.map((_, i) => found[`ancestor ${i}`] as ArtifactFilesTable | undefined),
      );
      const events: NewEvent[] = [];
      if (content !== undefined) {
        const stored = storedEvent(content, found.object as ObjectRecord | undefined, found.retired === true);
        if (stored !== undefined) events.push(stored);
      }
      const type = existing === undefined ? "v1.package.file_ingested" : "v1.package.file_replaced";
      events.push({ type, subject: packageId, payload: entry });
      return { events, result: { entry, stored: events.length > 1, replaced: existing !== undefined } };
    },
  };
}

export function checkOpen(
  row: ArtifactPackagesTable | undefined,
  caller: Caller,
  packageId: string,
): ArtifactPackagesTable {
  if (row === undefined || row.tenant !== caller.tenant) {
    throw packageNotFound(packageId);
  }
  if (row.state !== "open") {
    throw new RegistryError(
      "package_not_open",
      `The package ${packageId} is ${row.state} and no longer changes; create another one`,
      {
        package_id: packageId,
        state: row.state,
      },
    );
  }
  return row;
}

/** @throws {RegistryError} `path_exists`, `path_conflict`, `file_not_found` */
export function checkReplace(path: string, existing: ArtifactFilesTable | undefined, replace: Replace): void {
  if (existing === undefined) {
    if (replace !== true) return;
    throw new RegistryError("file_not_found", `There is no ${JSON.stringify(path)} to replace`, { path });
  }
  if (existing.relative_path !== path) {
    throw new RegistryError(
      "path_conflict",
      `${JSON.stringify(path)} and the existing ${JSON.stringify(existing.relative_path)} are the same name after Unicode normalisation (NFC); rename one`,
      { path, existing: existing.relative_path },
    );
  }
  if (replace === false) {
    throw new RegistryError(
      "path_exists",
      `${JSON.stringify(path)} is in the package already; ask for replacement to change it`,
      { path },
    );
  }
}

/** What lies above a path must be directories, or not be entries. @throws {RegistryError} `path_conflict` */
export function checkAncestors(path: string, ancestors: readonly (ArtifactFilesTable | undefined)[]): void {
  for (const above of ancestors) {
    if (above === undefined || above.kind === "directory") continue;
    const ancestor = above.relative_path;
    throw new RegistryError(
      "path_conflict",
      `${JSON.stringify(path)} cannot be added: ${JSON.stringify(ancestor)} is not a directory`,
      { path, ancestor },
    );
  }
}
