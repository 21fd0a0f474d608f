/**
 * Storage SPI: where bytes live. An author implements `StorageBackend`; the kit in `adapters/conformance/` proves it.
 *
 * The backend never interprets content. It trusts that the data plane has hashed what it publishes; it does not trust
 * keys (they are checked again at this boundary) and it never reuses a key.
 *
 * Life of bytes: `stage()` -> `write()`* -> `publish()` | `abort()`. A staged object is private: it cannot be read, is
 * not listed by `list()`, and may be thrown away by `discardStaged()` after a crash.
 *
 * Uploads that resume: `openUpload()` -> `write()`* -> `sync()` -> `settle()` ... -> `seal()` -> `publish()`, over any
 * number of processes. They are staged apart: `listStaged()` and `discardStaged()` never meet them. The caller keeps
 * the truth (id, newest checkpoint, who may write) in a database and records a checkpoint only as the newest holder;
 * the backend makes sure that an outdated holder, however late, changes no byte that a newer one counts on.
 *
 * Promise of `publish()`: when it resolves, the object is whole and readable under its key and survives power loss.
 * Until it resolves, nobody is to look under the key. What is visible there is whole; a crash in between leaves the
 * staged bytes, the object, or both, but after a power cut that may be torn. The next `publish()` of it puts that right.
 *
 * Errors, always `RegistryError`: `storage_full` (ENOSPC, EDQUOT, EFBIG), `storage_read_only` (EROFS, EACCES, EPERM),
 * `storage_failed` (any other I/O error, with the system's code in `data.cause_code`), `object_missing`
 * (the key does not exist), `invalid_argument` (malformed key, range or cursor), `unsupported`.
 */
import type { ChunkPool } from "../base/chunk_pool.ts";
import type { ContentAddress } from "../identity/content_address.ts";

/** Honest facts, checked by the kit both ways: a claimed power works, an unclaimed one answers `unsupported`. */
export interface StorageCapabilities {
  /** Bytes survive the process. False for memory. */
  readonly durable: boolean;
  /** Smallest size in bytes of every part but the last; 1 where any write may be any size. */
  readonly min_part_size: number;
  /** A published object is never replaced by a racing `publish()` of the same key: the second keeps the first. */
  readonly conditional_put: boolean;
}

/** Where one object's bytes are. Stored in `storage_locations`; `layout` leaves room for packing and chunking. */
export interface StorageLocation {
  readonly backend_id: string;
  readonly key: string;
  /** First byte of the object inside the stored key. */
  readonly offset: number;
  /** Bytes. */
  readonly length: number;
  readonly layout: "whole" | "packed" | "chunked";
}

export interface StageOptions {
  /** Size in bytes if known: lets a backend fail early (`storage_full`) or choose a cheaper way to write. */
  readonly size?: number;
}

export interface StagedObject {
  /** Bytes accepted so far. */
  readonly bytes_written: number;
  /**
   * Adds bytes at the end. Calls do not overlap: await each. The backend may keep `chunk` until the promise resolves,
   * not longer. After a rejection the only legal call is `abort()`.
   */
  write(chunk: Uint8Array): Promise<void>;
  /**
   * Makes the bytes durable and visible under the key for `address` and `generation` (0 = first; see `objectKey()` of
   * each backend). An existing object under that key holds the same content by construction: the call succeeds and the
   * key stays readable throughout. The object has used itself up, whatever the outcome.
   */
  publish(address: ContentAddress, generation: number): Promise<StorageLocation>;
  /**
   * Throws the bytes away. Idempotent; allowed after a failure and while a `write()` is under way (which then ends
   * first, or rejects); a no-op after `publish()`. Afterwards `write()` and `publish()` reject with `invalid_argument`.
   */
  abort(): Promise<void>;
}

/**
 * What is durable of an upload at one moment. The caller records it and hands it back to `openUpload()`; bytes beyond
 * the newest recorded checkpoint do not count, whether they reached the backend or not.
 */
export interface UploadCheckpoint {
  /** Bytes from the start: a promise that they survive power loss. */
  readonly offset: number;
  /** The backend's own note on where they are. Opaque text of at most 64 KiB. */
  readonly state: string;
}

export interface OpenUploadOptions {
  /** Where to go on; without it the upload begins, with no bytes. */
  readonly checkpoint?: UploadCheckpoint;
  /**
   * Somebody else, perhaps in another process, may still be writing after `checkpoint`. What they write from now on
   * must not change a byte of this upload: a backend that appends in place copies the bytes elsewhere first.
   */
  readonly contended?: boolean;
  /** Ends such a copy with `cancelled`. */
  readonly signal?: AbortSignal;
}

/**
 * An upload that outlives the process, open for writing. Bytes are appended, never changed. After a rejection of
 * `write()` or `sync()` the only legal call is `close()`; the checkpoints so far stay good.
 */
