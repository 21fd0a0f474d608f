/** Entries without bytes of their own, and taking entries out again. */
import { authorize } from "../access/decide.ts";
import { RegistryError } from "../base/errors.ts";
import type { ManifestDirectory, ManifestFile, ManifestSymlink } from "../manifest/mod.ts";
import type { Caller } from "../spi/authenticator.ts";
import { entryByPath } from "../views/files.ts";
import { pathKeyOf } from "../views/keys.ts";
import { want } from "../views/loader.ts";
import { packageById } from "../views/packages.ts";
import { checkOpen, putEntryUnit } from "./entry_unit.ts";
import { checkPath, checkSymlink } from "./paths.ts";
import { checkPackageId } from "./read.ts";
import type { PackageDeps } from "./types.ts";

export type FileEntry = ManifestFile;

/** An empty directory. @throws {RegistryError} as `ingestFile`, without the storage errors */
export async function addDirectory(
  deps: PackageDeps,
  caller: Caller,
  input: { readonly packageId: string; readonly path: string },
): Promise<ManifestDirectory> {
  authorize(caller, "package:write");
  checkPath(input.path);
  const entry: ManifestDirectory = { kind: "directory", path: input.path };
  await deps.ledger.commit(caller, putEntryUnit(caller, input.packageId, entry, false));
  return entry;
}

/** A relative symlink that stays inside the package. @throws {RegistryError} as `addDirectory` */
export async function addSymlink(
  deps: PackageDeps,
  caller: Caller,
  input: { readonly packageId: string; readonly path: string; readonly target: string },
): Promise<ManifestSymlink> {
  authorize(caller, "package:write");
  checkSymlink(input.path, input.target);
  const entry: ManifestSymlink = { kind: "symlink", path: input.path, target: input.target };
  await deps.ledger.commit(caller, putEntryUnit(caller, input.packageId, entry, false));
  return entry;
}

/** Takes an entry out of an open package. @throws {RegistryError} `file_not_found`, `package_not_open` */
export async function removeFile(
  deps: PackageDeps,
  caller: Caller,
  input: { readonly packageId: string; readonly path: string },
): Promise<void> {
  authorize(caller, "package:write");
  checkPath(input.path);
  const { packageId, path } = input;
  checkPackageId(packageId);
  await deps.ledger.commit(caller, {
    wants: { package: want(packageById, packageId), entry: want(entryByPath, { packageId, pathKey: pathKeyOf(path) }) },
    decide(found) {
      checkOpen(found.package, caller, packageId);
      if (found.entry?.relative_path !== path) throw fileNotFound(packageId, path);
      return {
        events: [{ type: "v1.package.file_removed", subject: packageId, payload: { path } }],
        result: undefined,
      };
    },
  });
}

export function fileNotFound(packageId: string, path: string): RegistryError {
  return new RegistryError("file_not_found", `There is no ${JSON.stringify(path)} in the package ${packageId}`, {
    package_id: packageId,
    path,
  });
}
