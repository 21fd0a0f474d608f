/**
 * What a registry has to know of an OCI manifest (image-spec, manifest.md and image-index.md; Docker's v2 manifests and
 * lists have the same shape). Pure. The decision that logs a manifest and the reducer that reads the log share it: what
 * it refuses is never logged, so it may come to accept more, never less.
 *
 * The bytes are the manifest. Nothing is written back, so what this program does not know of stays as it is.
 */
import { RegistryError } from "../base/errors.ts";
import { isMediaType } from "../base/names.ts";
import { ALGORITHMS, isAlgorithm } from "../identity/algorithms.ts";

/** distribution-spec, "Pushing Manifests": registries take at least 4 megabytes. */
export const MAX_OCI_MANIFEST_BYTES = 4 * 1024 * 1024;
const MAX_REFERENCES = 10_000;
const MAX_DEPTH = 64;

export const OCI_INDEX_TYPE = "application/vnd.oci.image.index.v1+json";
const IMAGE_TYPES: ReadonlySet<string> = new Set([
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
]);
const INDEX_TYPES: ReadonlySet<string> = new Set([
  OCI_INDEX_TYPE,
  "application/vnd.docker.distribution.manifest.list.v2+json",
]);

/** Of image-spec 1.1-rc; some tools have written it. */
const ARTIFACT_TYPE = "application/vnd.oci.artifact.manifest.v1+json";

/** Whether a document of this type names others. Registries take any; files tell by their descriptor. */
export function isOciManifestType(mediaType: string): boolean {
  return IMAGE_TYPES.has(mediaType) || INDEX_TYPES.has(mediaType) || mediaType === ARTIFACT_TYPE;
}

export interface OciReference {
  readonly digest: string;
  readonly kind: "blob" | "manifest";
  /** As the descriptor says: "" where it does not. Nobody has compared it with the bytes. */
  readonly mediaType: string;
  /** As {@link mediaType}. Bytes. */
  readonly size: number;
  /** Kept elsewhere by its nature: a layer that may not be distributed (image-spec, layer.md). */
  readonly foreign: boolean;
}

export interface OciManifestFacts {
  readonly mediaType: string;
  /** Each digest and kind once, in the order of the manifest. Without the subject. */
  readonly references: readonly OciReference[];
  readonly subject: string | null;
  /** Of an image without one: the media type of its config (distribution-spec, "Listing Referrers"). */
  readonly artifactType: string | null;
  readonly annotations: Readonly<Record<string, string>> | null;
}

/** Of bytes that were read already: a decision and its reducer look at the same array. */
const known = new WeakMap<Uint8Array, OciManifestFacts>();

/**
 * @param mediaType The `Content-Type` without parameters; without it, the manifest must say `mediaType`.
 * @throws {RegistryError} `invalid_manifest` naming the place, `limit_exceeded`
 */
export function readOciManifest(bytes: Uint8Array, mediaType?: string): OciManifestFacts {
  const read = known.get(bytes);
  if (read !== undefined && (mediaType === undefined || read.mediaType === mediaType)) return read;
  const facts = factsOf(parse(bytes), mediaType);
  known.set(bytes, facts);
  return facts;
}

type Json = Readonly<Record<string, unknown>>;

function parse(bytes: Uint8Array): Json {
  if (bytes.length > MAX_OCI_MANIFEST_BYTES) throw tooMuch("bytes", MAX_OCI_MANIFEST_BYTES);
  checkDepth(bytes);
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    throw wrong("", "JSON in UTF-8");
  }
  return objectAt(value, "");
}

/** Before a recursive parser sees it. Counts brackets outside of strings; whether they match is the parser's business. */
function checkDepth(bytes: Uint8Array): void {
  let depth = 0;
  let quoted = false;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i];
    if (quoted) {
      if (byte === 0x5c) i++;
      else if (byte === 0x22) quoted = false;
    } else if (byte === 0x22) quoted = true;
    else if (byte === 0x7b || byte === 0x5b) {
      if (++depth > MAX_DEPTH) throw tooMuch("levels", MAX_DEPTH);
    } else if (byte === 0x7d || byte === 0x5d) depth--;
  }
}

function factsOf(manifest: Json, given: string | undefined): OciManifestFacts {
  const mediaType = mediaTypeOf(manifest, given);
  // Schema 1 has signatures inside and other fields; it is out of use since 2017.
  if (manifest.schemaVersion !== undefined && manifest.schemaVersion !== 2) throw wrong("schemaVersion", "2");
  checkShape(manifest, mediaType);
  const references = new Map<string, OciReference>();
  const note = (kind: OciReference["kind"], descriptor: Descriptor) => {
    const key = `${kind} ${descriptor.digest}`;
    const before = references.get(key);
    // Named twice, and once as something that has to be here.
    if (before === undefined || before.foreign) {
      references.set(key, { ...descriptor, kind, foreign: kind === "blob" && isForeign(descriptor) });
    }
    if (references.size > MAX_REFERENCES) throw tooMuch("descriptors", MAX_REFERENCES);
  };
  const config = isGiven(manifest.config) ? descriptorAt(manifest.config, "config") : undefined;
  if (config !== undefined) note("blob", config);
  // `blobs`: the artifact manifest of image-spec 1.1-rc, which some tools have written.
  for (const field of ["layers", "blobs"] as const) {
    for (const [i, item] of listAt(manifest[field], field)) note("blob", descriptorAt(item, `${field}[${i}]`));
  }
  for (const [i, item] of listAt(manifest.manifests, "manifests")) {
    note("manifest", descriptorAt(item, `manifests[${i}]`));
  }
  const artifactType = textAt(manifest.artifactType, "artifactType") || null;
  return Object.freeze({
    mediaType,
    references: Object.freeze([...references.values()]),
    subject: isGiven(manifest.subject) ? descriptorAt(manifest.subject, "subject").digest : null,
    artifactType: artifactType ?? (config?.mediaType || null),
    annotations: annotationsOf(manifest.annotations),
  });
}

