/** Storages whose bytes rot on demand. */
import { chmodSync, readFileSync, truncateSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createFsStorage } from "../../adapters/storage-fs/mod.ts";
import { createMemoryStorage } from "../../adapters/storage-memory/mod.ts";
import { concatBytes } from "../../core/base/bytes.ts";
import { RegistryError, type StorageBackend } from "../../core/mod.ts";
import { temporaryDirectory } from "./storage_temporary.ts";

/** What happens to stored bytes; `undefined` for "they vanish". */
export const DAMAGE: Readonly<Record<string, (bytes: Uint8Array) => Uint8Array | undefined>> = {
  "the first bit flips": (bytes) => flipped(bytes, 0),
  "a bit in the middle flips": (bytes) => flipped(bytes, bytes.length >> 1),
  "the last bit flips": (bytes) => flipped(bytes, bytes.length - 1),
  "it is truncated by one byte": (bytes) => bytes.slice(0, -1),
  "it is truncated to half": (bytes) => bytes.slice(0, bytes.length >> 1),
  "it is truncated to nothing": () => new Uint8Array(),
  "it is zeroed": (bytes) => new Uint8Array(bytes.length),
  "it grows by a byte": (bytes) => concatBytes([bytes, Uint8Array.of(0)]),
  "it grows by megabytes": (bytes) => concatBytes([bytes, new Uint8Array(3 * 1024 * 1024)]),
  "it is other content of the same length": (bytes) => bytes.map((b) => b ^ 0x55),
  "it is missing": () => undefined,
};

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const copy = bytes.slice();
  copy[at] = (copy[at] as number) ^ 1;
  return copy;
}

export interface Damageable {
  readonly storage: StorageBackend;
  readBytes(key: string): Promise<Uint8Array>;
  /** Puts other bytes, or none, in the place of what is stored under the key. */
  put(key: string, bytes: Uint8Array | undefined): void;
  remove(): void;
}

export const STORAGES: Readonly<Record<string, () => Damageable>> = {
  fs() {
    const directory = temporaryDirectory("damage");
    return {
      storage: createFsStorage({ root: directory.path }),
      readBytes: async (key) => readFileSync(join(directory.path, key)),
      put(key, bytes) {
        const path = join(directory.path, key);
        if (bytes === undefined) return unlinkSync(path);
        try {
          chmodSync(path, 0o600);
          truncateSync(path, 0);
        } catch {}
        writeFileSync(path, bytes);
      },
      remove: () => directory.remove(),
    };
  },
  "an object store"() {
    const inner = createMemoryStorage({ id: "bucket", mode: "object-store" });
    const replaced = new Map<string, Uint8Array | undefined>();
    const missing = (key: string) => new RegistryError("object_missing", "Gone", { key });
    const storage: StorageBackend = {
      ...inner,
      async *read(key, range) {
        if (!replaced.has(key)) return yield* inner.read(key, range);
        const bytes = replaced.get(key);
        if (bytes === undefined) throw missing(key);
        const { start, end } = range ?? { start: 0, end: bytes.length };
        if (end > bytes.length) throw new RegistryError("invalid_argument", "A range lies within the object");
        for (let at = start; at < end; at += 1024 * 1024) yield bytes.slice(at, Math.min(at + 1024 * 1024, end));
      },
      async stat(key) {
        const found = await inner.stat(key);
        if (!replaced.has(key) || found === undefined) return found;
        const bytes = replaced.get(key);
        return bytes === undefined ? undefined : { ...found, size: bytes.length };
      },
      async list(options) {
        const page = await inner.list(options);
        const items = page.items.flatMap((item) => {
          if (!replaced.has(item.key)) return [item];
          const bytes = replaced.get(item.key);
          return bytes === undefined ? [] : [{ ...item, size: bytes.length }];
        });
        return { ...page, items };
      },
    };
    return {
      storage,
      async readBytes(key) {
        const chunks: Uint8Array[] = [];
        for await (const chunk of storage.read(key)) chunks.push(chunk);
        return concatBytes(chunks);
      },
      put: (key, bytes) => void replaced.set(key, bytes),
      remove: () => {},
    };
  },
};
