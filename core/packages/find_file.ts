/** Files by path, with their bytes. */
import { authorize } from "../access/decide.ts";
import type { ReadOptions } from "../content/read.ts";
import { coded } from "../ledger/faults.ts";
import type { Caller } from "../spi/authenticator.ts";
import { locatedFile } from "../views/located_files.ts";
import { contentOf, type FileContent, openFile } from "./content.ts";
import type { FileEntry } from "./entries.ts";
import { getFileEntry } from "./find_entry.ts";
import { checkPath } from "./paths.ts";
import { findPackage, isPackageId } from "./read.ts";
import type { PackageDeps } from "./types.ts";

export interface FoundFile {
  readonly entry: FileEntry;
  /** @throws {RegistryError} `object_corrupt` (known to be damaged), `invalid_argument` (range) */
  open(options?: ReadOptions): Promise<FileContent>;
}

/** @throws {RegistryError} `package_not_found`, `file_not_found`, `invalid_path` */
export async function findFile(
  deps: PackageDeps,
  caller: Caller,
  input: { readonly package: string; readonly path: string },
): Promise<FoundFile> {
  authorize(caller, "package:read");
  const { package: ref, path } = input;
  checkPath(path);
  const packageId = isPackageId(ref) ? ref : (await findPackage(deps, caller, ref)).package_id;
  const found = await locatedFile(deps.database.read, { tenant: caller.tenant, packageId, path });
  if (found?.entry.kind === "file") {
    const { entry, location } = found;
    return { entry, open: async (options = {}) => contentOf(deps, caller, entry, location, options) };
  }
  // What exactly is not there, and entries that are no files.
  const entry = await getFileEntry(deps, caller, input);
  return { entry, open: (options) => coded(deps.database, () => openFile(deps, caller, entry, options)) };
}

/** @throws {RegistryError} as `findFile()` and its `open()` */
export async function getFile(
  deps: PackageDeps,
  caller: Caller,
  input: { readonly package: string; readonly path: string } & ReadOptions,
): Promise<FileContent> {
  return await (await findFile(deps, caller, input)).open(input);
}
