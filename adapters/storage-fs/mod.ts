/**
 * Storage on a local file system, for Bun, Deno and Node. Layout and durability order: DESIGN section 5.
 *
 * Any number of processes may use one root at once. Two publishers of one key both succeed: rename replaces one whole,
 * synced file by another of the same content, so `conditional_put` is not claimed.
 */
import { join, resolve } from "node:path";
import { RegistryError } from "../../core/base/errors.ts";
import type { StorageBackend, StorageHealth } from "../../core/spi/storage.ts";
import { createBlocking, whileFew, whileSyncing } from "./blocking.ts";
import { createDirectories, createSyncer, type Durability } from "./directories.ts";
import { isAbsent, storageError } from "./errors.ts";
import { checkKey, isStagedId, STAGING } from "./layout.ts";
import { listPage, listStagedFiles, storedObject } from "./listing.ts";
import { notAFile, readFile } from "./reading.ts";
import { createStaged, type StagingContext } from "./staging.ts";
import * as system from "./system.ts";
import { discardUploadFiles, listUploadFiles } from "./upload_files.ts";
import { openUpload } from "./uploads.ts";

export interface FsStorageOptions {
  /** Directory of the store; made (mode 0700) by the first write if it is missing. Reading makes nothing. */
  readonly root: string;
  /** The `backend_id` of its locations. Default `fs`. */
  readonly id?: string;
  /** For mutation tests only: leaves out a step that durability needs. All true by default. */
  readonly durability?: Partial<Durability>;
}

/** Below this size `StageOptions.size` is not worth asking the file system for its free space. Bytes. */
const CHECK_ROOM_FROM = 1024 * 1024;

/** See `StorageBackend` for behaviour and errors. Constructing touches nothing. */
export function createFsStorage(options: FsStorageOptions): StorageBackend {
  const id = options.id ?? "fs";
  const root = resolve(options.root);
  const durability = { syncFile: true, syncLeafDirectory: true, syncParentDirectories: true, ...options.durability };
  const syncer = createSyncer(id);
  const blocking = createBlocking();
  const staged = new Set<{ abort(): Promise<void> }>();
  const uploads = new Set<{ close(): Promise<void> }>();
  const underWay = () => staged.size + uploads.size;
  const writing = whileFew(createBlocking(), underWay);
  const pouring = whileSyncing(createBlocking(), syncer.underWay);
  const directories = createDirectories(root, syncer, durability, writing);
  const context: StagingContext = {
    ...{ id, root, directories, syncer, durability, blocking, writing, pouring, underWay },
    writeBacks: { underWay: 0 },
  };
  const instance = crypto.randomUUID();
  let names = 0;
  const uniqueName = () => `${instance}-${names++}`;

  /** Runs `work`; a failed system call becomes one of the SPI's errors. */
  async function guarded<T>(doing: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw storageError(error, doing, id);
    }
  }

  async function checkRoom(size: number): Promise<void> {
    // Blocks reserved for root count as free here: refusing too late is safe, refusing wrongly is not.
    const { bfree, bsize } = await system.statfs(root);
    if (bfree * bsize >= size) return;
    throw new RegistryError("storage_full", `Storage ${id} has ${bfree * bsize} bytes free and ${size} are announced`, {
      backend_id: id,
      cause_code: "ENOSPC",
    });
  }

  async function probe(): Promise<string | undefined> {
    try {
      syncer.assertHealthy();
      await directories.prepare();
      const path = join(root, STAGING, uniqueName());
      const fd = await system.createExclusive(path);
      try {
        await system.writeAll(fd, Uint8Array.of(0));
      } finally {
        system.closeSync(fd);
        await system.unlink(path);
      }
      return undefined;
    } catch (error) {
      return storageError(error, "write a probe", id).message;
    }
  }

  return {
    id,
    kind: "fs",
    capabilities: { durable: true, min_part_size: 1, conditional_put: false },

    stage: (stageOptions) =>
      guarded("stage an object", async () => {
        syncer.assertHealthy();
        await directories.prepare();
        if (stageOptions?.size !== undefined && stageOptions.size >= CHECK_ROOM_FROM)
          await checkRoom(stageOptions.size);
        const object = createStaged(context, uniqueName(), () => staged.delete(object));
        staged.add(object);
        return object;
      }),

    async *read(key, range, chunks) {
      yield* readFile(join(root, checkKey(key)), key, range, id, blocking, chunks);
    },

    stat: (key) =>
      guarded("look at an object", async () => {
        try {
          const found = await system.lstat(join(root, checkKey(key)));
          if (!found.isFile()) throw notAFile(key, id);
          return storedObject(key, found);
        } catch (error) {
          if (isAbsent(error)) return undefined;
          throw error;
        }
      }),

    delete: (key) =>
      guarded("delete an object", async () => {
        const path = join(root, checkKey(key));
        syncer.assertHealthy();
        try {
          await system.unlink(path);
        } catch (error) {
          if (!isAbsent(error)) throw error;
        }
        // Also when it was gone: whoever removed it may have died before this.
        await directories.syncRemoval(key);
      }),

    list: (page) => guarded("list objects", () => listPage(root, page)),

    listStaged: (before) => guarded("list staged objects", () => listStagedFiles(root, before)),

    discardStaged: (stagedId) =>
      guarded("discard a staged object", async () => {
        if (!isStagedId(stagedId)) {
          throw new RegistryError("invalid_argument", "Ids of staged objects come from listStaged()", {
            id: String(stagedId).slice(0, 64),
          });
        }
        try {
          await system.unlink(join(root, STAGING, stagedId));
        } catch (error) {
          if (!isAbsent(error)) throw error;
        }
      }),

    openUpload: (uploadId, uploadOptions = {}) =>
      guarded("open an upload", async () => {
        syncer.assertHealthy();
        const upload = await openUpload(context, uploadId, uploadOptions, () => uploads.delete(upload));
        uploads.add(upload);
        return upload;
      }),

    sealedUpload: async () => undefined,

    listUploads: (before) => guarded("list uploads", () => listUploadFiles(root, before)),

    discardUpload: (uploadId) => guarded("discard an upload", () => discardUploadFiles(root, uploadId, writing)),

    async health(): Promise<StorageHealth> {
      const problem = await probe();
      const detail = problem === undefined ? {} : { detail: problem };
      try {
        const { bavail, blocks, bsize } = await system.statfs(root);
        const writable = problem === undefined;
        return { ok: writable, writable, free_bytes: bavail * bsize, total_bytes: blocks * bsize, ...detail };
      } catch (error) {
        return { ok: false, writable: false, detail: problem ?? storageError(error, "look at its root", id).message };
      }
    },

    async close() {
      await Promise.all([...staged].map((object) => object.abort()));
      await Promise.all([...uploads].map((upload) => upload.close()));
    },
  };
}
