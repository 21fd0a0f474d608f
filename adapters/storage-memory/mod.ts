/**
 * Storage in memory: the shortest complete backend, for tests and as the one to read before writing another.
 *
 * Mode `object-store` behaves as S3 and its kin do, so that nothing grows that only a file system can do: the key is
 * chosen when the upload begins and says nothing about the content; bytes travel as parts of at least 5 MiB but the
 * last; a part that was sent is never appended to; nothing is renamed; an upload is unreadable until it is completed.
 */
import { concatBytes } from "../../core/base/bytes.ts";
import { type ErrorCode, RegistryError } from "../../core/base/errors.ts";
import { type ContentAddress, digestOf } from "../../core/identity/content_address.ts";
import type { ByteRange, Page, StagedObject, StorageBackend, StoredObject } from "../../core/spi/storage.ts";
import { createUploads, piecesOf } from "./uploads.ts";

export interface MemoryStorageOptions {
  /** The `backend_id` of its locations. Default `memory`. */
  readonly id?: string;
  /** Default `simple`: any write size, keys made from the address. */
  readonly mode?: "simple" | "object-store";
}

/** What S3 demands of every part but the last. Bytes. */
const PART_SIZE = 5 * 1024 * 1024;

const SIMPLE_KEY = /^(?:(?:blake3|sha256)\/[0-9a-f]{64}|sha512\/[0-9a-f]{128})(?:\.[1-9][0-9]{0,14})?$/;
const OPAQUE_KEY = /^objects\/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

interface Stored {
  /** In order; never changed, so a reader keeps what it began with. */
  readonly parts: readonly Uint8Array[];
  readonly size: number;
  readonly modified_at: number;
  /** What it was published as; nothing for an upload that was only sealed. */
  readonly named?: { readonly address: ContentAddress; readonly generation: number };
}

interface Upload {
  readonly parts: Uint8Array[];
  size: number;
  modified_at: number;
}

