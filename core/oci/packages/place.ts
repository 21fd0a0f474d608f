/** Where a package's repository is: what is its packages', and what lies in an ordinary repository of the same name. */
import { authorize } from "../../access/decide.ts";
import { isRegistryError, type RegistryError } from "../../base/errors.ts";
import type { Caller } from "../../spi/authenticator.ts";
import { hasArtifacts } from "../../views/located_artifacts.ts";
import type { RepositoryName } from "../../views/oci_located.ts";
import { findPayload, wholePayload } from "../../views/payloads.ts";
import type { OciDeps } from "../deps.ts";
import { checkRepository } from "../names.ts";
import { noPackage, packageNameIn } from "./names.ts";

/** @throws {RegistryError} `access_denied`, `invalid_name`, `repository_not_found` (another tenant's) */
export function ownName(caller: Caller, repository: string): RepositoryName {
  authorize(caller, "oci:pull");
  authorize(caller, "package:read");
  checkRepository(repository);
  const name = packageNameIn(caller, repository);
  if (name === undefined) throw noPackage(repository);
  return { tenant: caller.tenant, name };
}

/**
 * What the ordinary repository has, where referrers and their blobs lie. There is none before the first of them, which
 * is no reason to say that there is no repository of the name.
 */
export async function orOrdinary<T>(
  { database }: OciDeps,
  name: RepositoryName,
  repository: string,
  notFound: () => RegistryError,
  ordinary: () => Promise<T>,
): Promise<T> {
  try {
    return await ordinary();
  } catch (error) {
    if (!isRegistryError(error, "repository_not_found")) throw error;
    throw (await hasArtifacts(database.read, name)) ? notFound() : noPackage(repository);
  }
}

/** The manifest of a package. @throws {RegistryError} `chain_broken` */
export async function configBytes({ database }: OciDeps, sequence: number): Promise<Uint8Array> {
  return await wholePayload(database.read, await findPayload(database.read, sequence));
}

/** Large ones in memory at once, for each of the two things that are done with them. */
export const MAX_LARGE = 4;
