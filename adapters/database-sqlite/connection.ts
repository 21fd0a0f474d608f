/** One connection to a SQLite file through `node:sqlite`, which Bun, Deno and Node all carry. */
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { RegistryError } from "../../core/base/errors.ts";
import type { Hub } from "./hub.ts";

export type Synchronous = "FULL" | "NORMAL" | "OFF";

export interface ConnectionOptions {
  readonly path: string;
  readonly synchronous: Synchronous;
  /** The connection refuses to write (`PRAGMA query_only`). */
  readonly queryOnly: boolean;
  readonly hub: Hub;
}

/** Before 3.51.3, two connections that write and checkpoint at once could lose committed data (the WAL-reset bug). */
const OLDEST_SQLITE = [3, 51, 3] as const;

/**
 * How long SQLite itself waits for a lock, in ms. The wait blocks the event loop, so it only bridges the moment in
 * which another process finishes a commit; longer waits are asynchronous (see driver.ts).
 */
const BLOCKING_WAIT = 5;

/** Statements are kept per connection up to both limits; a multi-row insert of 256 rows has about 10,000 characters. */
const CACHED_STATEMENTS = 256;
const CACHED_CHARACTERS = 1 << 19;

/**
 * The writer's page cache, KiB; SQLite's own choice is 2,000. Digests are random keys, so each object touches a page of
 * several indexes, and what does not fit is read back from the write-ahead log (docs/performance.md).
 */
const WRITER_CACHE = 16 * 1024;

const CHANGES_SCHEMA = /^\s*(?:create|drop|alter|reindex|vacuum|attach|detach|pragma)\b/i;

interface Prepared {
  readonly statement: StatementSync;
  readonly returnsRows: boolean;
}

export interface StatementResult {
  readonly rows: unknown[];
  readonly changes?: number | bigint;
  readonly lastInsertRowid?: number | bigint;
}

/** @throws RegistryError `database_failed` when this SQLite is older than 3.51.3. */
export function checkSqliteVersion(version: string): void {
  const parts = version.split(".").map(Number);
  for (const [index, wanted] of OLDEST_SQLITE.entries()) {
    const found = parts[index] ?? 0;
    if (found > wanted) return;
    if (found < wanted || Number.isNaN(found)) {
      throw new RegistryError(
        "database_failed",
        `SQLite ${version} can lose committed writes; ${OLDEST_SQLITE.join(".")} or later is needed. Use a newer Bun, Deno or Node.`,
        { version, wanted: OLDEST_SQLITE.join(".") },
      );
    }
  }
}

export class SqliteConnection {
  readonly #db: DatabaseSync;
  readonly #hub: Hub;
  readonly #prepared = new Map<string, Prepared>();
  #characters = 0;
  #epoch: number;
  #transaction = false;
  #changedSchema = false;
  #synchronous: Synchronous;

  /** Opens the file. May throw SQLite's "locked" while another process creates it: try again. */
  constructor(options: ConnectionOptions) {
    this.#hub = options.hub;
    this.#epoch = options.hub.schemaEpoch;
    this.#synchronous = options.synchronous;
    this.#db = new DatabaseSync(options.path, { timeout: BLOCKING_WAIT });
    try {
      this.#configure(options);
    } catch (error) {
      this.#db.close();
      throw error;
    }
  }

  /** Runs one statement to its end. */
  execute(sql: string, parameters: readonly unknown[]): StatementResult {
    if (this.#transaction && !this.#db.isTransaction) {
      // Disk full and I/O errors may roll everything back by themselves; what follows must not commit on its own.
      throw new RegistryError("database_failed", "SQLite rolled this transaction back after an earlier error.");
    }
    const { statement, returnsRows } = this.#prepare(sql);
    const values = bindable(parameters);
    if (returnsRows) {
      const rows = statement.all(...values);
      if (CHANGES_SCHEMA.test(sql)) this.#noteSchemaChange();
      return { rows };
    }
    const { changes, lastInsertRowid } = statement.run(...values);
    if (CHANGES_SCHEMA.test(sql)) this.#noteSchemaChange();
    return { rows: [], changes, lastInsertRowid };
  }

  /** Rows one by one. The statement is its own: the same text may run on this connection meanwhile. */
  iterate(sql: string, parameters: readonly unknown[]): Iterable<unknown> {
    return this.#db.prepare(sql).iterate(...bindable(parameters));
  }

