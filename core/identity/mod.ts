/** What bytes are called: digests, content addresses, and the pass that finds them. */
export * from "./algorithms.ts";
export * from "./content_address.ts";
export * from "./digest.ts";
export * from "./digest_stream.ts";
export type * from "./hasher.ts";
