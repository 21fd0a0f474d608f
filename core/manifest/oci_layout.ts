/**
 * The OCI image layout (image-spec, image-layout.md): an image as files. What is in one is the same wherever it is made
 * (imported, exported here or over the network), so that equal images give equal bytes. Pure, but for the source that is
 * walked.
 */
import { utf8 } from "../base/bytes.ts";
import { isRegistryError, RegistryError } from "../base/errors.ts";
import { isAlgorithm } from "../identity/algorithms.ts";
import { type Digest, parseDigest } from "../identity/digest.ts";
import { MAX_OCI_MANIFEST_BYTES, OCI_INDEX_TYPE, type OciReference, readOciManifest } from "./oci.ts";

export const LAYOUT_FILE = "oci-layout";
export const LAYOUT_INDEX = "index.json";
const LAYOUT_VERSION = "1.0.0";
const REF_NAME = "org.opencontainers.image.ref.name";
/** Of all manifests of one layout together: each is read whole. Bytes. */
const MAX_ALL_MANIFESTS = 256 * 1024 * 1024;
/** Missing digests that a refusal names. */
const MAX_NAMED = 100;
/** Blobs that are looked up at once. */
const AT_ONCE = 16;

/** As it stands in an index. Keys as on the wire. */
export interface OciDescriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Where a blob or manifest lies. @param digest `<algorithm>:<encoded>`, which both are safe in paths by their grammar */
export function layoutPath(digest: string): string {
  return `blobs/${digest.replace(":", "/")}`;
}

/** What a file at this path must have; `undefined` where it is no blob. @throws {RegistryError} `invalid_manifest` */
export function layoutDigest(path: string): Digest | undefined {
  if (!path.startsWith("blobs/")) return undefined;
  const [, algorithm = "", hex = "", ...more] = path.split("/");
  if (more.length === 0 && isAlgorithm(algorithm) && algorithm !== "blake3") {
    try {
      return parseDigest(`${algorithm}:${hex}`);
    } catch {
      // Told below, with its place: it is the layout that is wrong, and no argument of the caller.
    }
  }
  const message = `${JSON.stringify(path)} is not named blobs/<sha256 or sha512>/<digest>, as everything below blobs/ is in an image layout`;
  throw new RegistryError("invalid_manifest", message, { path });
}

export function layoutHeader(): Uint8Array {
  return utf8(JSON.stringify({ imageLayoutVersion: LAYOUT_VERSION }));
}

/** @throws {RegistryError} `invalid_manifest` for what is no layout of a version that is known here */
export function checkLayoutHeader(bytes: Uint8Array): void {
  let version: unknown;
  try {
    version = (JSON.parse(new TextDecoder().decode(bytes)) as { imageLayoutVersion?: unknown }).imageLayoutVersion;
  } catch {
    // Told below.
  }
  if (version === LAYOUT_VERSION) return;
  throw new RegistryError("invalid_manifest", `${LAYOUT_FILE} must say {"imageLayoutVersion":"${LAYOUT_VERSION}"}`, {
    path: LAYOUT_FILE,
  });
}

/** `index.json`: the one that was asked for, with its tag, then what refers to it. @throws {RegistryError} `limit_exceeded` */
export function layoutIndex(root: OciDescriptor, tag: string | undefined, referrers: readonly OciDescriptor[]) {
  const { mediaType, digest, size } = root;
  const named = { mediaType, digest, size, ...(tag === undefined ? {} : { annotations: { [REF_NAME]: tag } }) };
  const bytes = utf8(JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX_TYPE, manifests: [named, ...referrers] }));
  if (bytes.length <= MAX_OCI_MANIFEST_BYTES) return bytes;
  throw new RegistryError(
    "limit_exceeded",
    `${LAYOUT_INDEX} would have more than ${MAX_OCI_MANIFEST_BYTES} bytes; leave the referrers out`,
    { limit: MAX_OCI_MANIFEST_BYTES, referrers: referrers.length },
  );
}

/** What `index.json` names. @throws {RegistryError} `invalid_manifest`, `limit_exceeded` */
export function readLayoutIndex(bytes: Uint8Array): readonly OciReference[] {
  return referencesIn(LAYOUT_INDEX, bytes, OCI_INDEX_TYPE);
}

/** What one of many manifests names; a refusal says which of them it is about. */
function referencesIn(where: string, bytes: Uint8Array, mediaType: string): readonly OciReference[] {
  try {
    return readOciManifest(bytes, mediaType).references;
  } catch (error) {
    if (!isRegistryError(error)) throw error;
    throw new RegistryError(error.code, `${where}: ${error.message}`, { ...error.data, manifest: where }, error);
  }
}

/** As a descriptor has it. */
export type LayoutReference = Pick<OciReference, "digest" | "mediaType" | "size">;

