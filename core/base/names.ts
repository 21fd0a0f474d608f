/** Grammars of distribution-spec, "Pulling manifests": <name> and <reference>. */

const NAME = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const TAG = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;

/** Of a repository, `maxLength` characters (all ASCII) at most. */
export function isRepositoryName(name: string, maxLength: number): boolean {
  // The length first: the pattern never sees more than it may.
  return name.length <= maxLength && NAME.test(name);
}

export function isTag(tag: string): boolean {
  return TAG.test(tag);
}
