/**
 * Hashing beside the thread that moves the bytes (ADR-0020): optional, and asked for only where enough bytes come to be
 * worth it. A digest that comes back is right; whatever else happens is an error.
 */
import type { Algorithm } from "../identity/algorithms.ts";
import type { Digest } from "../identity/digest.ts";

export interface HashOffload {
  /** Begins a hash elsewhere. Nothing when there is no elsewhere: hash here. */
  begin(algorithms: readonly Algorithm[]): OffloadedHash | undefined;
}

/** One running hash. Its calls reject with `internal` once the other side is gone. It ends by one of the last two. */
export interface OffloadedHash {
  /**
   * Adds bytes; await each. Resolves when nobody looks at the chunk any more: as soon as it is copied, or, if it lies in
   * shared memory and need not be, when it has been hashed.
   */
  update(chunk: Uint8Array): Promise<void>;
  /** The digests of all bytes added so far, in the order of the algorithms. */
  digests(): Promise<readonly Digest[]>;
  /** Nobody wants it any more. Does nothing after `digests()`. */
  drop(): void;
}
