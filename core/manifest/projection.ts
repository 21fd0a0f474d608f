/** A manifest as JSON for people and other tools: RFC 8785 text that leads back to the same CBOR (see base/jcs.ts). */
import type { CborValue } from "../base/cbor.ts";
import { jcs, parseJcs } from "../base/jcs.ts";
import { checkManifest } from "./check.ts";
import type { Manifest } from "./types.ts";

/** UTF-8 JSON. @throws {RegistryError} as `encodeManifest()` */
export function manifestToJcs(manifest: Manifest): Uint8Array<ArrayBuffer> {
  return jcs(checkManifest(manifest as CborValue));
}

/** Inverse of {@link manifestToJcs}; canonical JSON only. @throws {RegistryError} as `decodeManifest()` */
export function manifestFromJcs(bytes: Uint8Array, limits: { readonly maxBytes?: number } = {}): Manifest {
  return checkManifest(parseJcs(bytes, limits));
}
