/**
 * Canonical CBOR: RFC 8949, section 4.2.1 (core deterministic encoding) over the JSON-like part of the data model with
 * text keys, byte strings and 64-bit integers. One value has exactly one encoding, and only that one decodes.
 *
 * cborg reads, and is not canonical by itself (it takes over-long floats, unsorted maps, invalid UTF-8): the checks here
 * close that. Writing is ours (`cbor_write.ts`), after a check of the value. The only importer of cborg is this file.
 */
import { decode, Tokenizer, Type } from "cborg";
import { equalBytes } from "./bytes.ts";
import { CborReader } from "./cbor_read.ts";
import { type CborValue, checkValue, MAX_DEPTH } from "./cbor_value.ts";
import { writeItem } from "./cbor_write.ts";
import { messageOf, RegistryError } from "./errors.ts";

export { type CborMap, type CborValue, checkValue, isPlainObject, MAX_DEPTH } from "./cbor_value.ts";

export interface DecodeLimits {
  /** Refuse longer input with `limit_exceeded`, unread. */
  readonly maxBytes?: number;
  /** Default {@link MAX_DEPTH}; a scalar has depth 0, `[[]]` depth 2. */
  readonly maxDepth?: number;
}

/** Most values are smaller; each result is copied out, so nobody ever sees this array. */
const scratch = new Uint8Array(64 * 1024);

/**
 * The canonical encoding, in an array of its own.
 * @throws {RegistryError} `invalid_argument` for a value outside the data model: `undefined`, NaN, infinities, integers
 * beyond ±(2^53-1) given as number, bigints beyond 64 bits, lone surrogates (in keys too), class instances, holes in
 * arrays, more than {@link MAX_DEPTH} levels.
 */
export function encodeCbor(value: CborValue): Uint8Array<ArrayBuffer> {
  const bound = checkValue(value, 0);
  const target = bound <= scratch.length ? scratch : new Uint8Array(bound);
  return target.slice(0, writeItem(value, target, 0));
}

/** Section 4.2.1 leaves one form of each item; these options make cborg refuse most of the others early. */
const STRICT = {
  strict: true,
  allowIndefinite: false,
  rejectDuplicateMapKeys: true,
  allowUndefined: false,
  allowNaN: false,
  allowInfinity: false,
  // cborg's default, which a tokenizer of one's own is not given
  allowBigInt: true,
} as const;

/**
 * Decodes exactly what {@link encodeCbor} writes. Integers beyond ±(2^53-1) come back as `bigint`; a `__proto__` key is
 * an own property like any other.
 * @throws {RegistryError} `limit_exceeded` above `maxBytes`, `non_canonical` for everything else.
 */
export function decodeCbor(bytes: Uint8Array, limits: DecodeLimits = {}): CborValue {
  if (limits.maxBytes !== undefined && bytes.length > limits.maxBytes) {
    throw new RegistryError(
      "limit_exceeded",
      `CBOR of ${bytes.length} bytes; at most ${limits.maxBytes} are accepted`,
      {
        size: bytes.length,
        limit: limits.maxBytes,
      },
    );
  }
  const marked = scan(bytes, limits.maxDepth ?? MAX_DEPTH);
  let value: CborValue;
  let again: Uint8Array;
  try {
    value = decode(bytes, marked ? { ...STRICT, tokenizer: new MarkKeeper(bytes) } : STRICT);
    again = encodeCbor(value);
  } catch (error) {
    throw nonCanonical(messageOf(error));
  }
  if (!equalBytes(again, bytes)) {
    throw nonCanonical("keys out of order, a number in a longer form than needed, or invalid UTF-8");
  }
  return value;
}

/**
 * Decodes what {@link encodeCbor} wrote, unchecked but for its bounds. Only for bytes that a hash has just proven to be
 * those that were written (the log's chain); {@link decodeCbor} is for everything else.
 * @throws {RegistryError} `non_canonical` where the bytes are no such CBOR at all.
 */
export function decodeTrustedCbor(bytes: Uint8Array): CborValue {
  const reader = new CborReader(bytes);
  const value = reader.item();
  if (!reader.ended) throw nonCanonical("trailing bytes");
  return value;
}

function nonCanonical(why: string): RegistryError {
  return new RegistryError("non_canonical", `Not canonical CBOR (RFC 8949, section 4.2.1): ${why}`);
}

/**
 * Walks the item heads without recursion or allocation by claimed length, so that no depth or size bomb reaches the
 * decoder. Returns whether some text begins with U+FEFF (see {@link MarkKeeper}).
 */
function scan(bytes: Uint8Array, maxDepth: number): boolean {
  let marked = false;
  let at = 0;
  let left = 1; // items still to come in the innermost container
  const outer: number[] = [];
  for (;;) {
    while (left === 0) {
      const up = outer.pop();
      if (up === undefined) {
        if (at !== bytes.length) throw nonCanonical(`trailing bytes after offset ${at}`);
        return marked;
      }
      left = up;
    }
    left--;
    const head = bytes[at++];
    if (head === undefined) throw nonCanonical("it ends in the middle of an item");
    const major = head >> 5;
    let argument = head & 31;
    if (argument > 27) throw nonCanonical(`indefinite or reserved length at offset ${at - 1}`);
    if (argument > 23) {
      const width = 1 << (argument - 24);
      argument = 0;
      for (let i = 0; i < width; i++) argument = argument * 256 + (bytes[at + i] ?? 0);
      at += width;
    }
    if (major === 2 || major === 3) {
      if (major === 3 && bytes[at] === 0xef && bytes[at + 1] === 0xbb && bytes[at + 2] === 0xbf) marked = true;
      at += argument;
    } else if (major === 4 || major === 5) {
      if (outer.length >= maxDepth) throw nonCanonical(`more than ${maxDepth} levels`);
      outer.push(left);
      left = major === 4 ? argument : argument * 2;
    } else if (major === 6) {
      throw nonCanonical(`tag at offset ${at - 1}`);
    }
    if (at > bytes.length) throw nonCanonical("it ends in the middle of an item");
  }
}

const utf8Decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * cborg's TextDecoder drops a leading U+FEFF (WHATWG Encoding: the byte order mark), and a file name may begin with
 * one. Text that does is decoded again here.
 */
class MarkKeeper extends Tokenizer {
  constructor(bytes: Uint8Array) {
    super(bytes, { ...STRICT, retainStringBytes: true });
  }
  override next() {
    const token = super.next();
    const raw = token.byteValue;
    if (Type.equals(token.type, Type.string) && raw !== undefined && raw[0] === 0xef) {
      token.value = utf8Decoder.decode(raw);
    }
    return token;
  }
}
