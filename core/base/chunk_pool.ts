/**
 * Memory for chunks, let go of when nobody looks at it any more, not when the collector finds out. Fresh memory for each
 * chunk of a large file costs the system more than the copying, and collectors leave hundreds of megabytes lying
 * (docs/performance.md).
 */
export interface ChunkPool {
  /** Bytes of the chunks that are kept. */
  readonly size: number;
  /** A chunk with whatever it held before. */
  take(length: number): Uint8Array<ArrayBuffer>;
  /** A chunk of other memory, to be freed when it is given back. Whoever has a part of that memory must not be there. */
  adopt(chunk: Uint8Array): void;
  /**
   * Nobody looks at this chunk any more, in whatever form. A chunk that is neither taken nor adopted, or was given back
   * before, is passed over; one that is never given back is no fault, only memory for the collector.
   */
  giveBack(chunk: Uint8Array): void;
}

/** Larger chunks than `size` are not kept. `keep`: bytes that may lie unused at most. */
export function createChunkPool(size = 512 * 1024, keep = 16 * 1024 * 1024): ChunkPool {
  const free: ArrayBuffer[] = [];
  // By the very view that was handed out: a part of it, given back, says nothing about the rest.
  const lent = new WeakSet<Uint8Array>();
  const adopted = new WeakSet<Uint8Array>();
  return {
    size,
    take(length) {
      if (length > size) return new Uint8Array(length);
      const chunk = new Uint8Array(free.pop() ?? new ArrayBuffer(size), 0, length);
      lent.add(chunk);
      return chunk;
    },
    adopt(chunk) {
      if (chunk.byteLength === chunk.buffer.byteLength) adopted.add(chunk);
    },
    giveBack(chunk) {
      // Detached, its memory is free at once.
      if (adopted.delete(chunk)) (chunk.buffer as ArrayBuffer).transfer(0);
      if (!lent.delete(chunk) || (free.length + 1) * size > keep) return;
      free.push(chunk.buffer as ArrayBuffer);
    },
  };
}