function mediaTypeOf(manifest: Json, given: string | undefined): string {
  const own = textAt(manifest.mediaType, "mediaType") || undefined;
  // distribution-spec: where the manifest says its type, clients send the same.
  if (own !== undefined && given !== undefined && own !== given) {
    throw wrong("mediaType", `the Content-Type, ${given.slice(0, 300)},`);
  }
  const mediaType = given ?? own;
  if (mediaType === undefined) throw wrong("mediaType", "given, or the Content-Type");
  if (!isMediaType(mediaType)) throw wrong("mediaType", "type/subtype");
  return mediaType;
}

/** A document that is an image to one reader and an index to another is neither (CVE-2021-41190). */
function checkShape(manifest: Json, mediaType: string): void {
  if (INDEX_TYPES.has(mediaType)) {
    if (manifest.manifests === undefined) throw wrong("manifests", "a list");
    if (isGiven(manifest.config) || isGiven(manifest.layers)) throw wrong("", "an index without config and layers");
  }
  if (IMAGE_TYPES.has(mediaType)) {
    if (!isGiven(manifest.config)) throw wrong("config", "a descriptor");
    if (isGiven(manifest.manifests)) throw wrong("", "an image without manifests");
  }
}

interface Descriptor {
  readonly digest: string;
  readonly mediaType: string;
  readonly size: number;
}

/** image-spec, descriptor.md, "Digests". */
const DIGEST = /^([a-z0-9]+(?:[+._-][a-z0-9]+)*):([a-zA-Z0-9=_-]+)$/;
const LOWER_HEX = /^[0-9a-f]*$/;

function descriptorAt(value: unknown, at: string): Descriptor {
  const descriptor = objectAt(value, at);
  const digest = textAt(descriptor.digest, `${at}.digest`);
  const [, algorithm = "", encoded = ""] = (digest.length <= 255 && DIGEST.exec(digest)) || [];
  const whole = isAlgorithm(algorithm)
    ? encoded.length === ALGORITHMS[algorithm].length * 2 && LOWER_HEX.test(encoded)
    : algorithm !== "";
  if (!whole) throw wrong(`${at}.digest`, "a digest");
  const { size } = descriptor;
  if (!Number.isSafeInteger(size) || (size as number) < 0) throw wrong(`${at}.size`, "a number of bytes");
  return { digest, mediaType: textAt(descriptor.mediaType, `${at}.mediaType`), size: size as number };
}

/** image-spec, layer.md, "Non-Distributable Layers"; Docker calls them foreign. */
function isForeign({ mediaType }: Descriptor): boolean {
  return mediaType.includes(".nondistributable.") || mediaType.includes(".foreign.");
}

function annotationsOf(value: unknown): OciManifestFacts["annotations"] {
  if (!isGiven(value)) return null;
  const annotations = objectAt(value, "annotations");
  for (const [key, text] of Object.entries(annotations)) {
    if (typeof text !== "string" || !text.isWellFormed() || !key.isWellFormed()) {
      throw wrong("annotations", "Unicode text by Unicode text");
    }
  }
  return annotations as Readonly<Record<string, string>>;
}

/** Go writes an empty slice or map as null. */
function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function objectAt(value: unknown, at: string): Json {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw wrong(at, "an object");
  return value as Json;
}

function listAt(value: unknown, at: string): Iterable<[number, unknown]> {
  if (!isGiven(value)) return [];
  if (!Array.isArray(value)) throw wrong(at, "a list");
  return value.entries();
}

/** "" where there is none. PostgreSQL's text has no NUL. */
function textAt(value: unknown, at: string): string {
  if (!isGiven(value)) return "";
  if (typeof value !== "string" || !value.isWellFormed() || value.includes("\0")) throw wrong(at, "text");
  return value;
}

function wrong(at: string, wanted: string): RegistryError {
  const what = at === "" ? "The manifest" : `${at} of the manifest`;
  return new RegistryError("invalid_manifest", `${what} must be ${wanted}`, { at });
}

function tooMuch(what: string, limit: number): RegistryError {
  return new RegistryError("limit_exceeded", `A manifest has ${limit} ${what} at most`, { limit, of: what });
}
