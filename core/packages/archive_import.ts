/** Bulk in: the entries of a tar, all of them in one unit of work, or none. */
import { authorize } from "../access/decide.ts";
import { isRegistryError } from "../base/errors.ts";
import type { ByteSource } from "../base/stream.ts";
import { SMALL } from "../content/place.ts";
import { coded } from "../ledger/mod.ts";
import type { Caller } from "../spi/authenticator.ts";
import { entryByPath } from "../views/files.ts";
import { pathKeyOf } from "../views/keys.ts";
import { loadOne } from "../views/loader.ts";
import { packageById } from "../views/packages.ts";
import { ArchivePlan, tooManyEntries } from "./archive_plan.ts";
import { type ArchiveInputFormat, openArchive } from "./archive_source.ts";
import { ContentStore } from "./archive_store.ts";
import { type TarEntry, TarReader } from "./archive_tar_read.ts";
import { type ArchiveReport, archiveRefused, archiveUnit } from "./archive_unit.ts";
import { checkOpen, checkReplace } from "./entry_unit.ts";
import { checkPackageId } from "./read.ts";
import type { PackageDeps } from "./types.ts";

export interface ImportArchiveInput {
  readonly packageId: string;
  /** The bytes. A chunk's memory may be used again once two later chunks have been asked for. */
  readonly source: ByteSource;
  /** Default `tar`. */
  readonly format?: ArchiveInputFormat;
}

/**
 * Adds everything that a tar holds to an open package: files, symlinks, empty directories, the owner's executable bit.
 * Hard links become files of their own with the same content. Nothing is added unless everything is; what was stored
 * by then is garbage, as after a crash, and `doctor` sweeps it.
 *
 * @throws {RegistryError} `archive_refused` (`data.entries` says which and why), `invalid_archive`, `limit_exceeded`,
 * `unsupported` (compression), `package_not_found`, `package_not_open`, `cancelled`, `storage_*`, `database_*`,
 * `conflict` (try again)
 */
export async function importArchive(
  deps: PackageDeps,
  caller: Caller,
  input: ImportArchiveInput,
): Promise<ArchiveReport> {
  authorize(caller, "package:write");
  const { packageId, source, format = "tar" } = input;
  const { limits, zstd } = deps;
  checkPackageId(packageId);
  await coded(deps.database, async () =>
    checkOpen(await loadOne(deps.database.read, packageById, packageId), caller, packageId),
  );
  const plan = new ArchivePlan(limits);
  const contents = new ContentStore(deps, caller);
  const tar = new TarReader(openArchive(source, { format, limits, zstd, signal: caller.signal }));
  try {
    for (let entry = await tar.next(); entry !== undefined; entry = await tar.next()) {
      if (tar.headers > limits.maxArchiveEntries * 2) throw tooManyEntries(limits);
      const planned = plan.add(entry);
      // After a refusal the rest is read for the report only.
      if (planned?.kind !== "file" || plan.refusals.length > 0) continue;
      if (await isRefusedEarly(deps, plan, packageId, entry)) continue;
      await contents.store(planned, entry.size, tar.body());
    }
    await contents.settled();
  } finally {
    await contents.idle();
    await tar.close();
  }
  if (plan.refusals.length > 0) throw archiveRefused(plan.refusals);
  return await deps.ledger.commit(caller, archiveUnit(caller, packageId, plan.nodes, contents.byAddress));
}

/** Says no before gigabytes are stored; the unit of work decides again. */
async function isRefusedEarly(
  deps: PackageDeps,
  plan: ArchivePlan,
  packageId: string,
  { path, size }: TarEntry,
): Promise<boolean> {
  if (size <= SMALL) return false;
  try {
    await coded(deps.database, async () =>
      checkReplace(
        path,
        await loadOne(deps.database.read, entryByPath, { packageId, pathKey: pathKeyOf(path) }),
        false,
      ),
    );
    return false;
  } catch (error) {
    if (!isRegistryError(error, "path_exists") && !isRegistryError(error, "path_conflict")) throw error;
    plan.refuse(path, error);
    return true;
  }
}
