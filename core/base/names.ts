/** Grammars of distribution-spec, "Pulling manifests": <name> and <reference>; and of media types. */

const NAME = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const TAG = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;

/** RFC 6838, section 4.2, without parameters: each part of a letter or digit and 126 more characters at most. */
const MEDIA_TYPE = /^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}\/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}$/;

export function isMediaType(text: string): boolean {
  return MEDIA_TYPE.test(text);
}

/** Of a repository, `maxLength` characters (all ASCII) at most. */
export function isRepositoryName(name: string, maxLength: number): boolean {
  // The length first: the pattern never sees more than it may.
  return name.length <= maxLength && NAME.test(name);
}

export function isTag(tag: string): boolean {
  return TAG.test(tag);
}
