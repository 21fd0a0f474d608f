/**
 * The bytes of one file, as they were at one moment: if the file changes while it is read, the read fails at its end
 * and nothing of it is recorded.
 */
import { type BigIntStats, closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { RegistryError } from "../../core/mod.ts";
import { isReachedAs } from "./pin.ts";
import type { FileFound } from "./walk.ts";

/** One write of storage-fs: the next chunk is hashed while this one is being written (docs/performance.md). */
const CHUNK = 256 * 1024;
/** One chunk is being read, one hashed, one written; the fourth keeps them apart. */
const BUFFERS = 4;
/** Up to here three blocking calls on a warm cache cost less than three trips to the thread pool. */
const SMALL = 64 * 1024;
export const READ_FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/** @throws {RegistryError} `source_changed` */
export async function* readFile(
  file: FileFound,
  onBytes: (count: number) => void,
): AsyncGenerator<Uint8Array, void, void> {
  if (file.size <= SMALL) {
    const bytes = readSmall(file);
    onBytes(bytes.length);
    yield bytes;
    return;
  }
  const handle = await open(file.absolute, READ_FLAGS);
  try {
    const before = await handle.stat({ bigint: true });
    checkSame(file, handle.fd, before);
    yield* chunksOf(handle, file, onBytes);
    checkUnchanged(file, before, await handle.stat({ bigint: true }));
  } finally {
    await handle.close();
  }
}

function readSmall(file: FileFound): Uint8Array {
  const fd = openSync(file.absolute, READ_FLAGS);
  try {
    const before = fstatSync(fd, { bigint: true });
    checkSame(file, fd, before);
    // One byte more than there should be: a file that grew is noticed.
    const buffer = new Uint8Array(file.size + 1);
    let length = 0;
    for (;;) {
      const count = readSync(fd, buffer, length, buffer.length - length, null);
      if (count === 0) break;
      length += count;
      if (length > file.size) throw changed(file);
    }
    if (length !== file.size) throw changed(file);
    checkUnchanged(file, before, fstatSync(fd, { bigint: true }));
    return buffer.subarray(0, length);
  } finally {
    closeSync(fd);
  }
}

/** Reads the next chunk while the consumer works on the last one. */
async function* chunksOf(
  handle: FileHandle,
  file: FileFound,
  onBytes: (count: number) => void,
): AsyncGenerator<Uint8Array> {
  const ring = Array.from({ length: BUFFERS }, () => new Uint8Array(CHUNK));
  let turn = 0;
  let total = 0;
  const readNext = () => {
    const buffer = ring[turn++ % BUFFERS] as Uint8Array;
    const reading = handle.read(buffer, 0, CHUNK, null).then(({ bytesRead }) => buffer.subarray(0, bytesRead));
    // Observed when its turn comes; the handler keeps a failure until then from counting as unhandled.
    reading.catch(() => {});
    return reading;
  };
  let reading = readNext();
  try {
    for (;;) {
      const chunk = await reading;
      if (chunk.length === 0) break;
      total += chunk.length;
      if (total > file.size) throw changed(file);
      reading = readNext();
      onBytes(chunk.length);
      yield chunk;
    }
  } finally {
    // The handle must not be closed under a read.
    await reading.catch(() => {});
  }
  if (total !== file.size) throw changed(file);
}

/** The file that was seen, and no link on the way to it that was not there before. */
export function checkSame(file: FileFound, fd: number, stat: BigIntStats): void {
  const same = stat.isFile() && stat.ino === file.inode && stat.dev === file.device && isReachedAs(fd, file.absolute);
  if (!same || stat.size !== BigInt(file.size)) throw changed(file);
}

export function checkUnchanged(file: FileFound, before: BigIntStats, after: BigIntStats): void {
  if (before.size !== after.size || before.mtimeNs !== after.mtimeNs || before.ctimeNs !== after.ctimeNs)
    throw changed(file);
}

export function changed(file: FileFound): RegistryError {
  return new RegistryError("source_changed", `${JSON.stringify(file.path)} changed while it was read`, {
    path: file.path,
  });
}
