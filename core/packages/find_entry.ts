/** Entries by path, and objects by address, as far as the caller's tenant has them. */
import { authorize } from "../access/decide.ts";
import { RegistryError } from "../base/errors.ts";
import type { PackageEntry } from "../events/types.ts";
import { parseContentAddress } from "../identity/content_address.ts";
import type { Caller } from "../spi/authenticator.ts";
import { entryByPath, entryOf, filesTable } from "../views/files.ts";
import { pathKeyOf } from "../views/keys.ts";
import { loadOne } from "../views/loader.ts";
import { type FileEntry, fileNotFound } from "./entries.ts";
import { checkPath } from "./paths.ts";
import { findPackage } from "./read.ts";
import type { PackageDeps } from "./types.ts";

/** @throws {RegistryError} `package_not_found`, `file_not_found`, `invalid_path` */
export async function getEntry(
  deps: PackageDeps,
  caller: Caller,
  input: { readonly package: string; readonly path: string },
): Promise<PackageEntry> {
  authorize(caller, "package:read");
  checkPath(input.path);
  const { package_id: packageId } = await findPackage(deps, caller, input.package);
  const row = await loadOne(deps.database.read, entryByPath, { packageId, pathKey: pathKeyOf(input.path) });
  if (row?.relative_path !== input.path) throw fileNotFound(packageId, input.path);
  return entryOf(row);
}

/** As {@link getEntry}, for a path that is a file. */
export async function getFileEntry(
  deps: PackageDeps,
  caller: Caller,
  input: { readonly package: string; readonly path: string },
): Promise<FileEntry> {
  const entry = await getEntry(deps, caller, input);
  if (entry.kind === "file") return entry;
  throw new RegistryError("file_not_found", `${JSON.stringify(input.path)} is a ${entry.kind}, not a file`, {
    path: input.path,
    kind: entry.kind,
  });
}

/**
 * An entry with these bytes in any package of the caller's tenant; `openFile` reads it. Bytes that only others have are
 * answered like bytes that nobody has.
 * @throws {RegistryError} `invalid_digest` (no content address), `object_not_found`
 */
export async function findObject(deps: PackageDeps, caller: Caller, address: string): Promise<FileEntry> {
  authorize(caller, "package:read");
  const row = await deps.database.read
    .selectFrom("artifact_files as f")
    .innerJoin("artifact_packages as p", "p.package_id", "f.package_id")
    .select(filesTable.columns.map((column) => `f.${column}` as const))
    .where("f.content_address", "=", parseContentAddress(address))
    .where("p.tenant", "=", caller.tenant)
    .limit(1)
    .executeTakeFirst();
  const entry = row === undefined ? undefined : entryOf(row);
  if (entry?.kind === "file") return entry;
  throw new RegistryError("object_not_found", `No package of yours has an object ${address}`, {
    content_address: address,
  });
}
