/**
 * An image or artifact of a repository as a package: its OCI image layout. Blobs are taken by their address, so not a
 * byte of them is copied; what is written is `index.json`, `oci-layout` and the manifests, which only the log has.
 */
import { authorize } from "../access/decide.ts";
import { toHex, utf8 } from "../base/bytes.ts";
import { isRegistryError, messageOf, RegistryError } from "../base/errors.ts";
import { jcsText } from "../base/jcs.ts";
import { onceForKey } from "../guards/idempotency.ts";
import type { ContentAddress } from "../identity/content_address.ts";
import { LAYOUT_INDEX } from "../manifest/oci_layout.ts";
import type { Caller } from "../spi/authenticator.ts";
import { entryByPath } from "../views/files.ts";
import { loadOne } from "../views/loader.ts";
import { deletionOf, packageById } from "../views/packages.ts";
import { abandonPackage } from "./abandon.ts";
import { archiveUnit } from "./archive_unit.ts";
import { type CheckedPackage, checkInput, createChecked } from "./create.ts";
import { finalizePackage } from "./finalize.ts";
import { type ImageSource, type ImportOciInput, type OciImport, planImport } from "./import_oci_plan.ts";
import { storeImport } from "./import_oci_store.ts";
import type { FinalizedPackage, PackageDeps } from "./types.ts";

export interface ImportedPackage extends FinalizedPackage {
  readonly import: OciImport;
}

/**
 * Makes and closes the package. Refused before anything is made: what does not exist, is incomplete, or damaged.
 * @throws {RegistryError} as `getManifest`, `createPackage` and `finalizePackage`; `manifest_blob_unknown` (`data.missing`:
 * up to 100 digests), `object_corrupt` (`data.digest`), `limit_exceeded`, `conflict` (try again); with a key also
 * `idempotency_mismatch`, `idempotency_in_flight`
 */
export async function importOci(
  deps: PackageDeps,
  images: ImageSource,
  caller: Caller,
  input: ImportOciInput,
  key?: string,
): Promise<ImportedPackage> {
  for (const action of ["oci:pull", "package:create", "package:write", "package:finalize"] as const) {
    authorize(caller, action);
  }
  const checked = checkInput(deps, input.package);
  if (key === undefined) return await importAs(deps, images, caller, input, checked, deps.ids.uuid());
  const { repository, reference, referrers = false, allowMissing = false } = input;
  const request = { request: "import_oci", repository, reference, referrers, allow_missing: allowMissing, ...checked };
  return await onceForKey(deps, caller, {
    key,
    fingerprint: toHex(deps.hasher.hash("blake3", utf8(jcsText(request)))),
    make: (packageId) => importAs(deps, images, caller, input, checked, packageId),
    find: (packageId) => refuseDeleted(deps, packageId),
  });
}

async function importAs(
  deps: PackageDeps,
  images: ImageSource,
  caller: Caller,
  input: ImportOciInput,
  checked: CheckedPackage,
  packageId: string,
): Promise<ImportedPackage> {
  const plan = await planImport(deps, images, caller, input);
  const { nodes, contents, index, report } = await storeImport(deps, images, caller, plan);
  const made = await createChecked(deps, caller, checked, packageId);
  try {
    // An earlier attempt with the same key may have got so far, or further.
    if (made !== undefined || !(await isImported(deps, packageId, index))) {
      await deps.ledger.commit(caller, archiveUnit(caller, packageId, nodes, contents));
    }
    return { ...(await finalizePackage(deps, caller, packageId)), import: report };
  } catch (error) {
    await giveUp(deps, caller, packageId, error);
    throw error;
  }
}

/**
 * Whether all entries are there: one unit of work adds them, and `index.json` says which they are.
 * @throws {RegistryError} `conflict`
 */
async function isImported(deps: PackageDeps, packageId: string, index: ContentAddress): Promise<boolean> {
  const db = deps.database.read;
  const entry = await loadOne(db, entryByPath, { packageId, pathKey: LAYOUT_INDEX });
  if (entry === undefined) return false;
  if (entry.content_address === index) return true;
  const message = `An earlier request with this key imported into ${packageId} what the tag named then; use a new key`;
  throw new RegistryError("conflict", message, { package_id: packageId });
}

/** What was made is told by who makes it again under the same id, and finds it there. */
async function refuseDeleted(deps: PackageDeps, packageId: string): Promise<undefined> {
  const db = deps.database.read;
  if ((await loadOne(db, packageById, packageId)) !== undefined) return;
  if ((await loadOne(db, deletionOf, packageId)) === undefined) return;
  throw new RegistryError("conflict", `The package ${packageId} was made with this key and deleted since`, {
    package_id: packageId,
  });
}

/** A package that nobody will finish is closed; where nobody knows what became of it, it stays as it is. */
async function giveUp(deps: PackageDeps, { signal: _, ...farewell }: Caller, packageId: string, error: unknown) {
  if (isRegistryError(error, "outcome_unknown")) return;
  const reason = `import failed: ${messageOf(error)}`.slice(0, 500).toWellFormed();
  await abandonPackage(deps, farewell, { packageId, reason }).catch(() => {});
}