export function createMemoryStorage(options: MemoryStorageOptions = {}): StorageBackend {
  const id = options.id ?? "memory";
  const objectStore = options.mode === "object-store";
  const keyPattern = objectStore ? OPAQUE_KEY : SIMPLE_KEY;
  const objects = new Map<string, Stored>();
  const uploads = new Map<string, Upload>();

  const checkKey = (key: string): string => {
    if (typeof key === "string" && keyPattern.test(key)) return key;
    throw invalid("This is no key of this storage", { key: String(key).slice(0, 200) });
  };

  function stage(): StagedObject {
    const uploadId = crypto.randomUUID();
    const chosenKey = `objects/${crypto.randomUUID()}`;
    const upload: Upload = { parts: [], size: 0, modified_at: Date.now() };
    uploads.set(uploadId, upload);
    /** Object-store mode: bytes that do not fill a part yet. */
    let tail: Uint8Array[] = [];
    let tailSize = 0;
    const send = () => {
      upload.parts.push(concatBytes(tail));
      tail = [];
      tailSize = 0;
    };
    let ended = false;
    const assertOpen = () => {
      if (ended) throw invalid("This staged object has ended: stage a new one", {});
      // Somebody discarded the upload meanwhile: an object store answers NoSuchUpload.
      if (!uploads.has(uploadId))
        throw failure("storage_failed", "The staged bytes were thrown away; send them again", {});
    };
    return {
      get bytes_written() {
        return upload.size;
      },
      async write(chunk) {
        assertOpen();
        const copy = chunk.slice(); // the caller may reuse its array as soon as we resolve
        if (objectStore) {
          tail.push(copy);
          tailSize += copy.length;
          if (tailSize >= PART_SIZE) send();
        } else {
          upload.parts.push(copy);
        }
        upload.size += copy.length;
        upload.modified_at = Date.now();
      },
      async publish(address, generation) {
        assertOpen();
        ended = true; // used up, whatever the outcome
        uploads.delete(uploadId);
        if (tailSize > 0) send();
        const key = objectStore ? chosenKey : simpleKey(address, generation);
        // The first copy stays: it has the same content by construction, and readers may be in the middle of it.
        const { parts, size } = upload;
        if (!objects.has(key))
          objects.set(key, { parts, size, modified_at: Date.now(), named: { address, generation } });
        return { backend_id: id, key, offset: 0, length: upload.size, layout: "whole" };
      },
      async abort() {
        ended = true;
        uploads.delete(uploadId);
        tail = [];
      },
    };
  }

  const resumable = createUploads({
    id,
    partSize: PART_SIZE,
    finalKey: (uploadId) => (objectStore ? `objects/${uploadId}` : undefined),
    keyFor: simpleKey,
    put(key, parts, named) {
      const size = parts.reduce((sum, part) => sum + part.length, 0);
      if (!objects.has(key)) objects.set(key, { parts, size, modified_at: Date.now(), ...(named && { named }) });
    },
    sizeOf: (key) => objects.get(key)?.size,
    read,
  });

  async function* read(key: string, range?: ByteRange): AsyncGenerator<Uint8Array, void, undefined> {
    const object = objects.get(checkKey(key));
    if (object === undefined) throw failure("object_missing", "The storage holds no object under this key", { key });
    const { start, end } = range ?? { start: 0, end: object.size };
    if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end) || start < 0 || start > end || end > object.size) {
      throw invalid("A range is start <= end within the object", { start: String(start), end: String(end) });
    }
    yield* piecesOf(object.parts, start, end);
  }

  const describe = (key: string, { size, modified_at, named }: Stored): StoredObject => ({
    key,
    size,
    modified_at,
    // An opaque key says nothing and is used once; a key made from the address must say which.
    ...(objectStore ? {} : named),
  });

  return {
    id,
    kind: "memory",
    capabilities: { durable: false, min_part_size: objectStore ? PART_SIZE : 1, conditional_put: true },
    stage: async () => stage(),
    read,
    async stat(key) {
      const object = objects.get(checkKey(key));
      return object === undefined ? undefined : describe(key, object);
    },
    async delete(key) {
      objects.delete(checkKey(key));
    },
    async list({ limit, cursor }): Promise<Page<StoredObject>> {
      if (!Number.isInteger(limit) || limit < 1 || limit > 1000) {
        throw invalid("A page holds 1 to 1000 objects", { limit: String(limit) });
      }
      if (cursor !== undefined && !keyPattern.test(cursor)) {
        throw invalid("A cursor is handed back unchanged from the page before", {
          cursor: String(cursor).slice(0, 200),
        });
      }
      // Keys are ASCII, so the default sort is byte order.
      const after = [...objects].filter(([key]) => cursor === undefined || key > cursor).sort(byKey);
      const items = after.slice(0, limit).map(([key, object]) => describe(key, object));
      const last = items.at(-1);
      return after.length > limit && last !== undefined ? { items, cursor: last.key } : { items };
    },
    async listStaged(before) {
      return [...uploads]
        .filter(([, upload]) => upload.modified_at < before)
        .map(([uploadId, { size, modified_at }]) => ({ id: uploadId, size, modified_at }));
    },
    async discardStaged(uploadId) {
      uploads.delete(uploadId);
    },
    openUpload: async (uploadId, uploadOptions = {}) => resumable.open(uploadId, uploadOptions),
    sealedUpload: async (uploadId) => resumable.sealed(uploadId),
    listUploads: async (before) => resumable.list(before),
    discardUpload: async (uploadId) => resumable.discard(uploadId),
    health: async () => ({ ok: true, writable: true }),
    async close() {
      objects.clear();
      uploads.clear();
      resumable.clear();
    },
  };
}

function simpleKey(address: Parameters<typeof digestOf>[0], generation: number): string {
  const { algorithm, hex } = digestOf(address);
  if (!Number.isInteger(generation) || generation < 0 || generation > 999_999_999_999_999) {
    throw invalid("A generation is an integer from 0", { generation: String(generation) });
  }
  return `${algorithm}/${hex}${generation === 0 ? "" : `.${generation}`}`;
}

function byKey([a]: [string, Stored], [b]: [string, Stored]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function failure(code: ErrorCode, message: string, data: Record<string, unknown>): RegistryError {
  return new RegistryError(code, message, data);
}

function invalid(message: string, data: Record<string, unknown>): RegistryError {
  return failure("invalid_argument", message, data);
}
