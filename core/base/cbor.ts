/**
 * Canonical CBOR: RFC 8949, section 4.2.1 (core deterministic encoding) over the JSON-like part of the data model with
 * text keys, byte strings and 64-bit integers. One value has exactly one encoding, and only that one decodes.
 *
 * cborg alone is neither canonical on the way in (it takes over-long floats, unsorted maps, invalid UTF-8) nor strict
 * on the way out (it writes `undefined`, U+FFFD for lone surrogates, floats for integers from 2^53 on). The checks here
 * close both ends; the only importer of cborg is this file.
 */
import { decode, encodeInto, Tokenizer, Type } from "cborg";
import { equalBytes } from "./bytes.ts";
import { messageOf, RegistryError } from "./errors.ts";

/**
 * What can be encoded. A `bigint` within ±(2^53-1) encodes like the number and comes back as one. Values must be plain
 * data: accessors and proxies are not looked for, and what they answer twice may differ.
 */
export type CborValue = null | boolean | number | bigint | string | Uint8Array | readonly CborValue[] | CborMap;

export interface CborMap {
  readonly [key: string]: CborValue;
}

/** Containers open at once, in both directions: what is written can be read. */
export const MAX_DEPTH = 64;

export interface DecodeLimits {
  /** Refuse longer input with `limit_exceeded`, unread. */
  readonly maxBytes?: number;
  /** Default {@link MAX_DEPTH}; a scalar has depth 0, `[[]]` depth 2. */
  readonly maxDepth?: number;
}

/** RFC 8949, section 3.1: major types 0 and 1 carry 64 bits. */
const MAX_UINT = 2n ** 64n - 1n;
const MIN_NEGINT = -(2n ** 64n);

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
  // cborg's default key order (shorter first, then bytes) is section 4.2.1's when all keys are text, because the length
  // stands in front; and it takes half the time of `rfc8949EncodeOptions`. A test compares the two.
  const target = bound <= scratch.length ? scratch : new Uint8Array(bound);
  return target.slice(0, encodeInto(value, target).written);
}

/** Checks that `value` is inside the data model; returns an upper bound of its encoded length. */
export function checkValue(value: unknown, depth: number): number {
  switch (typeof value) {
    case "string":
      if (!value.isWellFormed()) throw refuse("a string with a lone surrogate");
      return value.length * 3 + 9;
    case "number":
      if (!Number.isSafeInteger(value)) checkFloat(value);
      return 9;
    case "boolean":
      return 1;
    case "bigint":
      if (value > MAX_UINT || value < MIN_NEGINT) throw refuse("an integer beyond 64 bits");
      return 9;
    case "object":
      if (value === null) return 1;
      if (value instanceof Uint8Array) return value.length + 9;
      if (depth >= MAX_DEPTH) throw refuse(`more than ${MAX_DEPTH} levels (or a cycle)`);
      return Array.isArray(value) ? checkArray(value, depth + 1) : checkMap(value, depth + 1);
    default:
      throw refuse(`a value of type ${typeof value}`);
  }
}

function checkFloat(value: number): void {
  if (!Number.isFinite(value)) throw refuse(String(value));
  // From 2^53 on a number may already have been rounded; a bigint says exactly what is meant.
  if (Number.isInteger(value)) throw refuse(`the unsafe integer ${value} (pass a bigint)`);
}

function checkArray(items: readonly unknown[], depth: number): number {
  let bound = 9;
  for (let i = 0; i < items.length; i++) bound += checkValue(items[i], depth);
  return bound;
}

function checkMap(map: object, depth: number): number {
  if (!isPlainObject(map)) throw refuse("an instance of a class");
  let bound = 9;
  for (const key of Object.keys(map)) {
    if (!key.isWellFormed()) throw refuse("a key with a lone surrogate");
    bound += key.length * 3 + 9 + checkValue((map as Record<string, unknown>)[key], depth);
  }
  return bound;
}

export function isPlainObject(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function refuse(what: string): RegistryError {
  return new RegistryError("invalid_argument", `This cannot be stored: ${what}`, { what });
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
