/** One pass over bytes, several digests. */
import { abortable, type ByteSource, toIterable } from "../base/stream.ts";
import { type Algorithm, DEFAULT_ALGORITHMS } from "./algorithms.ts";
import { type ContentAddress, contentAddress } from "./content_address.ts";
import { createDigest, type Digest } from "./digest.ts";
import type { Hasher, HashState } from "./hasher.ts";

export interface ContentDigests {
  readonly address: ContentAddress;
  /** Bytes. */
  readonly size: number;
  /** `blake3`, `sha256`, and what else was asked for. */
  readonly digests: Readonly<Partial<Record<Algorithm, Digest>>> & { readonly blake3: Digest; readonly sha256: Digest };
}

export interface RunningDigests {
  update(chunk: Uint8Array): void;
  /** Ends the run; callable once. */
  finish(): ContentDigests;
}

/** Digests over bytes that somebody else moves. @param algorithms Added to the default ones. */
export function startDigests(hasher: Hasher, algorithms: readonly Algorithm[] = []): RunningDigests {
  const states = new Map<Algorithm, HashState>();
  for (const algorithm of [...DEFAULT_ALGORITHMS, ...algorithms]) {
    if (!states.has(algorithm)) states.set(algorithm, hasher.create(algorithm));
  }
  let size = 0;
  return {
    update(chunk) {
      size += chunk.length;
      for (const state of states.values()) state.update(chunk);
    },
    finish() {
      const digests: Partial<Record<Algorithm, Digest>> = {};
      for (const [algorithm, state] of states) digests[algorithm] = createDigest(algorithm, state.digest());
      const complete = Object.freeze(digests) as ContentDigests["digests"];
      return { address: contentAddress(complete.blake3), size, digests: complete };
    },
  };
}

export interface DigestStreamOptions {
  readonly hasher: Hasher;
  /** Added to the default ones (`blake3` and `sha256`), which are always computed. */
  readonly algorithms?: readonly Algorithm[];
  readonly signal?: AbortSignal;
}

/**
 * Reads `source` to its end, one chunk at a time. A failure of the source passes through unchanged.
 * @throws {RegistryError} `cancelled` when the signal fires.
 */
export async function digestStream(source: ByteSource, options: DigestStreamOptions): Promise<ContentDigests> {
  const running = startDigests(options.hasher, options.algorithms);
  for await (const chunk of abortable(toIterable(source), options.signal)) running.update(chunk);
  return running.finish();
}