/** Where manifests and blobs are looked up, by digest. `undefined`: it is not there. */
export interface LayoutSource<B> {
  manifest(wanted: LayoutReference): Promise<{ readonly media_type: string; readonly bytes: Uint8Array } | undefined>;
  blob(wanted: LayoutReference): Promise<B | undefined>;
  /** What refers to a manifest; without it nobody asks. */
  referrers?(digest: string): AsyncIterable<OciDescriptor>;
}

/** Everything that some manifests reach. The subject of a manifest is not: it is a weak reference (image-spec, manifest.md). */
export interface LayoutContent<B> {
  /** By digest, in the order in which they were met. */
  readonly manifests: ReadonlyMap<string, { readonly mediaType: string; readonly size: number }>;
  readonly blobs: ReadonlyMap<string, B>;
  /** In byte order of their digests. */
  readonly referrers: readonly OciDescriptor[];
  /** Named by a manifest, and not there. */
  readonly missing: readonly string[];
  /** Not there either, but kept elsewhere by their nature: layers that may not be distributed. */
  readonly foreign: readonly string[];
}

interface WalkOptions {
  /** Manifests and blobs together. */
  readonly most: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Finds everything that the roots reach, nested indexes and, where the source can tell them, referrers included.
 * @throws {RegistryError} `limit_exceeded`, `invalid_manifest`; what the source throws; the reason of the signal
 */
export async function walkLayout<B>(
  source: LayoutSource<B>,
  roots: readonly LayoutReference[],
  { most, signal }: WalkOptions,
): Promise<LayoutContent<B>> {
  const manifests = new Map<string, { mediaType: string; size: number }>();
  const blobs = new Map<string, B>();
  const referrers = new Map<string, OciDescriptor>();
  const [missing, foreign] = [new Set<string>(), new Set<string>()];
  const seen = new Set<string>();
  const queue: OciReference[] = [];
  let bytes = 0;

  const note = (wanted: OciReference) => {
    const key = `${wanted.kind} ${wanted.digest}`;
    if (seen.has(key)) return false;
    seen.add(key);
    if (seen.size > most) throw tooMany(most);
    return true;
  };
  const findBlob = async (wanted: OciReference) => {
    const found = await source.blob(wanted);
    if (found !== undefined) blobs.set(wanted.digest, found);
    else (wanted.foreign ? foreign : missing).add(wanted.digest);
  };

  for (const root of roots) {
    const wanted: OciReference = { ...root, kind: "manifest", foreign: false };
    if (note(wanted)) queue.push(wanted);
  }
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    signal?.throwIfAborted();
    const { digest } = next;
    const found = await source.manifest(next);
    if (found === undefined) {
      // An index may name what was pushed as a blob.
      await findBlob(next);
      continue;
    }
    bytes += found.bytes.length;
    if (bytes > MAX_ALL_MANIFESTS) throw tooManyBytes();
    manifests.set(digest, { mediaType: found.media_type, size: found.bytes.length });
    const fresh = referencesIn(digest, found.bytes, found.media_type).filter(note);
    queue.push(...fresh.filter(({ kind }) => kind === "manifest"));
    const named = fresh.filter(({ kind }) => kind === "blob");
    for (let at = 0; at < named.length; at += AT_ONCE) {
      signal?.throwIfAborted();
      await Promise.all(named.slice(at, at + AT_ONCE).map(findBlob));
    }
    for await (const referrer of source.referrers?.(digest) ?? []) {
      referrers.set(referrer.digest, referrer);
      const wanted: OciReference = { ...referrer, kind: "manifest", foreign: false };
      if (note(wanted)) queue.push(wanted);
    }
  }
  // One file may be both, to two manifests.
  const absent = (digests: ReadonlySet<string>) =>
    [...digests].filter((digest) => !manifests.has(digest) && !blobs.has(digest)).sort();
  return {
    manifests,
    blobs,
    referrers: [...referrers.values()].sort((a, b) => (a.digest < b.digest ? -1 : 1)),
    missing: absent(missing),
    foreign: absent(foreign).filter((digest) => !missing.has(digest)),
  };
}

/** What is named and not there is told, unless that is allowed. @throws {RegistryError} `manifest_blob_unknown` */
export function checkComplete({ missing }: Pick<LayoutContent<unknown>, "missing">, allowMissing: boolean): void {
  if (missing.length === 0 || allowMissing) return;
  const named = missing.slice(0, MAX_NAMED);
  throw new RegistryError(
    "manifest_blob_unknown",
    `${missing.length} of what its manifests name are not there, such as ${named[0]}; bring them, or allow it to be incomplete (--allow-missing, "allow_missing")`,
    { missing: named, count: missing.length },
  );
}

function tooMany(limit: number): RegistryError {
  return new RegistryError("limit_exceeded", `An image layout may have ${limit} manifests and blobs here`, { limit });
}

function tooManyBytes(): RegistryError {
  return new RegistryError("limit_exceeded", `The manifests of an image layout may have ${MAX_ALL_MANIFESTS} bytes`, {
    limit: MAX_ALL_MANIFESTS,
  });
}
