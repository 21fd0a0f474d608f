/**
 * A finalised package as an OCI artifact (image-spec, manifest.md, "Guidelines for Artifact Usage"). Its manifest is a
 * pure function of the package's: the config is that manifest, one layer stands for each file. The text is RFC 8785
 * (JCS), so that whoever has the package's manifest can make the same bytes. Directories, links and modes are in the
 * config alone.
 */
import { concatBytes, utf8 } from "../base/bytes.ts";
import type { CborValue } from "../base/cbor.ts";
import { CborReader } from "../base/cbor_read.ts";
import { isMediaType } from "../base/names.ts";
import { Pace } from "../base/turn.ts";
import { createDigest } from "../identity/digest.ts";
import type { Hasher } from "../identity/hasher.ts";
import { MAX_OCI_MANIFEST_BYTES } from "./oci.ts";
import type { Manifest, ManifestEntry, ManifestFile } from "./types.ts";

const PACKAGE_ARTIFACT_TYPE = "application/vnd.artifactstore.package.v1";
const PACKAGE_CONFIG_TYPE = "application/vnd.artifactstore.package.manifest.v1+cbor";
export const PACKAGE_MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json";
/** A manifest of as many files as fit into the limit of OCI has a third of this; many directories and links make more. */
const MAX_CONFIG_BYTES = 32 * 1024 * 1024;

/** `sha256:<hex>` and bytes. */
interface Sized {
  readonly digest: string;
  readonly size: number;
}

interface PackageArtifact {
  readonly manifest: Sized;
  readonly config: Sized;
}

/** Of payloads that were described already: finalising does it in turns, before the reducer needs it. */
const known = new WeakMap<Uint8Array, Promise<PackageArtifact | undefined>>();

/**
 * What the package is to OCI clients; `undefined` where that is more than they take. Others get their turns meanwhile.
 * @param cbor the bytes of `manifest`
 */
export function describePackageArtifact(
  manifest: Pick<Manifest, "files">,
  cbor: Uint8Array,
  hasher: Hasher,
): Promise<PackageArtifact | undefined> {
  const described = known.get(cbor) ?? describe(manifest, cbor, hasher);
  known.set(cbor, described);
  return described;
}

async function describe({ files }: Pick<Manifest, "files">, cbor: Uint8Array, hasher: Hasher) {
  if (cbor.length > MAX_CONFIG_BYTES) return undefined;
  const config = await sized(cbor, hasher);
  const bytes = await packageArtifactManifest(files, config);
  return bytes && { manifest: await sized(bytes, hasher), config };
}

/** Items between two looks at the clock. */
const BATCH = 128;

/** The bytes of the OCI manifest; `undefined` where they pass 4 MiB. */
export async function packageArtifactManifest(
  entries: Iterable<ManifestEntry>,
  config: Sized,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  // Keys in the order of RFC 8785, section 3.2.3, here and below.
  const { digest, size } = config;
  const configText = JSON.stringify({ digest, mediaType: PACKAGE_CONFIG_TYPE, size });
  const end = utf8(`],"mediaType":"${PACKAGE_MANIFEST_TYPE}","schemaVersion":2}`);
  const pieces = [utf8(`{"artifactType":"${PACKAGE_ARTIFACT_TYPE}","config":${configText},"layers":[`)];
  let length = (pieces[0] as Uint8Array).length + end.length;
  let separator = "";
  const pace = new Pace();
  for (const batch of inBatches(entries)) {
    const layers = batch.filter((entry) => entry.kind === "file").map(layerOf);
    if (layers.length > 0) {
      const piece = utf8(separator + layers.join());
      separator = ",";
      pieces.push(piece);
      length += piece.length;
      if (length > MAX_OCI_MANIFEST_BYTES) return undefined;
    }
    if (pace.due()) await pace.turn();
  }
  return concatBytes([...pieces, end]);
}

/** image-spec, annotations.md: what `oras pull` writes a file as. */
const TITLE = "org.opencontainers.image.title";

function layerOf({ path, digests, media_type, size }: ManifestFile): string {
  // A package may say what begins otherwise (RFC 9110).
  const mediaType = media_type !== null && isMediaType(media_type) ? media_type : "application/octet-stream";
  return JSON.stringify({ annotations: { [TITLE]: path }, digest: `sha256:${digests.sha256}`, mediaType, size });
}

/** The entries of a manifest from its bytes, without the rest of it. Bytes of the log are trusted, as everywhere. */
export function* entriesOfManifest(cbor: Uint8Array): Generator<ManifestEntry, void, void> {
  const reader = new CborReader(cbor);
  for (let left = reader.enter("map") ?? 0; left > 0; left--) {
    if (reader.item() !== "files") {
      reader.skip();
      continue;
    }
    for (let files = reader.enter("list") ?? 0; files > 0; files--) {
      yield reader.item() as CborValue as unknown as ManifestEntry;
    }
    return;
  }
}

/** `sha256` over bytes of any length, in turns. */
export async function sized(bytes: Uint8Array, hasher: Hasher): Promise<Sized> {
  const state = hasher.create("sha256");
  const pace = new Pace();
  for (let at = 0; at < bytes.length; at += SLICE) {
    state.update(bytes.subarray(at, at + SLICE));
    if (pace.due()) await pace.turn();
  }
  return { digest: createDigest("sha256", state.digest()).toString(), size: bytes.length };
}

/** Bytes hashed between two looks at the clock. */
const SLICE = 1024 * 1024;

function* inBatches<T>(items: Iterable<T>): Generator<readonly T[]> {
  let batch: T[] = [];
  for (const item of items) {
    batch.push(item);
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
  }
  yield batch;
}
