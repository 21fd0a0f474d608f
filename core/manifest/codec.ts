/** The stored form of a manifest: canonical CBOR. Equal manifests have equal bytes, and only those bytes decode. */
import { type CborValue, decodeCbor, encodeCbor } from "../base/cbor.ts";
import { encodeCborInTurns } from "../base/cbor_large.ts";
import { checkManifest, checkManifestInTurns } from "./check.ts";
import type { Manifest } from "./types.ts";

/** @throws {RegistryError} `invalid_argument` for a wrong type, an unknown field, or lists out of order. */
export function encodeManifest(manifest: Manifest): Uint8Array<ArrayBuffer> {
  return encodeCbor(checkManifest(manifest as CborValue));
}

/**
 * What `encodeManifest()` gives, for a million entries: others get their turns meanwhile, in which nobody may change
 * the manifest.
 * @throws {RegistryError} `limit_exceeded` as soon as there are more than `maxBytes`, and as `encodeManifest()`
 */
export async function encodeManifestInTurns(manifest: Manifest, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  return await encodeCborInTurns(await checkManifestInTurns(manifest), maxBytes);
}

/**
 * @throws {RegistryError} `non_canonical`, `limit_exceeded` (above `maxBytes`), `unsupported` (another
 * `manifest_version`), `invalid_argument` or `invalid_digest` (canonical CBOR, but not a manifest).
 */
export function decodeManifest(bytes: Uint8Array, limits: { readonly maxBytes?: number } = {}): Manifest {
  return checkManifest(decodeCbor(bytes, limits));
}
