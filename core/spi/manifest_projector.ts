/**
 * A manifest's JSON, made where it does not hold up the event loop: a manifest of a million entries takes half a minute
 * of one core.
 */
export type ManifestProjector = (
  /** Canonical CBOR. Given away: the caller does not use it again. */
  cbor: Uint8Array,
  options: { readonly maxBytes: number; readonly signal?: AbortSignal | undefined },
) => Promise<
  /** Together the JSON, in pieces of a megabyte or so. Rejects as `decodeManifest()`, `limit_exceeded`, `cancelled`. */
  readonly Uint8Array<ArrayBuffer>[]
>;
