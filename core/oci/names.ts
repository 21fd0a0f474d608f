/** What requests name, checked before anything else: distribution-spec, "Pulling manifests"; image-spec, descriptor.md. */
import { RegistryError } from "../base/errors.ts";
import { isRepositoryName, isTag } from "../base/names.ts";
import { type Digest, parseDigest } from "../identity/digest.ts";
import type { OciAlgorithm } from "./types.ts";

/** Characters, all ASCII. */
export const MAX_NAME = 255;

/** Whether a repository could have that name. */
export const isRepository = (name: string): boolean => isRepositoryName(name, MAX_NAME);

/** @throws {RegistryError} `invalid_name` */
export function checkRepository(name: string): void {
  if (isRepository(name)) return;
  throw new RegistryError(
    "invalid_name",
    `A repository name has lower-case letters, digits and single separators (. _ __ -), parts divided by "/", ${MAX_NAME} bytes at most`,
    { name: name.slice(0, MAX_NAME) },
  );
}

/** @throws {RegistryError} `invalid_tag` */
export function checkTag(tag: string): void {
  if (isTag(tag)) return;
  throw new RegistryError(
    "invalid_tag",
    "A tag has letters, digits, and . _ - after the first character, 128 characters at most",
    { tag: tag.slice(0, 140) },
  );
}

export function isOciAlgorithm(name: string): name is OciAlgorithm {
  return name === "sha256" || name === "sha512";
}

/** @throws {RegistryError} `invalid_digest` */
export function parseOciDigest(text: string): Digest {
  const digest = parseDigest(text);
  if (isOciAlgorithm(digest.algorithm)) return digest;
  throw unsupportedAlgorithm(digest.algorithm);
}

export function unsupportedAlgorithm(algorithm: string): RegistryError {
  return new RegistryError("invalid_digest", "Digests here are sha256 or sha512", {
    algorithm: algorithm.slice(0, 100),
  });
}

/** What has a colon is a digest; a malformed one is no tag. @throws {RegistryError} `invalid_digest`, `invalid_tag` */
export function parseReference(reference: string): { readonly digest: Digest } | { readonly tag: string } {
  if (reference.includes(":")) return { digest: parseOciDigest(reference) };
  checkTag(reference);
  return { tag: reference };
}

export function manifestNotFound(repository: string, reference: string): RegistryError {
  return new RegistryError("manifest_not_found", `${repository} has no manifest ${reference}`, {
    repository,
    reference,
  });
}

export function blobNotFound(repository: string, digest: string): RegistryError {
  return new RegistryError("blob_not_found", `${repository} has no blob ${digest}`, { repository, digest });
}

export function repositoryNotFound(repository: string): RegistryError {
  const message = `There is no repository ${repository}; it begins with its first blob or manifest`;
  return new RegistryError("repository_not_found", message, { repository });
}
