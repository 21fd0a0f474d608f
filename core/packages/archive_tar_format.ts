/**
 * Tar headers (POSIX.1-2017 pax, ustar interchange format; GNU long names), read strictly.
 *
 * Ours, because every reader that was looked at repairs what it should refuse: names that are not UTF-8 come out
 * changed, sparse files come out as their maps, sizes that make no sense are passed over (docs/guides/archives.md).
 */
import { RegistryError } from "../base/errors.ts";

export const BLOCK = 512;

export function invalidArchive(problem: string, data: Readonly<Record<string, unknown>> = {}): RegistryError {
  return new RegistryError("invalid_archive", `The archive cannot be read: ${problem}`, data);
}

/** One header block, nothing interpreted but its numbers. */
export interface TarHeader {
  readonly name: Uint8Array;
  readonly type: string;
  readonly size: number;
  /** Permission bits as they stand. */
  readonly mode: number;
  readonly linkname: Uint8Array;
}

export function isZeroBlock(block: Uint8Array): boolean {
  return block.every((byte) => byte === 0);
}

/** @throws {RegistryError} `invalid_archive` */
export function parseHeader(block: Uint8Array): TarHeader {
  if (checksumField(block) !== checksumOf(block)) {
    throw invalidArchive("a header has a wrong checksum; is this a tar, and is its compression named?");
  }
  const name = field(block, 0, 100);
  // ustar continues long names in a prefix; GNU's magic ("ustar  ") has other fields there.
  const prefix = magicIs(block, "ustar\0") ? field(block, 345, 155) : block.subarray(0, 0);
  return {
    name: prefix.length === 0 ? name : joined(prefix, name),
    type: block[156] === 0 ? "0" : String.fromCharCode(block[156] as number),
    size: number(block, 124, 12, "size"),
    mode: number(block, 100, 8, "mode"),
    linkname: field(block, 157, 100),
  };
}

/** `undefined` where no number stands: what is no tar at all. */
function checksumField(block: Uint8Array): number | undefined {
  const text = /^ *([0-7]{1,7})[ \0]*$/.exec(latin1(block.subarray(148, 156)));
  return text === null ? undefined : Number.parseInt(text[1] as string, 8);
}

export function checksumOf(block: Uint8Array): number {
  let sum = 8 * 32;
  for (let i = 0; i < BLOCK; i++) if (i < 148 || i >= 156) sum += block[i] as number;
  return sum;
}

function magicIs(block: Uint8Array, magic: string): boolean {
  for (let i = 0; i < magic.length; i++) if (block[257 + i] !== magic.charCodeAt(i)) return false;
  return true;
}

/** Up to the first NUL. */
function field(block: Uint8Array, at: number, length: number): Uint8Array {
  return untilNul(block.subarray(at, at + length));
}

/** A GNU long name is a NUL-terminated string. */
export function untilNul(bytes: Uint8Array): Uint8Array {
  const end = bytes.indexOf(0);
  return end === -1 ? bytes : bytes.subarray(0, end);
}

function joined(prefix: Uint8Array, name: Uint8Array): Uint8Array {
  const out = new Uint8Array(prefix.length + 1 + name.length);
  out.set(prefix);
  out[prefix.length] = 0x2f;
  out.set(name, prefix.length + 1);
  return out;
}

const SPACE = 0x20;
const ZERO = 0x30;

/** Octal digits between spaces, ended by NUL or space or the field; or base 256, where the first bit says so. */
function number(block: Uint8Array, at: number, length: number, what: string): number {
  const bytes = block.subarray(at, at + length);
  const refuse = (why: string) => invalidArchive(`a header's ${what} is ${why}`);
  const first = bytes[0] as number;
  let value = 0;
  if (first >= 0x80) {
    // 0x80: positive; 0xff: negative, in two's complement.
    if (first !== 0x80) throw refuse("negative or absurd");
    for (const byte of bytes.subarray(1)) value = value * 256 + byte;
    if (!Number.isSafeInteger(value)) throw refuse("absurd");
    return value;
  }
  let i = 0;
  while (i < length && bytes[i] === SPACE) i++;
  for (; i < length && bytes[i] !== SPACE && bytes[i] !== 0; i++) {
    const digit = (bytes[i] as number) - ZERO;
    if (digit < 0 || digit > 7) throw refuse("not a number");
    value = value * 8 + digit;
  }
  for (; i < length; i++) if (bytes[i] !== SPACE && bytes[i] !== 0) throw refuse("not a number");
  return value;
}

/** What a pax header may say that concerns us; the rest (times, owners, attributes) is passed over. */
export interface PaxRecords {
  readonly path?: Uint8Array;
  readonly linkpath?: Uint8Array;
  readonly size?: number;
  /** The records of a sparse file: its content is not what follows. */
  readonly sparse?: boolean;
}

/** `<length> <key>=<value>\n`, any number of them; the last word on a key counts. @throws {RegistryError} `invalid_archive` */
export function parsePax(bytes: Uint8Array): PaxRecords {
  const found: { path?: Uint8Array; linkpath?: Uint8Array; size?: number; sparse?: boolean } = {};
  for (let at = 0; at < bytes.length; ) {
    const end = at + recordLength(bytes, at);
    const equals = bytes.indexOf(0x3d, at);
    const start = bytes.indexOf(SPACE, at) + 1;
    if (end > bytes.length || bytes[end - 1] !== 0x0a || equals <= start || equals >= end) throw badPax();
    const key = latin1(bytes.subarray(start, equals));
    const value = bytes.subarray(equals + 1, end - 1);
    if (key === "path" || key === "linkpath") {
      // An empty value takes the record back.
      if (value.length === 0) delete found[key];
      else found[key] = value;
    } else if (key === "size") found.size = paxSize(latin1(value));
    else if (key.startsWith("GNU.sparse.") || key === "SCHILY.realsize") found.sparse = true;
    at = end;
  }
  return found;
}

function recordLength(bytes: Uint8Array, at: number): number {
  let length = 0;
  let i = at;
  for (; i < bytes.length && bytes[i] !== SPACE; i++) {
    const digit = (bytes[i] as number) - ZERO;
    // Nine digits are more than a header may have; a tenth could grow past all numbers.
    if (digit < 0 || digit > 9 || i - at >= 9) throw badPax();
    length = length * 10 + digit;
  }
  if (i === at || length === 0) throw badPax();
  return length;
}

function paxSize(text: string): number {
  const size = Number(text);
  if (/^[0-9]{1,16}$/.test(text) && Number.isSafeInteger(size)) return size;
  throw invalidArchive(`a pax header has the size ${JSON.stringify(text.slice(0, 40))}`);
}

function badPax(): RegistryError {
  return invalidArchive("a pax header is malformed");
}

/** One character a byte: enough for keys and numbers, which are ASCII. Of long values only the beginning. */
function latin1(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes.subarray(0, 100)) text += String.fromCharCode(byte);
  return text;
}
