/** Reading one stored file, a few chunks ahead of nobody: one chunk is handed out while the next is being read. */
import type { ChunkPool } from "../../core/base/chunk_pool.ts";
import { RegistryError } from "../../core/base/errors.ts";
import type { ByteRange } from "../../core/spi/storage.ts";
import { type Blocking, NEVER, soon } from "./blocking.ts";
import { isAbsent, storageError } from "./errors.ts";
import * as system from "./system.ts";

/** Large enough that the hop through the thread pool is lost in the copying, small enough for many readers at once. */
const CHUNK_SIZE = 256 * 1024;

/** Bytes of a read that may be waited for, if that was quick lately. */
const SMALL = 64 * 1024;

/** See `StorageBackend.read`. `key` is for messages. */
export async function* readFile(
  path: string,
  key: string,
  range: ByteRange | undefined,
  backendId: string,
  blocking: Blocking,
  chunks?: ChunkPool,
): AsyncGenerator<Uint8Array, void, undefined> {
  let fd: number;
  try {
    fd = await soon(
      blocking,
      () => system.openForReadingSync(path),
      () => system.openForReading(path),
    );
  } catch (error) {
    if (isAbsent(error)) throw missing(key);
    throw storageError(error, "open an object", backendId);
  }
  let ahead: Promise<Uint8Array> | undefined;
  try {
    const found = system.fstatSync(fd);
    if (!found.isFile()) throw notAFile(key, backendId);
    const { start, end } = checkRange(range, found.size);
    let at = start;
    const readNext = async (): Promise<Uint8Array> => {
      const length = Math.min(chunks?.size ?? CHUNK_SIZE, end - at);
      const chunk = chunks?.take(length) ?? system.uninitialized(length);
      const count = await soon(
        end - start <= SMALL ? blocking : NEVER,
        () => system.readFullySync(fd, chunk, at),
        () => system.readFully(fd, chunk, at),
      );
      if (count < chunk.length) {
        throw new RegistryError("object_corrupt", "The stored object became shorter while it was read: verify it", {
          key,
          wanted_size: end,
          found_size: at + count,
        });
      }
      at += count;
      return chunk;
    };
    if (at < end) ahead = readNext();
    while (ahead !== undefined) {
      const chunk = await ahead;
      ahead = at < end ? readNext() : undefined;
      ahead?.catch(() => {}); // it is reported when its turn comes
      yield chunk;
    }
  } catch (error) {
    throw storageError(error, "read an object", backendId);
  } finally {
    // A reader that stops early leaves a read under way; closing now could hand its descriptor to another file.
    await ahead?.catch(() => {});
    system.closeSync(fd);
  }
}

function checkRange(range: ByteRange | undefined, size: number): ByteRange {
  if (range === undefined) return { start: 0, end: size };
  const { start, end } = range;
  const legal = Number.isSafeInteger(start) && Number.isSafeInteger(end) && start >= 0 && start <= end && end <= size;
  if (legal) return range;
  throw new RegistryError("invalid_argument", "A range is start <= end within the object", {
    start: String(start),
    end: String(end),
    size,
  });
}

export function missing(key: string): RegistryError {
  return new RegistryError("object_missing", "The storage holds no object under this key", { key });
}

export function notAFile(key: string, backendId: string): RegistryError {
  return new RegistryError("storage_failed", "Something that is not a regular file lies in an object's place", {
    backend_id: backendId,
    key,
  });
}
