/** The name of a manifest. */
import { PRIMARY_ALGORITHM } from "../identity/algorithms.ts";
import { type ContentAddress, contentAddress } from "../identity/content_address.ts";
import { createDigest } from "../identity/digest.ts";
import type { Hasher } from "../identity/hasher.ts";
import { encodeManifest } from "./codec.ts";
import type { Manifest } from "./types.ts";

/** Over the canonical CBOR. Bytes are taken as they are: whoever has them has decoded or encoded them. */
export function manifestDigest(manifest: Manifest | Uint8Array, hasher: Hasher): ContentAddress {
  const bytes = manifest instanceof Uint8Array ? manifest : encodeManifest(manifest);
  return contentAddress(createDigest(PRIMARY_ALGORITHM, hasher.hash(PRIMARY_ALGORITHM, bytes)));
}
