/** Digests of bytes while they pass: in this thread, or beside it where there are enough of them. */
import { type Algorithm, DEFAULT_ALGORITHMS } from "../identity/algorithms.ts";
import { contentAddress } from "../identity/content_address.ts";
import { createDigest, type Digest } from "../identity/digest.ts";
import type { Hasher } from "../identity/hasher.ts";
import type { ContentFacts } from "../spi/data_plane.ts";
import type { HashOffload } from "../spi/hash_offload.ts";

/** What hashes: in this thread, and perhaps elsewhere. */
export interface Hashing {
  readonly hasher: Hasher;
  readonly offload?: HashOffload | undefined;
}

/** A running hash that is there or here. */
interface Run {
  update(chunk: Uint8Array): Promise<void> | undefined;
  digests(): Promise<readonly Digest[]>;
  drop(): void;
}

export interface PassingDigests<Facts> {
  /**
   * Adds bytes. Where a promise comes back the chunk is looked at until it resolves, and the next call has to wait.
   * It rejects with `internal` when the other thread is gone; then so do all later calls but `drop()`.
   */
  update(chunk: Uint8Array): Promise<void> | undefined;
  /** Ends the run; callable once. */
  finish(): Promise<Facts>;
  /** Ends a run that nobody will finish. Does nothing after `finish()`. */
  drop(): void;
}

/** Fewer bytes are hashed sooner than another thread has heard of them. */
const WORTH_IT = 1024 * 1024;
/** Of bytes without a known number, so many are kept before it is decided. */
const UNDECIDED = 64 * 1024;

/** The digests that every content has, and more. @param size Bytes that will pass, if that is known */
export function startContentDigests(
  hashing: Hashing,
  algorithms: readonly Algorithm[] = [],
  size?: number,
): PassingDigests<ContentFacts> {
  const run = startRun(hashing, [...new Set([...DEFAULT_ALGORITHMS, ...algorithms])], size);
  let count = 0;
  return {
    update(chunk) {
      count += chunk.length;
      return run.update(chunk);
    },
    async finish() {
      const found: Partial<Record<Algorithm, Digest>> = {};
      for (const digest of await run.digests()) found[digest.algorithm] = digest;
      const digests = Object.freeze(found) as ContentFacts["digests"];
      return { address: contentAddress(digests.blake3), size: count, digests };
    },
    drop: run.drop,
  };
}

/** One digest alone. */
export function startDigest(hashing: Hashing, algorithm: Algorithm, size?: number): PassingDigests<Digest> {
  const { update, digests, drop } = startRun(hashing, [algorithm], size);
  return { update, finish: async () => (await digests())[0] as Digest, drop };
}

function startRun(hashing: Hashing, algorithms: readonly Algorithm[], size: number | undefined): Run {
  if (hashing.offload === undefined || (size !== undefined && size < WORTH_IT)) return here(hashing.hasher, algorithms);
  if (size !== undefined) return hashing.offload.begin(algorithms) ?? here(hashing.hasher, algorithms);
  return decidedLate(hashing.hasher, hashing.offload, algorithms);
}

function here(hasher: Hasher, algorithms: readonly Algorithm[]): Run {
  const states = algorithms.map((algorithm) => ({ algorithm, state: hasher.create(algorithm) }));
  return {
    update(chunk) {
      for (const { state } of states) state.update(chunk);
      return undefined;
    },
    digests: async () => states.map(({ algorithm, state }) => createDigest(algorithm, state.digest())),
    drop() {},
  };
}

function decidedLate(hasher: Hasher, offload: HashOffload, algorithms: readonly Algorithm[]): Run {
  let run: Run | undefined;
  let kept: Uint8Array[] = [];
  let count = 0;
  async function settle(on: Run, last?: Uint8Array): Promise<void> {
    run = on;
    const chunks = last === undefined ? kept : [...kept, last];
    kept = [];
    for (const chunk of chunks) await on.update(chunk);
  }
  return {
    update(chunk) {
      if (run !== undefined) return run.update(chunk);
      count += chunk.length;
      if (count > UNDECIDED) return settle(offload.begin(algorithms) ?? here(hasher, algorithms), chunk);
      kept.push(chunk.slice());
      return undefined;
    },
    async digests() {
      if (run === undefined) await settle(here(hasher, algorithms));
      return await (run as Run).digests();
    },
    drop() {
      kept = [];
      run?.drop();
    },
  };
}
