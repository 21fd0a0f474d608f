/** Helpers over `Uint8Array`: the only byte type of core. */
import { RegistryError } from "./errors.ts";

const HEX: readonly string[] = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, "0"));

/** Lower-case hexadecimal, two digits a byte. */
export function toHex(bytes: Uint8Array): string {
  let out = "";
  for (let i = 0; i < bytes.length; i++) out += HEX[bytes[i] as number];
  return out;
}

/** Value of a hexadecimal digit by character code. */
const DIGIT: readonly number[] = Array.from({ length: 128 }, (_, code) =>
  Math.max(0, "0123456789abcdef".indexOf(String.fromCharCode(code).toLowerCase())),
);

/** Inverse of {@link toHex}. The caller has checked the syntax. Twice per event: a table beats `parseInt` tenfold. */
export function fromHex(hex: string): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(hex.length >> 1);
  for (let i = 0, at = 0; i < out.length; i++) {
    out[i] = ((DIGIT[hex.charCodeAt(at++)] as number) << 4) | (DIGIT[hex.charCodeAt(at++)] as number);
  }
  return out;
}

/** Offsets, the end excluded. @throws {RegistryError} `invalid_argument` for what does not lie within `size` bytes */
export function checkByteRange({ start, end }: { readonly start: number; readonly end: number }, size: number): void {
  if (Number.isSafeInteger(start) && Number.isSafeInteger(end) && start >= 0 && start <= end && end <= size) return;
  throw new RegistryError("invalid_argument", `A range lies within 0..${size}`, { start, end, size });
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return compareBytes(a, b) === 0;
}

/** Byte order: the order of unsigned bytes, a prefix first. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const difference = (a[i] as number) - (b[i] as number);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

export function concatBytes(chunks: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  let length = 0;
  for (const chunk of chunks) length += chunk.length;
  const out = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    out.set(chunk, at);
    at += chunk.length;
  }
  return out;
}

const encoder = new TextEncoder();

export function utf8(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text) as Uint8Array<ArrayBuffer>;
}

/**
 * Order of two strings by their UTF-8 bytes. Equal to the order of Unicode code points, which JavaScript's `<`
 * (UTF-16 units) is not: U+1F600 sorts after U+FF5E here. SQLite's BINARY and PostgreSQL's "C" collations agree.
 */
export function compareUtf8(a: string, b: string): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x === y) continue;
    // Surrogates (0xD800..0xDFFF) stand for code points above every other unit.
    const fold = (unit: number) => (unit >= 0xe000 ? unit - 0x800 : unit >= 0xd800 ? unit + 0x2000 : unit);
    return fold(x) - fold(y);
  }
  return a.length - b.length;
}
