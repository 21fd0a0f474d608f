/**
 * Paths below `/v1/repositories/`. Names have slashes, which may be sent as they are or as `%2F`; routes know the second
 * form. A path with plain ones is read from the right: what ends like a part of a repository is that part, else all of it
 * is a name. So a repository that is called `a/tags/b/history` is reached as `a%2Ftags%2Fb%2Fhistory`; a name that is
 * encoded is never taken for anything else.
 */
const PREFIX = "/v1/repositories/";
const PART = /^(.+)(\/tags\/[^/]+\/(?:history|restore))$/s;

/** The path with its name as one segment. @param path any; others than those come back as they are */
export function withNameEncoded(path: string): string {
  if (!path.startsWith(PREFIX)) return path;
  const rest = path.slice(PREFIX.length);
  const [, name = rest, part = ""] = PART.exec(rest) ?? [];
  return `${PREFIX}${name.replaceAll("/", "%2F")}${part}`;
}
