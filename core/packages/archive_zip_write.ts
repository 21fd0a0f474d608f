/**
 * Writing zip (APPNOTE 6.3.10) as a stream: stored, UTF-8 names, Unix modes, zip64 where sizes, offsets or counts ask for
 * it. Ours: the small writer that was looked at breaks beyond 65,535 entries and leaves open what it reads.
 */
import { concatBytes, utf8 } from "../base/bytes.ts";
import { modeOf, type OutgoingEntry } from "./archive_tar_write.ts";

const FULL_16 = 0xffff;
const FULL_32 = 0xffffffff;
/** Names are UTF-8 (bit 11). */
const UTF_8 = 0x0800;
/** Checksum and sizes stand behind the content (bit 3). */
const DESCRIPTOR = 0x0008;
const UNIX = 3;
const FILE_TYPES = { file: 0o100000, directory: 0o040000, symlink: 0o120000 } as const;

/** What the central directory says of one entry. */
interface Written {
  readonly name: Uint8Array;
  readonly flags: number;
  readonly crc: number;
  readonly size: number;
  readonly offset: number;
  readonly attributes: number;
}

/**
 * Writes one archive: for each entry `header`, its bytes past `content`, `trailer` where the
 * header had no checksum; `end` in the end. What is kept for
 * the central directory is about a hundred bytes and the name for each entry.
 */
export class ZipWriter {
  readonly #written: Written[] = [];
  readonly #time: Uint8Array;
  readonly #seconds: number;
  #offset = 0;

  /** @param mtime seconds since the epoch, of every entry */
  constructor(mtime: number) {
    this.#seconds = mtime;
    this.#time = dosTime(mtime);
  }

  /** @param crc of the content if it is known by now; otherwise it comes with the trailer */
  header(entry: OutgoingEntry, size: number, crc?: number): Uint8Array {
    const name = utf8(entry.kind === "directory" ? `${entry.path}/` : entry.path);
    const flags = crc === undefined ? UTF_8 | DESCRIPTOR : UTF_8;
    const big = size >= FULL_32;
    // With a descriptor the sizes here are 0; but if they are 8 bytes long there, this has to say so.
    const told = crc === undefined ? 0 : size;
    const extra = concatBytes([this.#timestamp(), big ? zip64([size, size]) : new Uint8Array(0)]);
    const mode = FILE_TYPES[entry.kind] | modeOf(entry);
    const attributes = mode * 0x10000 + (entry.kind === "directory" ? 0x10 : 0);
    this.#written.push({ name, flags, crc: crc ?? 0, size, offset: this.#offset, attributes });
    return this.#count(
      concatBytes([
        fields([4, 0x04034b50], [2, big ? 45 : 20], [2, flags], [2, 0]),
        this.#time,
        fields(
          [4, crc ?? 0],
          [4, big ? FULL_32 : told],
          [4, big ? FULL_32 : told],
          [2, name.length],
          [2, extra.length],
        ),
        name,
        extra,
      ]),
    );
  }

  /** After the content of an entry whose checksum was not known. */
  trailer(crc: number): Uint8Array {
    const entry = this.#written.pop() as Written;
    this.#written.push({ ...entry, crc });
    const width = entry.size >= FULL_32 ? 8 : 4;
    return this.#count(fields([4, 0x08074b50], [4, crc], [width, entry.size], [width, entry.size]));
  }

  /** Content goes past here, so that offsets are right. */
  content(bytes: Uint8Array): Uint8Array {
    return this.#count(bytes);
  }

  /** The central directory, in pieces, and what ends the archive. */
  *end(): Generator<Uint8Array> {
    const start = this.#offset;
    for (let at = 0; at < this.#written.length; at += 256) {
      yield this.#count(concatBytes(this.#written.slice(at, at + 256).flatMap((entry) => this.#central(entry))));
    }
    const size = this.#offset - start;
    const count = this.#written.length;
    if (count >= FULL_16 || size >= FULL_32 || start >= FULL_32) {
      const record = this.#offset;
      yield fields([4, 0x06064b50], [8, 44], [2, (UNIX << 8) | 45], [2, 45], [4, 0], [4, 0], [8, count], [8, count]);
      yield fields([8, size], [8, start], [4, 0x07064b50], [4, 0], [8, record], [4, 1]);
    }
    const [few, small, near] = [Math.min(count, FULL_16), Math.min(size, FULL_32), Math.min(start, FULL_32)];
    yield fields([4, 0x06054b50], [2, 0], [2, 0], [2, few], [2, few], [4, small], [4, near], [2, 0]);
  }

  #central({ name, flags, crc, size, offset, attributes }: Written): Uint8Array[] {
    const [bigSize, far] = [size >= FULL_32, offset >= FULL_32];
    const wide = [...(bigSize ? [size, size] : []), ...(far ? [offset] : [])];
    const extra = concatBytes([this.#timestamp(), wide.length > 0 ? zip64(wide) : new Uint8Array(0)]);
    const needs = wide.length > 0 ? 45 : 20;
    const stored = Math.min(size, FULL_32);
    return [
      fields([4, 0x02014b50], [2, (UNIX << 8) | 45], [2, needs], [2, flags], [2, 0]),
      this.#time,
      fields([4, crc], [4, stored], [4, stored], [2, name.length], [2, extra.length], [2, 0], [2, 0], [2, 0]),
      fields([4, attributes], [4, Math.min(offset, FULL_32)]),
      name,
      extra,
    ];
  }

  /** Info-ZIP's extended timestamp: UTC, where the time in the header is anybody's guess. */
  #timestamp(): Uint8Array {
    return fields([2, 0x5455], [2, 5], [1, 1], [4, Math.min(this.#seconds, 0x7fffffff)]);
  }

  #count(bytes: Uint8Array): Uint8Array {
    this.#offset += bytes.length;
    return bytes;
  }
}

function zip64(values: readonly number[]): Uint8Array {
  return fields([2, 1], [2, values.length * 8], ...values.map((value) => [8, value] as const));
}

/** Little-endian integers, each with its width in bytes. */
function fields(...list: readonly (readonly [width: 1 | 2 | 4 | 8, value: number])[]): Uint8Array {
  const bytes = new Uint8Array(list.reduce((sum, [width]) => sum + width, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const [width, value] of list) {
    if (width === 1) view.setUint8(at, value);
    else if (width === 2) view.setUint16(at, value, true);
    else if (width === 4) view.setUint32(at, value, true);
    else view.setBigUint64(at, BigInt(value), true);
    at += width;
  }
  return bytes;
}

/** Time and date as DOS writes them, in UTC. Begins in 1980. */
function dosTime(seconds: number): Uint8Array {
  const at = new Date(Math.max(seconds, 315532800) * 1000);
  const time = (at.getUTCHours() << 11) | (at.getUTCMinutes() << 5) | (at.getUTCSeconds() >> 1);
  const date = ((at.getUTCFullYear() - 1980) << 9) | ((at.getUTCMonth() + 1) << 5) | at.getUTCDate();
  return fields([2, time], [2, date]);
}
