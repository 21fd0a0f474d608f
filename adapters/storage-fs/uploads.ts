/**
 * Uploads that resume: one file each in the staging directory, `<upload id>.<random>`, appended to and synced.
 *
 * A file has one writer at a time. Who takes an upload over from a writer that may still be alive (`contended`) copies
 * the durable bytes to a file of its own: a late write(2) of the other then hits a file that nobody counts on. No lock
 * could give that, since a process can be stopped between looking at the lock and writing.
 */
import { join } from "node:path";
import { RegistryError } from "../../core/base/errors.ts";
import { throwIfCancelled } from "../../core/base/stream.ts";
import type {
  OpenUploadOptions,
  SealedUpload,
  StagedUpload,
  StorageLocation,
  UploadCheckpoint,
} from "../../core/spi/storage.ts";
import { soon } from "./blocking.ts";
import { isAbsent, storageError } from "./errors.ts";
import { objectKey, STAGING } from "./layout.ts";
import { readFile } from "./reading.ts";
import type { StagingContext } from "./staging.ts";
import * as system from "./system.ts";
import { checkUploadId, gone, isUploadFile } from "./upload_files.ts";

/** Chunks smaller than this are gathered: a trickle must not cost a system call a chunk. */
const BUFFER_SIZE = 64 * 1024;
const COPY_SIZE = 1024 * 1024;

