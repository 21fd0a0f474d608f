/**
 * The bytes of canonical CBOR (RFC 8949, section 4.2.1) for a value that `checkValue()` has passed.
 *
 * Written out here because every event is encoded some four times (payload, commitment, envelope, dump) and cborg's
 * token objects took a fifth of the time of an append. A test compares the two on every kind of value.
 */
import { compareUtf8 } from "./bytes.ts";
import type { CborMap, CborValue } from "./cbor_value.ts";

const MAX_SAFE = BigInt(Number.MAX_SAFE_INTEGER);

/**
 * Writes `value` at `at` and returns where it ended. `out` must have the room that `checkValue()` has counted: nine
 * bytes an item, and three more a UTF-16 unit of text or one a byte.
 */
export function writeItem(value: CborValue, out: Uint8Array, at: number): number {
  switch (typeof value) {
    case "string":
      return writeText(value, out, at);
    case "number":
      return Number.isInteger(value) ? writeInteger(value, out, at) : writeFloat(value, out, at);
    case "bigint":
      return writeBigInt(value, out, at);
    case "boolean":
      out[at] = value ? 0xf5 : 0xf4;
      return at + 1;
  }
  if (value === null) {
    out[at] = 0xf6;
    return at + 1;
  }
  if (value instanceof Uint8Array) {
    const start = writeHead(0x40, value.length, out, at);
    out.set(value, start);
    return start + value.length;
  }
  if (isArray(value)) {
    let end = writeHead(0x80, value.length, out, at);
    for (let i = 0; i < value.length; i++) end = writeItem(value[i] as CborValue, out, end);
    return end;
  }
  const keys = Object.keys(value).sort(compareKeys);
  let end = writeHead(0xa0, keys.length, out, at);
  for (const key of keys) end = writeItem(value[key] as CborValue, out, writeText(key, out, end));
  return end;
}

/** Section 3: major type (in its place, the upper three bits) and argument, in the shortest form. */
export function writeHead(major: number, argument: number, out: Uint8Array, at: number): number {
  if (argument < 24) {
    out[at] = major | argument;
    return at + 1;
  }
  const log = argument < 0x100 ? 0 : argument < 0x10000 ? 1 : argument < 0x100000000 ? 2 : 3;
  const width = 1 << log;
  out[at] = major | (24 + log);
  let rest = argument;
  for (let i = at + width; i > at; i--) {
    out[i] = rest & 0xff;
    rest = Math.floor(rest / 256);
  }
  return at + 1 + width;
}

function writeInteger(value: number, out: Uint8Array, at: number): number {
  return value < 0 ? writeHead(0x20, -1 - value, out, at) : writeHead(0x00, value, out, at);
}

function writeBigInt(value: bigint, out: Uint8Array, at: number): number {
  if (value <= MAX_SAFE && value >= -MAX_SAFE) return writeInteger(Number(value), out, at);
  out[at] = value < 0n ? 0x3b : 0x1b;
  let rest = value < 0n ? -1n - value : value;
  for (let i = at + 8; i > at; i--) {
    out[i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return at + 9;
}

const float = new DataView(new ArrayBuffer(8));

/** Section 4.2.1: the shortest of 16, 32 and 64 bits that holds the value. Whole numbers do not come here. */
function writeFloat(value: number, out: Uint8Array, at: number): number {
  let width = 8;
  if (Math.fround(value) === value) {
    float.setFloat32(0, value);
    const half = halfOf(float.getUint32(0));
    width = half === undefined ? 4 : 2;
    if (half !== undefined) float.setUint16(0, half);
  } else {
    float.setFloat64(0, value);
  }
  out[at] = width === 8 ? 0xfb : width === 4 ? 0xfa : 0xf9;
  for (let i = 0; i < width; i++) out[at + 1 + i] = float.getUint8(i);
  return at + 1 + width;
}

/** The bits of the 16-bit float that equals a 32-bit one between 0 and 2^11, if there is one (IEEE 754-2008, 3.4). */
function halfOf(bits: number): number | undefined {
  const sign = (bits >>> 16) & 0x8000;
  const exponent = ((bits >>> 23) & 0xff) - 127;
  const fraction = bits & 0x7fffff;
  // Below 2^-14 the leading one is written out and the rest moves right: subnormal numbers.
  const shift = exponent < -14 ? 13 - 14 - exponent : 13;
  const whole = exponent < -14 ? fraction | 0x800000 : fraction;
  if (shift > 23 || (whole & ((1 << shift) - 1)) !== 0) return undefined;
  return sign | (exponent < -14 ? 0 : (exponent + 15) << 10) | (whole >>> shift);
}

/** Up to this length, most text is ASCII and a loop beats the call into the encoder. */
const SHORT_TEXT = 200;

function writeText(text: string, out: Uint8Array, at: number): number {
  if (text.length <= SHORT_TEXT) {
    const start = at + (text.length < 24 ? 1 : 2);
    let i = 0;
    for (; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      if (unit >= 0x80) break;
      out[start + i] = unit;
    }
    if (i === text.length) {
      writeHead(0x60, i, out, at);
      return start + i;
    }
  }
  // The length in bytes stands in front and is known afterwards; `checkValue` has left room for the longest head.
  const { written } = utf8Encoder.encodeInto(text, out.subarray(at + 9));
  const start = writeHead(0x60, written, out, at);
  out.copyWithin(start, at + 9, at + 9 + written);
  return start + written;
}

const utf8Encoder = new TextEncoder();

/** Section 4.2.1: by the bytes of the encoded keys. For text these begin with the length, so shorter keys come first. */
export function compareKeys(a: string, b: string): number {
  return utf8Length(a) - utf8Length(b) || compareUtf8(a, b);
}

/** Bytes that a well-formed string takes. */
function utf8Length(text: string): number {
  let length = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    // Each half of a pair counts as one already and makes two of the pair's four bytes.
    if (unit >= 0x80) length += unit >= 0x800 && (unit < 0xd800 || unit > 0xdfff) ? 2 : 1;
  }
  return length;
}

function isArray(value: readonly CborValue[] | CborMap): value is readonly CborValue[] {
  return Array.isArray(value);
}
