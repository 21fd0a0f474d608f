/** What an adapter author imports. */
export type { ChunkPool } from "../base/chunk_pool.ts";
export { type ErrorCode, type ErrorData, isRegistryError, RegistryError } from "../base/errors.ts";
export type { Algorithm } from "../identity/algorithms.ts";
export { type ContentAddress, parseContentAddress } from "../identity/content_address.ts";
export type { Digest } from "../identity/digest.ts";
export type * from "./authenticator.ts";
export type * from "./data_plane.ts";
export type * from "./database.ts";
export type * from "./hash_offload.ts";
export type * from "./hasher.ts";
export type * from "./health.ts";
export type * from "./runtime.ts";
export type * from "./storage.ts";
