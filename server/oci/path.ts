/**
 * Paths below `/v2/`, whatever the method. They are read from the right: names contain slashes, and segments that say
 * `blobs`, `manifests`, `tags`, `uploads` or `referrers` like any other word, so only what stands last tells what is meant.
 */

/** What has no repository, what is a list of one, and what is named in one. */
export const OCI_KINDS = ["version", "catalog", "tags", "uploads", "manifest", "blob", "upload", "referrers"] as const;
export type OciKind = (typeof OCI_KINDS)[number];

export interface OciTarget {
  readonly kind: OciKind;
  /** As it stands in the path, a name or not; empty for `version` and `catalog`. */
  readonly repository: string;
  /** A tag, a digest or an upload's id, not looked at; empty where the kind has none. */
  readonly reference: string;
}

/** Second to last segment, where the last is a reference. */
const NAMED: Readonly<Record<string, OciKind>> = {
  manifests: "manifest",
  blobs: "blob",
  referrers: "referrers",
};

export function isOciPath(path: string): boolean {
  return path.startsWith("/v2/") || path === "/v2";
}

/** @param path as it was matched by the router: no query, dot segments resolved. `undefined`: there is no such thing. */
export function matchOciPath(path: string): OciTarget | undefined {
  if (path === "/v2" || path === "/v2/") return { kind: "version", repository: "", reference: "" };
  if (path === "/v2/_catalog") return { kind: "catalog", repository: "", reference: "" };
  const last = path.lastIndexOf("/");
  const before = path.lastIndexOf("/", last - 1);
  const noun = path.slice(before + 1, last);
  const reference = path.slice(last + 1);
  // `blobs/uploads` without its slash is what clients send that join paths; no digest reads `uploads`.
  if (noun === "blobs" && reference === "uploads") return found("uploads", path, before, "");
  if (noun === "uploads" && path.endsWith("/blobs", before)) {
    const kind = reference === "" ? "uploads" : "upload";
    return found(kind, path, before - "/blobs".length, reference);
  }
  if (reference === "") return undefined;
  if (noun === "tags") return reference === "list" ? found("tags", path, before, "") : undefined;
  const kind = Object.hasOwn(NAMED, noun) ? NAMED[noun] : undefined;
  return kind === undefined ? undefined : found(kind, path, before, reference);
}

/** The name is what is left; where nothing is, the path means nothing. */
function found(kind: OciKind, path: string, end: number, reference: string): OciTarget | undefined {
  const repository = path.slice("/v2/".length, end);
  return repository === "" ? undefined : { kind, repository, reference };
}
