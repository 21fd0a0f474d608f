/**
 * Names and versions. A package name is an OCI repository name and a version an OCI tag, so that every package can be
 * pulled as an image (distribution-spec, "Pulling manifests": grammar of <name> and <reference>).
 */
import { RegistryError } from "../base/errors.ts";
import { isRepositoryName, isTag } from "../base/names.ts";

const MAX_NAME_BYTES = 200;
export function isName(name: string): boolean {
  return isRepositoryName(name, MAX_NAME_BYTES);
}

export const isVersion = isTag;

/** @throws {RegistryError} `invalid_name` */
export function checkName(name: string): void {
  if (isName(name)) return;
  throw new RegistryError(
    "invalid_name",
    `A package name has lower-case letters, digits and single separators (. _ __ -), parts divided by "/", ${MAX_NAME_BYTES} bytes at most`,
    { name: name.slice(0, MAX_NAME_BYTES) },
  );
}

/** @throws {RegistryError} `invalid_name` */
export function checkVersion(version: string): void {
  if (isVersion(version)) return;
  throw new RegistryError(
    "invalid_name",
    "A version has letters, digits, and . _ - after the first character, 128 characters at most",
    { version: version.slice(0, 140) },
  );
}
