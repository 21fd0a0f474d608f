/** A registry over given parts, with clock and ids that a test controls. */

import { createNativeHasher } from "../../adapters/hasher-native/mod.ts";
import { bringUpToDate } from "../../adapters/local.ts";
import { createMemoryStorage } from "../../adapters/storage-memory/mod.ts";
import {
  bootstrap,
  type Caller,
  type Clock,
  createInProcessDataPlane,
  createRegistry,
  type Database,
  type Decompressor,
  type Hasher,
  type Ids,
  isRegistryError,
  type Limits,
  localCaller,
  type Registry,
  type StorageBackend,
  type Tables,
} from "../../core/mod.ts";
import type { ManifestProjector } from "../../core/spi/manifest_projector.ts";
import { migrate } from "../../migrations/mod.ts";

export const caller: Caller = localCaller("tester");

/** A caller of another tenant, on the same machine. */
export const stranger: Caller = {
  principal: { subject: "local:stranger", kind: "local", roles: [], tenants: ["elsewhere"] },
  tenant: "elsewhere",
};

const loaded = await createNativeHasher();
if (loaded === undefined) throw new Error("These tests hash with the native kernel: run npm install");
export const hasher: Hasher = loaded;

export interface Fixture {
  readonly registry: Registry;
  readonly database: Database<Tables>;
  readonly storage: StorageBackend;
}

const opened = new Set<Registry>();

/** For `afterEach`: closes what the test opened, so that a PostgreSQL server does not run out of connections. */
export async function closeFixtures(): Promise<void> {
  for (const registry of opened) await registry.close();
  opened.clear();
}

/** Storage in memory unless given. `closeFixtures()` closes it; closing it, or its database, earlier does no harm. */
export async function openFixture(parts: {
  readonly database: Database;
  readonly storage?: StorageBackend;
  readonly clock?: Clock;
  readonly ids?: Ids;
  readonly limits?: Partial<Limits>;
  readonly zstd?: Decompressor;
  readonly projectManifest?: ManifestProjector;
  readonly sparseIndexes?: boolean;
  readonly sparseImages?: boolean;
  readonly historyProtection?: number;
}): Promise<Fixture> {
  const { database, storage = createMemoryStorage(), clock, ids, limits, zstd, projectManifest } = parts;
  const { sparseIndexes, sparseImages, historyProtection } = parts;
  await bringUpToDate(database, hasher);
  const registry = createRegistry({
    database,
    dataPlane: createInProcessDataPlane({ backends: [storage], hasher }),
    hasher,
    backendId: storage.id,
    prepareScratch: async (scratch) => void (await migrate(scratch)),
    ...(clock && { clock }),
    ...(ids && { ids }),
    ...(limits && { limits }),
    ...(zstd && { zstd }),
    ...(projectManifest && { projectManifest }),
    ...(sparseIndexes !== undefined && { sparseIndexes }),
    ...(sparseImages !== undefined && { sparseImages }),
    ...(historyProtection !== undefined && { historyProtection }),
  });
  await bootstrap(registry.ledger);
  opened.add(registry);
  return { registry, database, storage };
}

/** 2026-01-02T03:04:05.006Z, and whatever a test sets. */
export function settableClock(start = Date.UTC(2026, 0, 2, 3, 4, 5, 6)): Clock & { time: number } {
  const clock = { time: start, now: () => clock.time };
  return clock;
}

/** The same ids and salts in the same order, every time. */
export function countingIds(): Ids {
  let uuids = 0;
  let salts = 0;
  return {
    uuid: () => `01900000-0000-7000-8000-${(++uuids).toString(16).padStart(12, "0")}`,
    random(length) {
      const bytes = new Uint8Array(length);
      new DataView(bytes.buffer).setUint32(length - 4, ++salts);
      return bytes;
    },
  };
}

export function text(value: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(value) as Uint8Array<ArrayBuffer>;
}

/** The bytes in pieces of `size`. */
export async function* source(bytes: Uint8Array | string, size = 64 * 1024): AsyncGenerator<Uint8Array> {
  const all = typeof bytes === "string" ? text(bytes) : bytes;
  for (let at = 0; at < all.length; at += size) yield all.slice(at, at + size);
}

/** Bytes that no two seeds share. */
export function pattern(length: number, seed = 1): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  let state = (seed * 2654435761) >>> 0;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

export async function newPackage(registry: Registry, over: Partial<Parameters<Registry["createPackage"]>[1]> = {}) {
  return await registry.createPackage(caller, { name: "demo", retentionClass: "working", ...over });
}

export async function ingest(registry: Registry, packageId: string, path: string, content: Uint8Array | string) {
  return await registry.ingestFile(caller, { packageId, path, source: source(content) });
}

/** The error's code, or `undefined` when the promise did not reject. Anything but a RegistryError is thrown on. */
export async function codeOf(promise: Promise<unknown>): Promise<string | undefined> {
  return (await failureOf(promise))?.code;
}

export async function failureOf(promise: Promise<unknown>) {
  try {
    await promise;
    return undefined;
  } catch (error) {
    if (isRegistryError(error)) return error;
    throw error;
  }
}

/** Every event of the log. */
export async function wholeLog(registry: Registry) {
  const events = [];
  for await (const event of registry.ledger.tail({ since: 0, follow: false })) events.push(event);
  return events;
}
