/** The writer against cborg's encoder, where random values would rarely look. */
import { expect, test } from "bun:test";
import { encode, rfc8949EncodeOptions } from "cborg";
import fc from "fast-check";
import { toHex } from "../../../core/base/bytes.ts";
import { type CborValue, decodeCbor, encodeCbor } from "../../../core/base/cbor.ts";

const agree = (value: CborValue) =>
  void expect(toHex(encodeCbor(value))).toBe(toHex(encode(value, rfc8949EncodeOptions)));

/** Value of a 16-bit float by its bits (RFC 8949, appendix D). */
function halfValue(bits: number): number {
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  const size = exponent === 0 ? fraction * 2 ** -24 : (fraction + 1024) * 2 ** (exponent - 25);
  return bits >> 15 === 1 ? -size : size;
}

/** All finite 16-bit floats that are no whole number (those are written as integers). */
const halves = new Map<number, number>();
for (let bits = 0; bits < 0x10000; bits++) {
  if (((bits >> 10) & 31) !== 31 && !Number.isInteger(halfValue(bits))) halves.set(halfValue(bits), bits);
}

/** The shortest form by looking it up. Not cborg's: that writes most 16-bit floats below 2^-14 in 32 bits. */
function floatHex(value: number): string {
  const view = new DataView(new ArrayBuffer(8));
  const half = halves.get(value);
  if (half !== undefined) return `f9${half.toString(16).padStart(4, "0")}`;
  const single = Math.fround(value) === value;
  if (single) view.setFloat32(0, value);
  else view.setFloat64(0, value);
  return (single ? "fa" : "fb") + toHex(new Uint8Array(view.buffer, 0, single ? 4 : 8));
}

const shortest = (value: number) => {
  if (Number.isInteger(value)) return agree(value);
  const bytes = encodeCbor(value);
  expect(toHex(bytes)).toBe(floatHex(value));
  expect(decodeCbor(bytes)).toBe(value);
};

test("every 16-bit float, and its neighbours among the longer ones, takes the shortest form", () => {
  const view = new DataView(new ArrayBuffer(8));
  for (const value of halves.keys()) {
    shortest(value);
    view.setFloat32(0, value);
    view.setUint32(0, view.getUint32(0) ^ 1);
    shortest(view.getFloat32(0));
    view.setFloat64(0, value);
    view.setBigUint64(0, view.getBigUint64(0) ^ 1n);
    shortest(view.getFloat64(0));
  }
});

test("32-bit and 64-bit floats of every size take the shortest form", () => {
  const finite = { noNaN: true, noDefaultInfinity: true };
  // From 2^53 on every float is a whole number, and refused.
  const safe = (n: number) => Math.abs(n) < 2 ** 53;
  fc.assert(fc.property(fc.float(finite).filter(safe), shortest), { numRuns: 5000 });
  fc.assert(fc.property(fc.double(finite).filter(safe), shortest), { numRuns: 5000 });
});

test("integers agree with cborg around every power of two", () => {
  for (let power = 0; power <= 64; power++) {
    for (const off of [-1n, 0n, 1n]) {
      const value = 2n ** BigInt(power) + off;
      for (const integer of [value, -value]) {
        if (integer >= 2n ** 64n || integer < -(2n ** 64n)) continue;
        agree(integer);
        if (Number.isSafeInteger(Number(integer))) agree(Number(integer));
      }
    }
  }
});

test("text of every length around a change of head, ASCII or not, agrees with cborg", () => {
  for (const length of [0, 1, 22, 23, 24, 25, 199, 200, 201, 254, 255, 256, 257, 65_534, 65_535, 65_536]) {
    for (const end of ["", "a", "\u00fc", "\u6c34", "\u{1f600}"]) agree("x".repeat(length) + end);
  }
});

test("maps with keys of mixed widths agree with cborg", () => {
  const unit = fc.constantFrom("a", "b", "z", "\u007f", "\u0080", "\u00fc", "\u07ff", "\u0800", "\uff5e", "\u{1f600}");
  const key = fc.array(unit, { maxLength: 26 }).map((units) => units.join(""));
  fc.assert(fc.property(fc.dictionary(key, fc.integer()), agree), { numRuns: 3000 });
});

test("byte strings and arrays of every length around a change of head agree with cborg", () => {
  for (const length of [0, 23, 24, 255, 256, 65_535, 65_536]) {
    agree(new Uint8Array(length).fill(7));
    agree(Array.from({ length }, (_, i) => i));
  }
});