/** @param ended called once, when the handle is closed */
export async function openUpload(
  context: StagingContext,
  id: string,
  options: OpenUploadOptions,
  ended: () => void,
): Promise<StagedUpload> {
  const { root, directories, syncer, durability, writing } = context;
  const pathOf = (name: string) => join(root, STAGING, name);
  const freshName = () => `${checkUploadId(id)}.${crypto.randomUUID()}`;
  let checkpoint: UploadCheckpoint;
  let fd: number | undefined;
  /** Whether the file's name survives power loss. */
  let named = false;
  /** What an earlier checkpoint needed. */
  let superseded: string | undefined;

  await directories.prepare();
  if (options.checkpoint === undefined) {
    checkpoint = { offset: 0, state: freshName() };
    try {
      fd = await create(checkpoint.state);
    } catch (error) {
      if (!isAbsent(error)) throw error;
      directories.forget();
      await directories.prepare();
      fd = await create(checkpoint.state);
    }
  } else {
    const { offset, state } = options.checkpoint;
    if (!isUploadFile(state) || !state.startsWith(`${checkUploadId(id)}.`)) throw gone(id);
    checkpoint = { offset, state };
    await checkThere();
    if (options.contended === true) await moveAway(offset, state);
    else named = true;
  }

  function create(name: string): Promise<number> {
    const path = pathOf(name);
    return soon(
      writing,
      () => system.createExclusiveSync(path),
      () => system.createExclusive(path),
    );
  }

  function look(name: string): Promise<system.Stats> {
    const path = pathOf(name);
    const found = soon(
      writing,
      () => system.lstatSync(path),
      () => system.lstat(path),
    );
    return found.catch((error: unknown) => {
      throw isAbsent(error) ? gone(id) : error;
    });
  }

  async function checkThere(): Promise<void> {
    const { offset, state } = checkpoint;
    const found = await look(state);
    if (!found.isFile() || found.size < offset) throw gone(id);
  }

  async function moveAway(offset: number, from: string): Promise<void> {
    const to = freshName();
    const source = await system.openForReading(pathOf(from));
    let target: number | undefined;
    try {
      target = await system.createExclusive(pathOf(to));
      const buffer = system.uninitialized(Math.min(COPY_SIZE, offset));
      for (let at = 0; at < offset; at += buffer.length) {
        throwIfCancelled(options.signal);
        const piece = buffer.subarray(0, Math.min(buffer.length, offset - at));
        if ((await system.readFully(source, piece, at)) < piece.length) throw gone(id);
        await system.writeAt(target, piece, at);
      }
      if (durability.syncFile) await syncer.sync(target);
      await directories.syncStaging();
    } catch (error) {
      if (target !== undefined) {
        system.closeSync(target);
        await system.unlink(pathOf(to)).catch(() => {});
      }
      throw error;
    } finally {
      system.closeSync(source);
    }
    checkpoint = { offset, state: to };
    superseded = from;
    fd = target;
    named = true;
  }

  let state: "open" | "failed" | "sealed" | "closed" = "open";
  /** Bytes in the file, then in the buffer. */
  let position = checkpoint.offset;
  let buffer: Uint8Array | undefined;
  let buffered = 0;
  let flushing: Promise<void> | undefined;
  /** Calls under way: a descriptor must not be closed, and perhaps given to another file, before they are done. */
  let working: Promise<unknown> = Promise.resolve();

  function tracked<T>(doing: string, work: Promise<T>): Promise<T> {
    const coded = work.catch((error: unknown) => {
      if (state === "open") state = "failed";
      throw storageError(error, doing, context.id);
    });
    working = Promise.allSettled([working, coded]);
    return coded;
  }

  /** Opened late: who only seals or looks opens nothing for writing. */
  async function file(): Promise<number> {
    if (fd !== undefined) return fd;
    const open = await system.openForWriting(pathOf(checkpoint.state)).catch((error: unknown) => {
      throw isAbsent(error) ? gone(id) : error; // discarded meanwhile
    });
    const found = system.fstatSync(open);
    // A second name: it was published, and its bytes are an object's now.
    if (found.nlink > 1) {
      system.closeSync(open);
      throw new RegistryError("invalid_argument", "This upload was sealed and takes no more bytes", { upload_id: id });
    }
    // What lies beyond the checkpoint was never promised: a torn tail.
    if (found.size > checkpoint.offset) system.ftruncateSync(open, checkpoint.offset);
    fd = open;
    return open;
  }

  async function flush(): Promise<void> {
    if (buffer === undefined || buffered === 0) return;
    const bytes = buffer.subarray(0, buffered);
    const open = fd ?? (await file());
    await soon(
      writing,
      () => system.writeAllSync(open, bytes, position),
      () => system.writeAt(open, bytes, position),
    );
    position += buffered;
    buffered = 0;
  }

  async function append(chunk: Uint8Array): Promise<void> {
    syncer.assertHealthy();
    if (flushing !== undefined) await flushing;
    if (chunk.length < BUFFER_SIZE) {
      buffer ??= system.uninitialized(2 * BUFFER_SIZE);
      buffer.set(chunk, buffered);
      buffered += chunk.length;
      if (buffered >= BUFFER_SIZE) await flush();
      return;
    }
    if (buffered > 0) await flush();
    await system.writeAt(fd ?? (await file()), chunk, position);
    position += chunk.length;
  }

  async function sync(): Promise<UploadCheckpoint> {
    syncer.assertHealthy();
    flushing = flush();
    try {
      await flushing;
    } finally {
      flushing = undefined;
    }
    const offset = position;
    if (offset === checkpoint.offset && named) return checkpoint;
    const open = fd ?? (await file());
    if (durability.syncFile) await syncer.sync(open);
    if (!named) {
      await directories.syncStaging();
      named = true;
    }
    // Somebody may have discarded the upload meanwhile. A promise about a file without a name would be worth nothing.
    if (system.fstatSync(open).nlink === 0) throw gone(id);
    checkpoint = { offset, state: checkpoint.state };
    return checkpoint;
  }

  function closeFile(): void {
    if (fd === undefined) return;
    const open = fd;
    fd = undefined;
    system.closeSync(open);
  }

  async function seal(): Promise<SealedUpload> {
    const { offset, state: name } = checkpoint;
    const found = await look(name);
    if (found.size < offset) throw gone(id);
    const torn = found.size > offset;
    if (torn) system.ftruncateSync(await file(), offset);
    closeFile();
    if (!named) await directories.syncStaging();
    named = true;
    return {
      size: offset,
      read: () => readFile(pathOf(name), name, undefined, context.id, context.blocking),
      async publish(address, generation): Promise<StorageLocation> {
        try {
          const key = objectKey(address, generation);
          syncer.assertHealthy();
          await place(name, offset, key, torn);
          return { backend_id: context.id, key, offset: 0, length: offset, layout: "whole" };
        } catch (error) {
          throw storageError(error, "publish an upload", context.id);
        }
      },
    };
  }

  /**
   * Under its key by a second name, so that the upload is still there if the caller dies before it has recorded where
   * its bytes are. What its checkpoint promised is durable; only a cut-off tail is not yet.
   */
  async function place(name: string, size: number, key: string, torn: boolean): Promise<void> {
    const path = pathOf(name);
    const open = await soon(
      writing,
      () => system.openForReadingSync(path),
      () => system.openForReading(path),
    );
    try {
      if (system.fstatSync(open).size !== size) throw gone(id);
      system.fchmodSync(open, 0o444);
      const sync = torn && durability.syncFile ? () => syncer.sync(open) : undefined;
      await directories.publish(path, key, { sync, spare: pathOf(freshName()) });
    } finally {
      system.closeSync(open);
    }
  }

  const assertOpen = (): void => {
    if (state === "open") return;
    throw new RegistryError("invalid_argument", `This handle of the upload is ${state}: open the upload again`);
  };

  return {
    get bytes_written() {
      return position + buffered;
    },
    get checkpoint() {
      return checkpoint;
    },
    async write(chunk) {
      assertOpen();
      await tracked("write an upload", append(chunk));
    },
    async sync() {
      assertOpen();
      return await tracked("sync an upload", sync());
    },
    async settle({ state: recorded }) {
      if (superseded === undefined || recorded !== checkpoint.state) return;
      const old = superseded;
      superseded = undefined;
      // Never mind if it stays: it goes with the upload.
      await system.unlink(pathOf(old)).catch(() => {});
    },
    async seal() {
      if (state !== "sealed") assertOpen();
      const sealed = await tracked("seal an upload", seal());
      state = "sealed";
      return sealed;
    },
    async close() {
      if (state === "closed") return;
      state = "closed";
      await working;
      closeFile();
      buffer = undefined;
      ended();
    },
  };
}
