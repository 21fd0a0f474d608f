/**
 * The hash kernel behind every digest. Synchronous, because the event chain is hashed inside a transaction
 * and a body is hashed while its previous chunk is being written.
 */
import type { Algorithm } from "./algorithms.ts";

/** One running hash. Not reusable after `digest()`. */
export interface HashState {
  /** Adds bytes. The kernel does not keep the array. */
  update(chunk: Uint8Array): void;
  /** The digest of all bytes added so far; ends the state. */
  digest(): Uint8Array<ArrayBuffer>;
}

export interface Hasher {
  /** Which kind of code does the work, shown by `/health`. */
  readonly kernel: "native" | "wasm" | "portable";
  /** For people: the packages behind the kernel, such as `@napi-rs/blake-hash + node:crypto`. */
  readonly name: string;
  /** A fresh state. Any number may be open at once. */
  create(algorithm: Algorithm): HashState;
  /** The digest of one array; cheaper than a state for short input. */
  hash(algorithm: Algorithm, bytes: Uint8Array): Uint8Array<ArrayBuffer>;
}
