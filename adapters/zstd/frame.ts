/**
 * Where a zstd frame and its blocks end (RFC 8878, 3.1.1), and how long it says that its content is. The rest is for
 * whoever decodes it: what blocks hold, window, dictionary, checksum.
 */
import { toHex } from "../../core/base/bytes.ts";

const MAGIC = "28b52ffd";
const RLE = 1;
const COMPRESSED = 2;
const RESERVED = 3;
/** Of a block as it is sent, and of what becomes of it. */
export const MAX_BLOCK_BYTES = 128 * 1024;

/** Follows the bytes of what has to be one whole frame. */
export class ZstdFrame {
  readonly #grammar = grammar();
  #item = this.#grammar.next();
  /** What has come of the item. Kept where the grammar looks at it, which is never more than its headers. */
  #seen: number[] = [];
  #length = 0;

  /** The chunk in parts, so that a block ends where a part ends. Throws at what is no frame, or goes on behind it. */
  cut(chunk: Uint8Array): Uint8Array[] {
    const parts: Uint8Array[] = [];
    let start = 0;
    for (let at = 0; at < chunk.length; ) {
      if (this.#item.done === true) throw new Error("Something follows the first zstd frame");
      const { bytes, kind } = this.#item.value;
      const taken = chunk.subarray(at, at + bytes - this.#length);
      if (kind === "header") this.#seen.push(...taken);
      this.#length += taken.length;
      at += taken.length;
      if (this.#length < bytes) break;
      this.#next();
      if (kind === "header") continue;
      parts.push(chunk.subarray(start, at));
      start = at;
    }
    if (start < chunk.length) parts.push(chunk.subarray(start));
    return parts;
  }

  /** Throws unless the frame is there as a whole, and as long as it says, if it does. */
  end(contentLength: bigint): void {
    if (this.#item.done !== true) throw new Error("The zstd frame is cut short");
    const said = this.#item.value;
    if (said !== undefined && said !== contentLength) throw new Error("The zstd frame has another length than it says");
  }

  #next(): void {
    do {
      this.#item = this.#grammar.next(Uint8Array.from(this.#seen));
      this.#seen = [];
      this.#length = 0;
    } while (this.#item.done !== true && this.#item.value.bytes === 0);
  }
}

interface Item {
  readonly bytes: number;
  /** Headers are handed back, content is not. */
  readonly kind: "header" | "content";
}

/** Asks for one item after the other. Returns the length of the content, if the frame tells it. */
function* grammar(): Generator<Item, bigint | undefined, Uint8Array> {
  const start = yield { bytes: 5, kind: "header" };
  if (toHex(start.subarray(0, 4)) !== MAGIC) throw new Error("Not a zstd frame");
  const descriptor = start[4] as number;
  const singleSegment = (descriptor >>> 5) & 1;
  const beforeSize = 1 - singleSegment + ([0, 1, 2, 4][descriptor & 3] as number);
  const sizeBytes = [singleSegment, 2, 4, 8][descriptor >>> 6] as number;
  const fields = yield { bytes: beforeSize + sizeBytes, kind: "header" };
  for (let last = false; !last; ) {
    const head = Number(littleEndian(yield { bytes: 3, kind: "header" }));
    const [type, size] = [(head >>> 1) & 3, head >>> 3];
    // In streams, libzstd takes the second for an empty block.
    const bad = type === RESERVED || (type === COMPRESSED && size === 0) || size > MAX_BLOCK_BYTES;
    if (bad) throw new Error("Not a block of zstd");
    yield { bytes: type === RLE ? 1 : size, kind: "content" };
    last = (head & 1) === 1;
  }
  if ((descriptor & 4) !== 0) yield { bytes: 4, kind: "content" };
  if (sizeBytes === 0) return undefined;
  // Two bytes begin where one ends.
  return littleEndian(fields.subarray(beforeSize)) + (sizeBytes === 2 ? 256n : 0n);
}

function littleEndian(bytes: Uint8Array): bigint {
  return BigInt(`0x${toHex(bytes.toReversed())}`);
}
