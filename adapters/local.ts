/**
 * A registry on this machine in one call: SQLite and files under one directory. Also the one place that brings a
 * database up to date, for the CLI's composition root to share.
 */
import { readFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join, resolve } from "node:path";
import {
  bootstrap,
  type Caller,
  codedError,
  createInProcessDataPlane,
  createRegistry,
  type Database,
  type Hasher,
  type Limits,
  localCaller,
  type Registry,
  rebuildViews,
  type StorageBackend,
  staleViews,
  type Tables,
} from "../core/mod.ts";
import type { HashOffload } from "../core/spi/hash_offload.ts";
import { migrate, schemaState } from "../migrations/mod.ts";
import { openSqliteDatabase } from "./database-sqlite/mod.ts";
import { loadHasher } from "./hasher.ts";
import { createManifestProjector } from "./manifest-worker/mod.ts";
import { createFsStorage } from "./storage-fs/mod.ts";
import { zstdDecompressor } from "./zstd/mod.ts";

export interface OpenLocalOptions {
  /** Everything is kept below it; made (0700) if missing. */
  readonly dir: string;
  readonly limits?: Partial<Limits>;
}

export interface LocalRegistry extends Registry {
  /** Whoever runs this process, allowed everything in the default tenant. */
  readonly caller: Caller;
}

/**
 * Opens (or makes) a registry under `dir`, migrated and ready. Several processes may have it open.
 * @throws {RegistryError} `schema_too_new`, `database_*`, `storage_*`
 */
export async function openLocal(options: OpenLocalOptions): Promise<LocalRegistry> {
  const dir = resolve(options.dir);
  const hasher = await loadHasher();
  const database = await openSqliteDatabase({ path: join(dir, "artifact-store.db") });
  const storage = createFsStorage({ root: join(dir, "objects") });
  const registry = await assembleRegistry({
    database,
    storage,
    hasher,
    ...(options.limits && { limits: options.limits }),
  });
  return { ...registry, caller: localCaller(osUser()) };
}

/** Brings the database up to date and binds a registry to it. Closes both if that fails. */
export async function assembleRegistry(parts: {
  readonly database: Database;
  readonly storage: StorageBackend;
  readonly hasher: Hasher;
  /** For large contents; the caller ends it. */
  readonly offload?: HashOffload;
  readonly limits?: Partial<Limits>;
  readonly verifyReads?: boolean;
  readonly sparseIndexes?: boolean;
  readonly sparseImages?: boolean;
  readonly historyProtection?: number;
}): Promise<Registry> {
  const {
    database,
    storage,
    hasher,
    offload,
    limits,
    verifyReads = true,
    sparseIndexes = true,
    sparseImages = false,
    historyProtection,
  } = parts;
  const zstd = zstdDecompressor();
  try {
    await bringUpToDate(database, hasher);
    const registry = createRegistry({
      database,
      dataPlane: createInProcessDataPlane({ backends: [storage], hasher, offload }),
      hasher,
      backendId: storage.id,
      prepareScratch: async (scratch) => void (await migrate(scratch)),
      ...{ verifyReads, sparseIndexes, sparseImages },
      ...(historyProtection === undefined ? {} : { historyProtection }),
      projectManifest: createManifestProjector(),
      ...(zstd === undefined ? {} : { zstd }),
      ...(limits === undefined ? {} : { limits }),
    });
    await bootstrap(registry.ledger);
    return registry;
  } catch (error) {
    await storage.close();
    await database.close();
    throw codedError(database, error);
  }
}

/** Pending migrations, then every view whose reducer is another version than its rows. */
export async function bringUpToDate(
  database: Database<Tables>,
  hasher: Hasher,
): Promise<{ readonly applied: readonly string[] }> {
  const { pending } = await schemaState(database);
  const { applied } = pending.length === 0 ? { applied: [] } : await migrate(database);
  if ((await staleViews(database.read)).length > 0) {
    await database.exclusive(async (trx) => {
      // Another process may have rebuilt them while this one waited.
      const stale = await staleViews(trx);
      if (stale.length > 0) await rebuildViews(trx, database, hasher, {}, stale);
    });
  }
  return { applied };
}

/** The account's name. Bun takes it from the environment, which services and containers do not always have. */
export function osUser(): string {
  try {
    const { username, uid } = userInfo();
    if (username !== "unknown" && username !== "") return username;
    const account = readFileSync("/etc/passwd", "utf8")
      .split("\n")
      .map((line) => line.split(":"))
      .find((fields) => fields[2] === String(uid));
    return account?.[0] ?? `uid-${uid}`;
  } catch {
    // No such file, or a runtime that does not tell.
    return "unknown";
  }
}
