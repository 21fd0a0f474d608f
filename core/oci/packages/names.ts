/**
 * Names of finalised packages as repositories, `packages/<tenant>/<name>`, told from others by the name alone; and what
 * is said about them. The grammar of package names is that of repositories, so that every package has one, as long as the
 * whole keeps to 255 bytes.
 */
import { RegistryError } from "../../base/errors.ts";
import type { Caller } from "../../spi/authenticator.ts";
import type { PackageArtifactsTable } from "../../views/tables.ts";

export const PACKAGES = "packages/";

export const isOfPackages = (repository: string): boolean => repository.startsWith(PACKAGES);

/** The package name; `undefined` where it is none of the caller's tenant. */
export function packageNameIn({ tenant }: Caller, repository: string): string | undefined {
  const own = ofTenant(tenant);
  return repository.startsWith(own) && repository.length > own.length ? repository.slice(own.length) : undefined;
}

/** What the repositories of a tenant's packages begin with. */
export const ofTenant = (tenant: string): string => `${PACKAGES}${tenant}/`;

/** The same for a name that no package has and for one of another tenant. */
export function noPackage(repository: string): RegistryError {
  const message = `There is no repository ${repository}; it begins with the first package of that name that is finalised`;
  return new RegistryError("repository_not_found", message, { repository });
}

export function noPackageToReferTo(repository: string): RegistryError {
  return new RegistryError(
    "access_denied",
    `There is no finalised package ${repository} to refer to. Names below ${PACKAGES} are those of packages, made with \`push\`, or \`ingest\`, of artifactstore; push to another repository`,
    { repository },
  );
}

/**
 * What can be refused of a manifest by its name alone.
 * @throws {RegistryError} `access_denied`
 */
export function checkPushTarget(repository: string, reference: string, tags: readonly string[]): void {
  if (isOfPackages(repository) && (!reference.includes(":") || tags.length > 0)) throw noReferrer(repository);
}

export function noReferrer(repository: string): RegistryError {
  return new RegistryError(
    "access_denied",
    `${repository} is a package and takes only what refers to one: a manifest with a subject, pushed by its digest (as \`oras attach\` does), without tags. Push everything else to another repository`,
    { repository },
  );
}

export function ownedByPackage(repository: string, reference: string): RegistryError {
  return new RegistryError(
    "access_denied",
    `${reference} belongs to the package ${repository}, and goes when the package goes. Packages are not deleted through /v2/`,
    { repository, reference },
  );
}

/** @param reference as it was asked for */
export function tooLarge(repository: string, reference: string, { package_id }: PackageArtifactsTable): RegistryError {
  return new RegistryError(
    "manifest_not_found",
    `The package ${package_id} has more files than a manifest of 4 MiB can name; get it with \`artifactstore fetch ${package_id} <directory>\``,
    { repository, reference, package_id },
  );
}
