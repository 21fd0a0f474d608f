/**
 * SQLite as the registry's database: one file, WAL, `synchronous=FULL`, one driver for Bun, Deno and Node
 * (docs/decisions/0007-one-sqlite-driver.md).
 *
 * A handle has one writing connection and up to eight reading ones (four for `read`, four for snapshots), so neither
 * a write group nor a snapshot holds `read` up. Several handles and processes may use one file.
 */
import { statfs } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { Kysely } from "kysely";
import { RegistryError } from "../../core/base/errors.ts";
import type { Database, DatabaseInfo } from "../../core/spi/database.ts";
import { type ConnectionOptions, SqliteConnection, type Synchronous } from "./connection.ts";
import { sqliteDialect, whileLocked } from "./driver.ts";
import { sqliteFault } from "./faults.ts";
import { discardScratch, newScratchPath, prepareFiles, removeFiles, scratchLeftovers } from "./files.ts";
import { joinHub } from "./hub.ts";
import { createWrites } from "./writes.ts";

export { SCRATCH_MARK } from "./files.ts";

export interface SqliteOptions {
  /** The file. Its folder is created (0700) if it is missing. */
  readonly path: string;
  /**
   * "FULL" (default) survives a power cut. "NORMAL" loses acknowledged commits in one: it exists so that the
   * power-cut tests can prove that they notice. "OFF" is what scratch databases use.
   */
  readonly synchronous?: Synchronous;
  /** How long to wait for another process's write lock before `database_busy`, in ms. Default 30,000. */
  readonly patience?: number;
}

const POOL = 4;

/**
 * Opens or creates the database.
 * @throws RegistryError `database_failed` (cannot open, SQLite too old, a setting not accepted), `database_busy`.
 */
// biome-ignore lint/suspicious/noExplicitAny: as in the SPI: any schema, narrowed by the caller
export async function openSqliteDatabase<Tables = any>(options: SqliteOptions): Promise<Database<Tables>> {
  const path = resolve(options.path);
  const patience = options.patience ?? 30_000;
  const synchronous = options.synchronous ?? "FULL";

  const opened = await openFirst(path, synchronous, patience);
  const { hub, leave, writer } = opened;
  // Relaxed writes change it for as long as they take.
  const level = ["OFF", "NORMAL", "FULL", "EXTRA"][Number(writer.pragma("synchronous"))] ?? "unknown";
  let announced = false;
  const writing = new Kysely<Tables>({
    dialect: sqliteDialect({
      connect: () => writer,
      max: 1,
      begin: "begin immediate",
      patience,
      onBegin: () => (announced = false),
      onCommit: () => announced && hub.wake(),
    }),
  });
  const connectReader = () => new SqliteConnection({ path, synchronous, queryOnly: true, hub });
  const readers = () =>
    new Kysely<Tables>({ dialect: sqliteDialect({ connect: connectReader, max: POOL, begin: "begin", patience }) });
  const read = readers();
  const snapshots = readers();
  const write = createWrites(writing, (synced) =>
    writer.synchronize(synced || synchronous === "OFF" ? synchronous : "NORMAL"),
  );
  const mine = new Set<() => void>();

  return {
    kind: "sqlite",
    read,
    write: (work, { relaxed = false } = {}) => write(work, relaxed ? "relaxed" : "durable"),
    // BEGIN IMMEDIATE excludes every other writer, so there is nothing more to take.
    exclusive: (work) => write(work, "alone"),
    snapshot: (work) => snapshots.transaction().execute(work),
    fault: sqliteFault,

    async subscribe(wake) {
      // A wrapper of its own for each call, so that one function may subscribe twice and leave once.
      const subscriber = () => wake();
      hub.subscribers.add(subscriber);
      mine.add(subscriber);
      return async () => {
        hub.subscribers.delete(subscriber);
        mine.delete(subscriber);
      };
    },
    async announce() {
      announced = true;
    },

    async scratch() {
      const scratchPath = newScratchPath(path);
      const database = await openSqliteDatabase<Tables>({ path: scratchPath, synchronous: "OFF" });
      return {
        database,
        async dispose() {
          await database.close();
          removeFiles(scratchPath);
        },
      };
    },

    scratchLeftovers: (before) => scratchLeftovers(path, before),
    discardScratch: async (name) => discardScratch(path, name),

    async info(): Promise<DatabaseInfo> {
      return {
        kind: "sqlite",
        version: writer.version(),
        synchronous: level,
        journal_mode: String(writer.pragma("journal_mode")),
        ...(await freeBytes(path)),
      };
    },

    async close() {
      for (const subscriber of mine) hub.subscribers.delete(subscriber);
      await Promise.all([read.destroy(), snapshots.destroy()]);
      // Last, so that its close is the one that checkpoints and removes the WAL.
      await writing.destroy();
      writer.close();
      leave();
    },
  };
}

async function openFirst(path: string, synchronous: Synchronous, patience: number) {
  try {
    prepareFiles(path);
    const joined = joinHub(path);
    try {
      const options: ConnectionOptions = { path, synchronous, queryOnly: false, hub: joined.hub };
      const writer = await whileLocked(() => new SqliteConnection(options), patience);
      return { ...joined, writer };
    } catch (error) {
      joined.leave();
      throw error;
    }
  } catch (error) {
    if (error instanceof RegistryError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new RegistryError(
      "database_failed",
      `Cannot open the SQLite database ${path}: ${reason}. Check that the folder exists, is writable and has space.`,
      { path, fault: sqliteFault(error) },
      error,
    );
  }
}

async function freeBytes(path: string): Promise<{ readonly free_bytes?: number }> {
  try {
    const { bavail, bsize } = await statfs(dirname(path));
    return { free_bytes: bavail * bsize };
  } catch {
    return {}; // some file systems do not tell
  }
}
