/** `createPackage` with an idempotency key. */
import { authorize } from "../access/decide.ts";
import { toHex, utf8 } from "../base/bytes.ts";
import { RegistryError } from "../base/errors.ts";
import { jcsText } from "../base/jcs.ts";
import { onceForKey } from "../guards/idempotency.ts";
import type { Caller } from "../spi/authenticator.ts";
import { loadOne } from "../views/loader.ts";
import { deletionOf, packageById } from "../views/packages.ts";
import { type CreatePackageInput, checkInput, createChecked, createPackage } from "./create.ts";
import { describe } from "./read.ts";
import type { Package, PackageDeps } from "./types.ts";

/**
 * As {@link createPackage}; sent again with the same key within 24 hours, it gives the same answer and makes nothing.
 * @throws {RegistryError} also `idempotency_mismatch`, `idempotency_in_flight`
 */
export async function createPackageOnce(
  deps: PackageDeps,
  caller: Caller,
  input: CreatePackageInput,
  key?: string,
): Promise<Package> {
  if (key === undefined) return await createPackage(deps, caller, input);
  authorize(caller, "package:create");
  const checked = checkInput(deps, input);
  const request = utf8(jcsText({ request: "create_package", ...checked }));
  return await onceForKey(deps, caller, {
    key,
    fingerprint: toHex(deps.hasher.hash("blake3", request)),
    make: async (packageId) =>
      (await createChecked(deps, caller, checked, packageId)) ?? (await madeBefore(deps, packageId)),
    find: (packageId) => asCreated(deps, packageId),
  });
}

async function madeBefore(deps: PackageDeps, packageId: string): Promise<Package> {
  const found = await asCreated(deps, packageId);
  if (found !== undefined) return found;
  throw new RegistryError("internal", "The package is said to exist, but it cannot be found", {
    package_id: packageId,
  });
}

/** The package as it was when it was made. @throws {RegistryError} `conflict` when it has been deleted since */
async function asCreated(deps: PackageDeps, packageId: string): Promise<Package | undefined> {
  const db = deps.database.read;
  const row = await loadOne(db, packageById, packageId);
  if (row === undefined) {
    if ((await loadOne(db, deletionOf, packageId)) === undefined) return undefined;
    throw new RegistryError("conflict", `The package ${packageId} was made with this key and deleted since`, {
      package_id: packageId,
    });
  }
  const closing = {
    finalized_at: null,
    finalized_by: null,
    manifest_digest: null,
    file_count: null,
    total_bytes: null,
  };
  return { ...(await describe(deps, row)), state: "open", ...closing };
}
