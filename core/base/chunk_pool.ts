/**
 * Memory for chunks, let go of when nobody looks at it any more, not when the collector finds out. Fresh memory for each
 * chunk of a large file costs the system more than the copying, and collectors leave hundreds of megabytes lying
 * (docs/performance.md, ADR-0019).
 */
export interface ChunkPool {
  /** Bytes that a chunk should have now: large ones are faster, and few enough of them are out not to fill the memory. */
  readonly size: number;
  /** A chunk with whatever it held before. */
  take(length: number): Uint8Array;
  /** A chunk of other memory, to be freed when it is given back. Whoever has a part of that memory must not be there. */
  adopt(chunk: Uint8Array): void;
  /**
   * Nobody looks at this chunk any more, in whatever form. A chunk that is neither taken nor adopted, or was given back
   * before, is passed over; one that is never given back is no fault, only memory for the collector.
   */
  giveBack(chunk: Uint8Array): void;
}

export interface ChunkPoolOptions {
  /** Bytes of a chunk when many are out: of a thousand readers who are slow. */
  readonly small?: number;
  /** Bytes of a chunk when few are out: each wakes four threads, and more than this the system does not take in one go. */
  readonly large?: number;
  /** Large chunks that may be out at once. */
  readonly mostLarge?: number;
  /** Bytes that may lie unused at most. */
  readonly keep?: number;
  /** Large chunks lie in memory that other threads can see (core/spi/hash_offload.ts). */
  readonly shared?: boolean;
}

const KIB = 1024;

interface Loan {
  readonly size: number;
  over: boolean;
}

export function createChunkPool(options: ChunkPoolOptions = {}): ChunkPool {
  const { small = 256 * KIB, large = 2048 * KIB, mostLarge = 16, keep = 16 * 1024 * KIB, shared = false } = options;
  const free = new Map<number, ArrayBufferLike[]>([
    [small, []],
    [large, []],
  ]);
  const fresh = (size: number) => (shared && size === large ? new SharedArrayBuffer(size) : new ArrayBuffer(size));
  let unused = 0;
  let largeOut = 0;
  // By the very view that was handed out: a part of it, given back, says nothing about the rest.
  const loans = new WeakMap<Uint8Array, Loan>();
  const adopted = new WeakSet<Uint8Array>();
  const end = (loan: Loan) => {
    if (!loan.over && loan.size === large) largeOut--;
    loan.over = true;
  };
  /** A reader that was cut off gives nothing back. */
  const lost = new FinalizationRegistry<Loan>(end);
  return {
    get size() {
      return largeOut < mostLarge ? large : small;
    },
    take(length) {
      if (length > large) return new Uint8Array(length);
      const size = length > small ? large : small;
      const reused = free.get(size)?.pop();
      if (reused !== undefined) unused -= size;
      const chunk = new Uint8Array(reused ?? fresh(size), 0, length);
      const loan: Loan = { size, over: false };
      loans.set(chunk, loan);
      if (size === large) {
        largeOut++;
        lost.register(chunk, loan);
      }
      return chunk;
    },
    adopt(chunk) {
      if (chunk.byteLength === chunk.buffer.byteLength) adopted.add(chunk);
    },
    giveBack(chunk) {
      // Detached, its memory is free at once.
      if (adopted.delete(chunk)) (chunk.buffer as ArrayBuffer).transfer(0);
      const loan = loans.get(chunk);
      if (loan === undefined || loan.over) return;
      end(loan);
      if (unused + loan.size > keep) return;
      unused += loan.size;
      free.get(loan.size)?.push(chunk.buffer);
    },
  };
}