  /** How the transactions from now on are committed. Not inside of one, where SQLite refuses it. */
  synchronize(level: Synchronous): void {
    if (level === this.#synchronous) return;
    this.#db.exec(`PRAGMA synchronous = ${level}`);
    this.#synchronous = level;
  }

  begin(how: "begin" | "begin immediate"): void {
    this.#db.exec(how);
    this.#transaction = true;
    this.#changedSchema = false;
  }

  commit(): void {
    this.execute("commit", []);
    this.#transaction = false;
  }

  /** Never throws for a transaction that SQLite has already rolled back. */
  rollback(): void {
    this.#transaction = false;
    if (this.#changedSchema) this.#noteSchemaChange();
    if (this.#db.isTransaction) this.#db.exec("rollback");
  }

  pragma(name: string): unknown {
    const row = this.#db.prepare(`PRAGMA ${name}`).get();
    return row === undefined ? undefined : Object.values(row)[0];
  }

  version(): string {
    return String(this.#db.prepare("select sqlite_version() as version").get()?.version);
  }

  /** Idempotent. */
  close(): void {
    this.#prepared.clear();
    if (this.#db.isOpen) this.#db.close();
  }

  #configure(options: ConnectionOptions): void {
    checkSqliteVersion(this.version());
    const level = { OFF: 0, NORMAL: 1, FULL: 2 }[options.synchronous];
    const settings: readonly (readonly [name: string, value: string, expected: unknown])[] = [
      ["journal_mode", "WAL", "wal"],
      ["synchronous", options.synchronous, level],
      ["foreign_keys", "ON", 1],
      // Without it INSERT OR REPLACE deletes a row of the log unseen by the trigger that forbids deletes.
      ["recursive_triggers", "ON", 1],
      ["trusted_schema", "OFF", 0],
      ["cell_size_check", "ON", 1],
      ["mmap_size", "0", 0],
      ["query_only", options.queryOnly ? "ON" : "OFF", options.queryOnly ? 1 : 0],
    ];
    if (!options.queryOnly) this.#db.exec(`PRAGMA cache_size = -${WRITER_CACHE}`);
    for (const [name, value, expected] of settings) {
      this.#db.exec(`PRAGMA ${name} = ${value}`);
      const found = this.pragma(name);
      if (found === expected) continue;
      throw new RegistryError(
        "database_failed",
        `SQLite did not accept PRAGMA ${name} = ${value} (it says ${String(found)}). Is the file on a file system with shared memory and locks?`,
        { pragma: name, wanted: value, found },
      );
    }
  }

  #prepare(sql: string): Prepared {
    if (this.#epoch !== this.#hub.schemaEpoch) {
      // Deno keeps the columns that a statement had when it was prepared, so nothing outlives a schema change; and
      // SQLite prepares by the schema it remembers until it has run something.
      this.#db.exec("select 1 from sqlite_schema limit 1");
      this.#prepared.clear();
      this.#characters = 0;
      this.#epoch = this.#hub.schemaEpoch;
    }
    const known = this.#prepared.get(sql);
    if (known !== undefined) {
      // A Map keeps the order of insertion: taking out and putting back makes it least-recently-used.
      this.#prepared.delete(sql);
      this.#prepared.set(sql, known);
      return known;
    }
    const statement = this.#db.prepare(sql);
    const prepared = { statement, returnsRows: statement.columns().length > 0 };
    this.#prepared.set(sql, prepared);
    this.#characters += sql.length;
    for (const oldest of this.#prepared.keys()) {
      if (this.#prepared.size <= CACHED_STATEMENTS && this.#characters <= CACHED_CHARACTERS) break;
      this.#prepared.delete(oldest);
      this.#characters -= oldest.length;
    }
    return prepared;
  }

  #noteSchemaChange(): void {
    this.#changedSchema = true;
    this.#hub.schemaEpoch++;
  }
}

type Bindable = null | number | bigint | string | Uint8Array;

/**
 * `node:sqlite` binds every Number as REAL and no boolean or undefined at all. Whole numbers become INTEGER here, so
 * that `typeof()`, `||` and columns without affinity see what was meant; one beyond 2^53 is refused, not rounded.
 * (Reading one throws in all three runtimes already.)
 */
function bindable(parameters: readonly unknown[]): Bindable[] {
  const values = new Array<Bindable>(parameters.length);
  for (let i = 0; i < parameters.length; i++) values[i] = bindableValue(parameters[i], i);
  return values;
}

function bindableValue(value: unknown, index: number): Bindable {
  switch (typeof value) {
    case "string":
    case "bigint":
      return value;
    case "number":
      if (!Number.isInteger(value)) return value;
      if (Number.isSafeInteger(value)) return BigInt(value);
      throw new RegistryError(
        "invalid_argument",
        `Parameter ${index + 1} (${value}) is beyond 2^53: pass a bigint or text.`,
      );
    case "boolean":
      return value ? 1n : 0n;
    case "undefined":
      return null;
    default:
      // What is left is null, bytes, or a mistake that SQLite's binding names.
      return value as null | Uint8Array;
  }
}
