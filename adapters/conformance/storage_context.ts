/** What a storage case works with: the backend, made-up addresses, and small helpers. */
import { concatBytes } from "../../core/base/bytes.ts";
import { type ContentAddress, contentAddress } from "../../core/identity/content_address.ts";
import { createDigest } from "../../core/identity/digest.ts";
import type {
  ByteRange,
  StagedObject,
  StorageBackend,
  StorageCapabilities,
  StorageLocation,
  StoredObject,
} from "../../core/spi/storage.ts";
import { type Case, checkBytes } from "./case.ts";
import type { Opened } from "./report.ts";

/** Opens the store under test. Called once or more for each case; a durable backend must open the same store each time. */
export type StorageFactory = () => StorageBackend | Promise<StorageBackend>;

export interface StorageContext {
  readonly backend: StorageBackend;
  /** Closes `backend` and opens the store again. Durable backends only. */
  reopen(): Promise<StorageBackend>;
  /** An address that nobody has used before. */
  newAddress(): ContentAddress;
  /** Stages, writes the chunks, publishes; the object is deleted when the case ends. */
  put(chunks: Uint8Array | readonly Uint8Array[], at?: { address?: ContentAddress; generation?: number }): Promise<Put>;
  /** The object is deleted when the case ends. For objects published without `put()`. */
  track(location: StorageLocation): StorageLocation;
}

export interface Put {
  readonly address: ContentAddress;
  readonly location: StorageLocation;
  readonly bytes: Uint8Array;
}

export type StorageCase = Case<StorageContext, StorageCapabilities>;

export async function openContext(factory: StorageFactory): Promise<Opened<StorageContext, StorageCapabilities>> {
  let backend = await factory();
  const published = new Set<string>();
  const track = (location: StorageLocation) => {
    published.add(location.key);
    return location;
  };
  const newAddress = () => contentAddress(createDigest("blake3", crypto.getRandomValues(new Uint8Array(32))));
  const context: StorageContext = {
    get backend() {
      return backend;
    },
    async reopen() {
      await backend.close();
      backend = await factory();
      return backend;
    },
    newAddress,
    track,
    async put(chunks, { address = newAddress(), generation = 0 } = {}) {
      const list = chunks instanceof Uint8Array ? [chunks] : chunks;
      const staged = await backend.stage();
      for (const chunk of list) await staged.write(chunk);
      return { address, location: track(await staged.publish(address, generation)), bytes: concatBytes(list) };
    },
  };
  return {
    context,
    capabilities: backend.capabilities,
    async close() {
      try {
        for (const key of published) await backend.delete(key);
      } finally {
        await backend.close();
      }
    },
  };
}

/** Deterministic bytes that differ from offset to offset, so that a shifted or repeated piece shows. */
export function pattern(length: number, seed = 1): Uint8Array<ArrayBuffer> {
  const words = new Int32Array(Math.ceil(length / 4));
  let state = (seed * 2_654_435_761) >>> 0 || 1;
  for (let i = 0; i < words.length; i++) {
    // xorshift32 (Marsaglia 2003)
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[i] = state;
  }
  return new Uint8Array(words.buffer).slice(0, length);
}

export async function readAll(backend: StorageBackend, key: string, range?: ByteRange): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of backend.read(key, range)) chunks.push(chunk);
  return concatBytes(chunks);
}

export async function checkStored(backend: StorageBackend, { location, bytes }: Put, what: string): Promise<void> {
  checkBytes(await readAll(backend, location.key), bytes, what);
}

/** Ids of what is staged, whenever it was written. */
export async function stagedIds(backend: StorageBackend): Promise<Set<string>> {
  // A day ahead: the backend's clock need not be ours.
  return new Set((await backend.listStaged(Date.now() + 86_400_000)).map(({ id }) => id));
}

/** Every key, page by page. */
export async function allKeys(backend: StorageBackend, limit = 1000): Promise<string[]> {
  return (await listed(backend, limit)).map(({ key }) => key);
}

/** Every listed object by its key. */
export async function allObjects(backend: StorageBackend): Promise<ReadonlyMap<string, StoredObject>> {
  return new Map((await listed(backend, 1000)).map((object) => [object.key, object]));
}

async function listed(backend: StorageBackend, limit: number): Promise<StoredObject[]> {
  const objects: StoredObject[] = [];
  let cursor: string | undefined;
  do {
    const page = await backend.list(cursor === undefined ? { limit } : { limit, cursor });
    objects.push(...page.items);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return objects;
}

/** Writes `bytes` in pieces of the given sizes, over and over. */
export async function writePieces(staged: StagedObject, bytes: Uint8Array, sizes: readonly number[]): Promise<void> {
  let at = 0;
  for (let i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length] as number;
    await staged.write(bytes.subarray(at, at + size));
    at += size;
  }
}
