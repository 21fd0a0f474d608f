/** Of a package's repository only what refers to packages can be deleted, and what that brought. */
import { authorize } from "../../access/decide.ts";
import type { RegistryError } from "../../base/errors.ts";
import type { Caller } from "../../spi/authenticator.ts";
import { hasArtifacts, locatedArtifact } from "../../views/located_artifacts.ts";
import type { OciDeps } from "../deps.ts";
import { blobNotFound, checkTag, manifestNotFound, parseOciDigest } from "../names.ts";
import type { OciRegistry } from "../types.ts";
import { findOwned } from "./find_blob.ts";
import { noPackage, ownedByPackage } from "./names.ts";
import { orOrdinary, ownName } from "./place.ts";

/** @throws {RegistryError} `access_denied`, always where the tag is there */
export async function deletePackageTag(
  { database }: OciDeps,
  caller: Caller,
  { repository, tag }: { readonly repository: string; readonly tag: string },
): Promise<never> {
  authorize(caller, "oci:delete");
  const name = ownName(caller, repository);
  checkTag(tag);
  if ((await locatedArtifact(database.read, name, { tag })) !== undefined) throw ownedByPackage(repository, tag);
  const known = await hasArtifacts(database.read, name);
  throw known ? manifestNotFound(repository, tag) : noPackage(repository);
}

export async function deleteReferrer(
  deps: OciDeps,
  ordinary: OciRegistry,
  caller: Caller,
  input: { readonly repository: string; readonly digest: string },
): ReturnType<OciRegistry["deleteManifest"]> {
  authorize(caller, "oci:delete");
  const { repository } = input;
  const name = ownName(caller, repository);
  const digest = parseOciDigest(input.digest).toString();
  if ((await locatedArtifact(deps.database.read, name, { digest })) !== undefined) {
    throw ownedByPackage(repository, digest);
  }
  const notFound = (): RegistryError => manifestNotFound(repository, digest);
  return await orOrdinary(deps, name, repository, notFound, () => ordinary.deleteManifest(caller, input));
}

export async function deleteReferrerBlob(
  deps: OciDeps,
  ordinary: OciRegistry,
  caller: Caller,
  input: { readonly repository: string; readonly digest: string },
): Promise<void> {
  authorize(caller, "oci:delete");
  const { repository } = input;
  const name = ownName(caller, repository);
  const digest = parseOciDigest(input.digest);
  if ((await findOwned(deps, name, digest)) !== undefined) throw ownedByPackage(repository, digest.toString());
  const notFound = (): RegistryError => blobNotFound(repository, digest.toString());
  await orOrdinary(deps, name, repository, notFound, () => ordinary.deleteBlob(caller, input));
}
