/** Staged objects: unique temporary file -> write -> fchmod -> name and fsync, of file and directories (directories.ts). */

import { join } from "node:path";
import { RegistryError } from "../../core/base/errors.ts";
import type { ContentAddress } from "../../core/identity/content_address.ts";
import type { StagedObject, StorageLocation } from "../../core/spi/storage.ts";
import { type Blocking, soon } from "./blocking.ts";
import type { Directories, Durability, Syncer } from "./directories.ts";
import { isAbsent, storageError } from "./errors.ts";
import { objectKey, STAGING } from "./layout.ts";
import * as system from "./system.ts";

export interface StagingContext {
  readonly id: string;
  readonly root: string;
  readonly directories: Directories;
  readonly syncer: Syncer;
  readonly durability: Durability;
  /** One for all reads: what one finds out about the disk is good for the others. */
  readonly blocking: Blocking;
  /** The same for making, filling and naming small files. */
  readonly writing: Blocking;
  /** And for filling large ones. */
  readonly pouring: Blocking;
  /** Objects and uploads that are open. */
  underWay(): number;
  /** Syncs of objects that still arrive. */
  readonly writeBacks: { underWay: number };
}

/**
 * Small writes gather in memory up to this size. So a small object meets the disk only when it is published, and one
 * that turns out to be stored already never does; and a trickle of small chunks does not cost a system call each.
 */
const BUFFER_SIZE = 64 * 1024;

/**
 * While large objects arrive, each such amount of bytes of all of them is sent to the disk in the background, so that the
 * sync at the end waits for the last of them only, and the disk works while the caller hashes. Of many objects it is less
 * of each, but not so little that the disk waits for the journal: two syncs of 4 MiB at a time keep it busy.
 */
const WRITE_BACK_SIZE = 32 * 1024 * 1024;
const LEAST_WRITE_BACK = 4 * 1024 * 1024;
const MOST_WRITE_BACKS = 2;

/** @param name unique for all time, among all processes; `ended` is called once, whatever the outcome. */
export function createStaged(context: StagingContext, name: string, ended: () => void): StagedObject {
  const { id, root, directories, syncer, durability, writing, pouring, underWay, writeBacks } = context;
  const path = join(root, STAGING, name);
  let state: "open" | "failed" | "ended" = "open";
  let fd: number | undefined;
  let size = 0;
  let buffer: Uint8Array | undefined;
  let buffered = 0;
  /** The write under way: its descriptor must not be closed, and perhaps given to another file, before it is done. */
  let busy: Promise<void> = Promise.resolve();

  /** The sync in the background: as long as it runs its descriptor stays open, and its failure is the object's. */
  let writeBack: Promise<void> | undefined;
  let writtenBack = 0;
  let writeBackFailure: unknown;

  function startWriteBack(open: number): void {
    if (writeBack !== undefined || writeBacks.underWay >= MOST_WRITE_BACKS) return;
    if (size - writtenBack < Math.max(LEAST_WRITE_BACK, WRITE_BACK_SIZE / underWay())) return;
    writtenBack = size;
    writeBacks.underWay++;
    writeBack = syncer
      .sync(open)
      .catch((error: unknown) => {
        writeBackFailure = error;
      })
      .finally(() => {
        writeBacks.underWay--;
        writeBack = undefined;
      });
  }

  async function create(): Promise<number> {
    await directories.prepare();
    return await soon(
      writing,
      () => system.createExclusiveSync(path),
      () => system.createExclusive(path),
    );
  }

  async function file(): Promise<number> {
    if (fd !== undefined) return fd;
    try {
      fd = await create();
    } catch (error) {
      if (!isAbsent(error)) throw error;
      directories.forget();
      fd = await create();
    }
    return fd;
  }

  async function flush(): Promise<void> {
    if (buffer === undefined || buffered === 0) return;
    const bytes = buffer.subarray(0, buffered);
    const open = await file();
    await soon(
      writing,
      () => system.writeAllSync(open, bytes),
      () => system.writeAll(open, bytes),
    );
    buffered = 0;
  }

  async function append(chunk: Uint8Array): Promise<void> {
    syncer.assertHealthy();
    if (writeBackFailure !== undefined) throw writeBackFailure;
    if (buffered + chunk.length <= BUFFER_SIZE) {
      // The first small chunk gets just its room: most small objects arrive in one piece.
      if (buffer === undefined) buffer = chunk.slice();
      else if (buffered + chunk.length <= buffer.length) buffer.set(chunk, buffered);
      else {
        const larger = system.uninitialized(BUFFER_SIZE);
        larger.set(buffer.subarray(0, buffered));
        larger.set(chunk, buffered);
        buffer = larger;
      }
      buffered += chunk.length;
      return;
    }
    if (buffered > 0) await flush();
    if (chunk.length < BUFFER_SIZE) return append(chunk);
    // No await before the write when there need be none: the caller hashes as soon as this call returns, and a write
    // that has not reached the thread pool by then would wait for that hash instead of running beside it.
    const open = fd ?? (await file());
    await soon(
      pouring,
      () => system.writeAllSync(open, chunk),
      () => system.writeAll(open, chunk),
    );
    if (durability.syncFile) startWriteBack(open);
  }

  function close(): void {
    if (fd === undefined) return;
    const open = fd;
    fd = undefined;
    system.closeSync(open);
  }

  /** Never throws: it runs where something has already failed, and a sweep collects what it cannot remove. */
  async function discard(): Promise<void> {
    const touched = fd !== undefined;
    try {
      await writeBack;
      close(); // first: the blocks of a large file are then freed by unlink, in the thread pool
      if (touched) await system.unlink(path);
    } catch {}
  }

  return {
    get bytes_written() {
      return size;
    },
    async write(chunk) {
      if (state !== "open") throw usedUp();
      const work = append(chunk);
      busy = work.catch(() => {});
      try {
        await work;
      } catch (error) {
        if (state === "open") state = "failed";
        throw storageError(error, "write a staged object", id);
      }
      if (state !== "open") throw usedUp();
      size += chunk.length;
    },
    async publish(address: ContentAddress, generation: number): Promise<StorageLocation> {
      if (state === "ended") throw usedUp();
      const failed = state === "failed";
      state = "ended";
      try {
        if (failed) throw usedUp();
        const key = objectKey(address, generation);
        syncer.assertHealthy();
        const open = await file();
        await flush();
        await writeBack;
        if (writeBackFailure !== undefined) throw writeBackFailure;
        system.fchmodSync(open, 0o444);
        await directories.publish(path, key, { sync: durability.syncFile ? () => syncer.sync(open) : undefined });
        close();
        return { backend_id: id, key, offset: 0, length: size, layout: "whole" };
      } catch (error) {
        await discard();
        throw storageError(error, "publish an object", id);
      } finally {
        buffer = undefined;
        ended();
      }
    },
    async abort() {
      if (state === "ended") return;
      state = "ended";
      await busy;
      await discard();
      buffer = undefined;
      ended();
    },
  };
}

function usedUp(): RegistryError {
  return new RegistryError("invalid_argument", "This staged object has ended: stage a new one");
}
