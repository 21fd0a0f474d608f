/**
 * The system calls that this backend makes, on file descriptors and as promises. Bun, Deno and Node all offer them
 * through `node:fs`; `FileHandle` is avoided because it costs an object and a hop more for every call.
 *
 * What can wait for a disk (open with O_CREAT, write, fsync, rename, mkdir, unlink) is asynchronous. What touches only
 * memory (fchmod and close of a file we hold, opening a directory we have just changed) is synchronous: a hop through
 * the thread pool would cost more than the call.
 */
import { Buffer } from "node:buffer";
import * as fs from "node:fs";

export {
  chmodSync,
  closeSync,
  fchmodSync,
  fstatSync,
  ftruncateSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  type Stats,
  unlinkSync,
} from "node:fs";
export { link, lstat, mkdir, readdir, realpath, rename, stat, statfs, unlink } from "node:fs/promises";

const { O_CREAT, O_EXCL, O_RDONLY, O_WRONLY } = fs.constants;
// Absent on systems without them (Windows), where 0 changes nothing.
const O_NOFOLLOW = fs.constants.O_NOFOLLOW ?? 0;
const O_DIRECTORY = fs.constants.O_DIRECTORY ?? 0;

type Done<T> = (error: Error | null, value: T) => void;

function call<T>(start: (done: Done<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error, value) => (error === null || error === undefined ? resolve(value) : reject(error)));
  });
}

/** A file that must not exist yet, for writing, mode 0600. A link in its place is refused. */
export async function createExclusive(path: string): Promise<number> {
  const fd = await call<number>((done) => fs.open(path, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW, 0o600, done));
  // A umask may have taken bits away.
  fs.fchmodSync(fd, 0o600);
  return fd;
}

/** As {@link createExclusive}, waiting for it. */
export function createExclusiveSync(path: string): number {
  const fd = fs.openSync(path, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW, 0o600);
  fs.fchmodSync(fd, 0o600);
  return fd;
}

/** An existing file, for reading. A link in its place is refused (ELOOP). */
export function openForReading(path: string): Promise<number> {
  return call((done) => fs.open(path, O_RDONLY | O_NOFOLLOW, done));
}

/** As {@link openForReading}, waiting for it. */
export function openForReadingSync(path: string): number {
  return fs.openSync(path, O_RDONLY | O_NOFOLLOW);
}

/** An existing file, for writing. A link in its place is refused (ELOOP). */
export function openForWriting(path: string): Promise<number> {
  return call((done) => fs.open(path, O_WRONLY | O_NOFOLLOW, done));
}

/** A directory, to be synced. A link in its place is refused. */
export function openDirectorySync(path: string): number {
  return fs.openSync(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
}

export function fsync(fd: number): Promise<void> {
  return call((done) => fs.fsync(fd, (error) => done(error ?? null, undefined)));
}

/** The kernel's part of a write of 1 MiB is several times that of four writes of 256 KiB (docs/performance.md). */
const WRITE_SIZE = 256 * 1024;

/** Writes all of `bytes` at the file's current end; write(2) may take fewer bytes than it is given. */
export async function writeAll(fd: number, bytes: Uint8Array): Promise<void> {
  let written = 0;
  while (written < bytes.length) {
    const length = Math.min(WRITE_SIZE, bytes.length - written);
    written += await call<number>((done) => fs.write(fd, bytes, written, length, null, done));
  }
}

/** As {@link writeAll}, or {@link writeAt} where a position is given, waiting for it. */
export function writeAllSync(fd: number, bytes: Uint8Array, position?: number): void {
  let written = 0;
  while (written < bytes.length) {
    const at = position === undefined ? null : position + written;
    written += fs.writeSync(fd, bytes, written, Math.min(WRITE_SIZE, bytes.length - written), at);
  }
}

/** Writes all of `bytes` at `position`. */
export async function writeAt(fd: number, bytes: Uint8Array, position: number): Promise<void> {
  let written = 0;
  while (written < bytes.length) {
    const length = Math.min(WRITE_SIZE, bytes.length - written);
    written += await call<number>((done) => fs.write(fd, bytes, written, length, position + written, done));
  }
}

/** Reads from `position` until `into` is full or the file ends; resolves to the number of bytes read. */
export async function readFully(fd: number, into: Uint8Array, position: number): Promise<number> {
  let filled = 0;
  while (filled < into.length) {
    const count = await call<number>((done) =>
      fs.read(fd, into, filled, into.length - filled, position + filled, done),
    );
    if (count === 0) break;
    filled += count;
  }
  return filled;
}

/** As {@link readFully}, waiting for it. */
export function readFullySync(fd: number, into: Uint8Array, position: number): number {
  let filled = 0;
  while (filled < into.length) {
    const count = fs.readSync(fd, into, filled, into.length - filled, position + filled);
    if (count === 0) break;
    filled += count;
  }
  return filled;
}

/** Memory that is about to be overwritten: not zeroed first. */
export function uninitialized(length: number): Uint8Array<ArrayBuffer> {
  const buffer = Buffer.allocUnsafeSlow(length);
  return new Uint8Array(buffer.buffer, buffer.byteOffset, length);
}
