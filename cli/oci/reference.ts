/** What a command line names: something in a repository, or a package. */
import { checkPackageRef, checkRepository, parseReference, RegistryError } from "../../core/mod.ts";

export interface ImageRef {
  readonly repository: string;
  /** A tag, or a digest. */
  readonly reference: string;
}

/**
 * `<repository>:<tag>` or `<repository>@<digest>`; both have a colon, which no package has.
 * @throws {RegistryError} `invalid_name`, `invalid_tag`, `invalid_digest`
 */
export function parseImage(text: string): ImageRef | undefined {
  if (!text.includes(":")) return undefined;
  const at = text.indexOf("@");
  const end = at >= 0 ? at : text.lastIndexOf(":");
  const [repository, reference] = [text.slice(0, end), text.slice(end + 1)];
  checkRepository(repository);
  if (at >= 0 && !reference.includes(":")) throw notNamed(text);
  parseReference(reference);
  return { repository, reference };
}

/** @throws {RegistryError} `invalid_argument`, and as {@link parseImage} */
export function parseImageOrPackage(text: string): ImageRef | { readonly package: string } {
  const image = parseImage(text);
  if (image !== undefined) return image;
  checkPackageRef(text);
  return { package: text };
}

export function notNamed(text: string): RegistryError {
  return new RegistryError(
    "invalid_argument",
    `${JSON.stringify(text.slice(0, 500))} is no <repository>:<tag>, no <repository>@<digest>, and no file or directory here`,
  );
}
