/**
 * Memory for chunks, used again. Fresh memory for each chunk of a large file costs the system more than the copying
 * (docs/performance.md), so a reader that knows when its chunks are no longer looked at gives them back.
 */
export interface ChunkPool {
  /** A chunk with whatever it held before. */
  take(length: number): Uint8Array<ArrayBuffer>;
  /**
   * Nobody looks at this chunk any more, in whatever form. A chunk that did not come from here, or was given back
   * before, is passed over; one that is never given back is no fault, only memory for the collector.
   */
  giveBack(chunk: Uint8Array): void;
}

/** `size`: bytes of a chunk, larger ones are not kept. `keep`: bytes that may lie unused at most. */
export function createChunkPool(size = 256 * 1024, keep = 16 * 1024 * 1024): ChunkPool {
  const free: ArrayBuffer[] = [];
  // By the very view that was handed out: a part of it, given back, says nothing about the rest.
  const lent = new WeakSet<Uint8Array>();
  return {
    take(length) {
      if (length > size) return new Uint8Array(length);
      const chunk = new Uint8Array(free.pop() ?? new ArrayBuffer(size), 0, length);
      lent.add(chunk);
      return chunk;
    },
    giveBack(chunk) {
      if (!lent.delete(chunk) || (free.length + 1) * size > keep) return;
      free.push(chunk.buffer as ArrayBuffer);
    },
  };
}