export interface StagedUpload {
  /** Bytes accepted so far, those of the checkpoint included. */
  readonly bytes_written: number;
  /** The newest that is durable. Its `state` may differ from the one that was opened: record it before writing. */
  readonly checkpoint: UploadCheckpoint;
  /**
   * Adds bytes at the end, as `StagedObject.write()`. Nobody writes to an upload that was sealed: a backend may refuse it
   * (`invalid_argument`).
   */
  write(chunk: Uint8Array): Promise<void>;
  /** Makes durable what was written when it was called; `write()` may go on meanwhile, a second `sync()` may not. */
  sync(): Promise<UploadCheckpoint>;
  /** The caller has recorded this checkpoint: what only earlier ones needed may go. At most 256 MiB stay unsettled. */
  settle(checkpoint: UploadCheckpoint): Promise<void>;
  /** Ends the upload at its newest checkpoint, which was recorded. May be repeated, also by a later process. */
  seal(): Promise<SealedUpload>;
  /** Releases handles and keeps what is durable. Waits for calls under way. Idempotent. */
  close(): Promise<void>;
}

/** All bytes of an upload, readable at last. The handle stays good until its `StagedUpload` is closed. */
export interface SealedUpload {
  /** Bytes. */
  readonly size: number;
  /** As `StorageBackend.read()`. */
  read(): AsyncIterable<Uint8Array>;
  /**
   * As `StagedObject.publish()`, copying nothing. The upload stays: a caller who cannot record the location publishes
   * again later, and gets one that is as good. `discardUpload()` ends it.
   */
  publish(address: ContentAddress, generation: number): Promise<StorageLocation>;
}

/** Bytes from `start` (inclusive) to `end` (exclusive). */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

export interface StoredObject {
  readonly key: string;
  /** Bytes. */
  readonly size: number;
  /** Milliseconds since the epoch at which the object was published, by the backend's clock. */
  readonly modified_at: number;
  /**
   * What `publish()` was told. Required of a backend that makes its keys from them (one address and generation, one
   * key): the key of a leftover that was deleted is never used again, and only these tell whose key it was.
   */
  readonly address?: ContentAddress;
  readonly generation?: number;
}

export interface Page<T> {
  readonly items: readonly T[];
  /** Present when there is more; hand it back unchanged. */
  readonly cursor?: string;
}

export interface StagedLeftover {
  readonly id: string;
  readonly size: number;
  readonly modified_at: number;
}

export interface StorageHealth {
  readonly ok: boolean;
  readonly writable: boolean;
  /** Bytes; absent where the backend cannot know. */
  readonly free_bytes?: number;
  readonly total_bytes?: number;
  /** Why not, for people. */
  readonly detail?: string;
}

export interface StorageBackend {
  /** The `backend_id` under which locations are recorded; never reused for another store. */
  readonly id: string;
  /** Short kind for people and metrics: `fs`, `memory`, `s3`. */
  readonly kind: string;
  readonly capabilities: StorageCapabilities;

  /** Begins an object. `storage_full` or `storage_read_only` may come here or at any later step. */
  stage(options?: StageOptions): Promise<StagedObject>;

  /**
   * The object's bytes, in order, in chunks of the backend's choice; lazily, so a slow reader holds a few chunks at
   * most. `range` must lie within the object (`invalid_argument` otherwise). Rejects or throws `object_missing` when
   * the key does not exist. Ending the iteration early releases every resource. If the stored object turns out shorter
   * than the range, iteration throws `object_corrupt`: it never just ends.
   *
   * With `chunks` the backend may take its chunks from there; otherwise they belong to the reader.
   */
  read(key: string, range?: ByteRange, chunks?: ChunkPool): AsyncIterable<Uint8Array>;

  /** `undefined` when the key does not exist. */
  stat(key: string): Promise<StoredObject | undefined>;

  /** Removes the object durably. Deleting what does not exist is success. Readers that hold it open may finish. */
  delete(key: string): Promise<void>;

  /**
   * Published objects in byte order of their keys, each once, `limit` (1..1000) at a time. Objects published or
   * deleted meanwhile may or may not appear. A malformed cursor is `invalid_argument`.
   */
  list(options: { readonly limit: number; readonly cursor?: string }): Promise<Page<StoredObject>>;

  /** Staged objects that were last written before `before` (ms since epoch): what a crash may have left. */
  listStaged(before: number): Promise<readonly StagedLeftover[]>;
  /** Throws away one staged leftover. Missing is success. */
  discardStaged(id: string): Promise<void>;

  /**
   * Begins an upload or goes on with it. The caller chooses `id` (a UUID in lower case, never used before) and records it
   * *before* it calls: so `listUploads()` never shows an upload that its caller's records do not know, and a sweep can
   * tell a live one from a leftover whatever their age. `object_missing` when bytes of the checkpoint are gone.
   */
  openUpload(id: string, options?: OpenUploadOptions): Promise<StagedUpload>;
  /**
   * Where a sealed upload lies already although nobody published it (an object store completes under its final key);
   * `undefined` where sealing makes no key, and before it. To be rid of it: retire the key, then `delete()`.
   */
  sealedUpload(id: string): Promise<StorageLocation | undefined>;
  /** Uploads with bytes besides what was published, last written before `before`. Not among `listStaged()`. */
  listUploads(before: number): Promise<readonly StagedLeftover[]>;
  /** Frees what an upload holds; a published object and a sealed key stay. Missing is success. */
  discardUpload(id: string): Promise<void>;

  /** Never throws. Probes by really writing and removing something small. */
  health(): Promise<StorageHealth>;

  /** Releases handles. Nothing else may be called afterwards. */
  close(): Promise<void>;
}
