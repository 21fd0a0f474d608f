/** The composition root: configuration -> adapters -> registry. The only place (beside openLocal) that builds a backend. */

import { openSqliteDatabase } from "../adapters/database-sqlite/mod.ts";
import { createHashWorker } from "../adapters/hash-worker/mod.ts";
import { loadHasher } from "../adapters/hasher.ts";
import { assembleRegistry, osUser } from "../adapters/local.ts";
import { createFsStorage } from "../adapters/storage-fs/mod.ts";
import {
  type Database,
  type Hasher,
  type Limits,
  localCaller,
  messageOf,
  type Registry,
  type StorageBackend,
} from "../core/mod.ts";
import type { DatabaseInfo } from "../core/spi/database.ts";
import type { HealthReport } from "../core/spi/health.ts";
import type { Runtime } from "../core/spi/runtime.ts";
import type { Config } from "./config.ts";
import type { Opened } from "./door.ts";
import { version } from "./version.ts";

/** The whole registry of this machine. */
export interface Composed extends Opened {
  readonly registry: Registry;
  readonly database: Database;
  readonly hasher: Hasher;
}

export async function openDatabase(config: Config): Promise<Database> {
  if (config.database.kind === "sqlite") return await openSqliteDatabase({ path: config.database.path });
  // Loaded when it is wanted: a driver that is not used is a tenth of the time in which a command starts.
  const { openPostgresDatabase } = await import("../adapters/database-postgres/mod.ts");
  return await openPostgresDatabase({ url: config.database.url });
}

export function openStorage(config: Config): StorageBackend {
  return createFsStorage({ root: config.storage.root });
}

export function holderOf(runtime: Runtime): string {
  return `${osUser()} (${runtime.name}, pid ${process.pid})`;
}

export interface ComposeOptions {
  readonly signal?: AbortSignal;
  /** Large contents are hashed by a thread of their own: for who has other work meanwhile (ADR-0020). */
  readonly hashBeside?: boolean;
}

/** What the configuration says of the library's limits. */
export function limitsOf({ limits }: Config): Partial<Limits> {
  return {
    maxObjectBytes: limits.max_object_bytes,
    maxFilesPerPackage: limits.max_files_per_package,
    maxManifestBytes: limits.max_manifest_bytes,
    maxMetadataBytes: limits.max_metadata_bytes,
    maxExternalRefs: limits.max_external_refs,
    maxArchiveEntries: limits.max_archive_entries,
    maxArchiveBytes: limits.max_archive_bytes,
    maxArchiveRatio: limits.max_archive_ratio,
    maxOpenUploads: limits.max_open_uploads,
  };
}

/** Opens everything that the configuration names, migrated and ready. */
export async function compose(config: Config, runtime: Runtime, options: ComposeOptions = {}): Promise<Composed> {
  const { signal, hashBeside = false } = options;
  const hasher = await loadHasher();
  const offload = hashBeside ? createHashWorker() : undefined;
  const database = await openDatabase(config);
  const storage = openStorage(config);
  const registry = await assembleRegistry({
    database,
    storage,
    hasher,
    ...(offload && { offload }),
    verifyReads: config.reads.verify,
    sparseIndexes: config.oci.sparse_indexes,
    sparseImages: config.oci.sparse_images,
    historyProtection: config.oci.history_protection * 1000,
    limits: limitsOf(config),
  });
  return {
    registry,
    caller: localCaller(osUser(), signal),
    database,
    hasher,
    holder: holderOf(runtime),
    health: () => healthOf({ registry, database, storage, hasher, runtime }),
    async close() {
      await registry.close();
      offload?.close();
    },
  };
}

async function healthOf(parts: {
  registry: Registry;
  database: Database;
  storage: StorageBackend;
  hasher: Hasher;
  runtime: Runtime;
}): Promise<HealthReport> {
  const { registry, database, storage, hasher, runtime } = parts;
  const [head, info, stored, commit] = await Promise.all([
    registry.ledger.head().catch(() => null),
    database.info().then(
      (known) => ({ ok: true, ...known, ...fullness(known) }),
      (error: unknown) => ({
        ok: false,
        kind: database.kind,
        version: "unknown",
        synchronous: "unknown",
        detail: messageOf(error),
      }),
    ),
    storage.health(),
    version(),
  ]);
  const ok = head !== null && info.ok && stored.ok && stored.writable;
  return {
    status: ok ? "ok" : "degraded",
    ...commit,
    registry: { ok: head !== null, head },
    database: info,
    storage: [{ backend_id: storage.id, kind: storage.kind, ...stored }],
    hasher: { kernel: hasher.kernel, name: hasher.name },
    runtime: { name: runtime.name, version: runtime.version },
  };
}

/** Less than SQLite's write-ahead log needs to do any work. Health writes nothing to find out. */
const NO_ROOM = 1024 * 1024;

function fullness({ free_bytes: free }: DatabaseInfo): { readonly ok?: false; readonly detail?: string } {
  if (free === undefined || free >= NO_ROOM) return {};
  return { ok: false, detail: `the disk of the database is full (${free} bytes free): free some space` };
}
