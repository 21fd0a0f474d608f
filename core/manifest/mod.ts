/** Manifest v1: types, canonical codec, JSON projection, digest. */
export { checkManifest } from "./check.ts";
export * from "./codec.ts";
export * from "./digest.ts";
export { jcsPieces } from "./jcs_pieces.ts";
export { isOciManifestType, MAX_OCI_MANIFEST_BYTES, type OciReference } from "./oci.ts";
export * from "./oci_layout.ts";
export * from "./projection.ts";
export * from "./types.ts";
