/** Kysely's driver over a few {@link SqliteConnection}s, and the asynchronous wait for other processes' locks. */
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryCompiler,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from "kysely";
import { RegistryError } from "../../core/base/errors.ts";
import { longTurn, turn } from "../../core/base/turn.ts";
import type { SqliteConnection, StatementResult } from "./connection.ts";
import { sqliteFault } from "./faults.ts";

export interface SqliteDriverOptions {
  readonly connect: () => SqliteConnection;
  /** Connections at most; they are opened when first needed and the last one used is used again first. */
  readonly max: number;
  /** Whether transactions take the write lock at once. A read that becomes a write later fails at once (BUSY_SNAPSHOT). */
  readonly begin: "begin" | "begin immediate";
  /** How long to wait for another process's lock, in ms, before `database_busy`. */
  readonly patience: number;
  readonly onCommit?: () => void;
  readonly onBegin?: () => void;
}

const LONGEST_PAUSE = 25;

/**
 * After a statement that took this long, ms, the event loop gets a turn. A transaction is many of them, and promises
 * alone let nothing else run between two: files being stored would stand still until its end.
 */
const LONG_STATEMENT = 1;
/** After this, sockets and timers surely get theirs. A manifest of 256 MiB takes a second to be written. */
const VERY_LONG_STATEMENT = 20;

/** Repeats `attempt` while SQLite is locked, without blocking the event loop. Jitter keeps processes out of step. */
export async function whileLocked<T>(attempt: () => T, patience: number): Promise<T> {
  const started = performance.now();
  for (let pause = 1; ; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
    try {
      return attempt();
    } catch (error) {
      if (sqliteFault(error) !== "busy") throw error;
      const waited = performance.now() - started;
      if (waited >= patience) {
        throw new RegistryError(
          "database_busy",
          `Another process held the database's write lock for ${Math.round(waited / 1000)} s. Try again; if it stays so, look for a process that hangs in a transaction.`,
          { waited_ms: Math.round(waited) },
          error,
        );
      }
      await new Promise((resolve) => setTimeout(resolve, pause * (0.5 + Math.random())));
    }
  }
}

class KyselyConnection implements DatabaseConnection {
  readonly sqlite: SqliteConnection;
  readonly #patience: number;

  constructor(sqlite: SqliteConnection, patience: number) {
    this.sqlite = sqlite;
    this.#patience = patience;
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    // Readers can meet a lock too: recovery after a crash, and the last checkpoint of a process that closes.
    const started = performance.now();
    const result = this.#now(query) ?? (await whileLocked(() => this.#run(query), this.#patience));
    const took = performance.now() - started;
    if (took > LONG_STATEMENT) await (took > VERY_LONG_STATEMENT ? longTurn() : turn());
    if (result.changes === undefined) return { rows: result.rows as R[] };
    return {
      rows: [],
      numAffectedRows: BigInt(result.changes),
      insertId: BigInt(result.lastInsertRowid ?? 0),
    };
  }

  /** Nearly always it is not locked, and then there is nothing to wait for. */
  #now(query: CompiledQuery): StatementResult | undefined {
    try {
      return this.#run(query);
    } catch (error) {
      if (sqliteFault(error) === "busy") return undefined;
      throw error;
    }
  }

  #run({ sql, parameters }: CompiledQuery): StatementResult {
    return this.sqlite.execute(sql, parameters);
  }

  async *streamQuery<R>(query: CompiledQuery, chunkSize: number): AsyncIterableIterator<QueryResult<R>> {
    let rows: R[] = [];
    for (const row of this.sqlite.iterate(query.sql, query.parameters)) {
      rows.push(row as R);
      if (rows.length < chunkSize) continue;
      yield { rows };
      rows = [];
    }
    if (rows.length > 0) yield { rows };
  }
}

class SqliteDriver implements Driver {
  readonly #options: SqliteDriverOptions;
  readonly #all = new Set<KyselyConnection>();
  readonly #idle: KyselyConnection[] = [];
  readonly #waiting: { resolve(connection: KyselyConnection): void; reject(error: Error): void }[] = [];
  #opening = 0;
  #closed = false;
  #drained: (() => void) | undefined;

  constructor(options: SqliteDriverOptions) {
    this.#options = options;
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    if (this.#closed) throw closedError();
    const idle = this.#idle.pop();
    if (idle !== undefined) return idle;
    if (this.#all.size + this.#opening >= this.#options.max) {
      return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
    }
    this.#opening++;
    try {
      const sqlite = await whileLocked(this.#options.connect, this.#options.patience);
      const connection = new KyselyConnection(sqlite, this.#options.patience);
      this.#all.add(connection);
      return connection;
    } finally {
      this.#opening--;
    }
  }

  async releaseConnection(connection: DatabaseConnection): Promise<void> {
    const next = this.#waiting.shift();
    if (next !== undefined) return next.resolve(connection as KyselyConnection);
    this.#idle.push(connection as KyselyConnection);
    if (this.#idle.length === this.#all.size) this.#drained?.();
  }

  async beginTransaction(connection: DatabaseConnection): Promise<void> {
    const { sqlite } = connection as KyselyConnection;
    await whileLocked(() => sqlite.begin(this.#options.begin), this.#options.patience);
    this.#options.onBegin?.();
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    (connection as KyselyConnection).sqlite.commit();
    this.#options.onCommit?.();
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    (connection as KyselyConnection).sqlite.rollback();
  }

  async savepoint(connection: DatabaseConnection, name: string, _: QueryCompiler["compileQuery"]): Promise<void> {
    (connection as KyselyConnection).sqlite.execute(`savepoint ${quoted(name)}`, []);
  }

  async rollbackToSavepoint(connection: DatabaseConnection, name: string): Promise<void> {
    (connection as KyselyConnection).sqlite.execute(`rollback to ${quoted(name)}`, []);
  }

  async releaseSavepoint(connection: DatabaseConnection, name: string): Promise<void> {
    (connection as KyselyConnection).sqlite.execute(`release ${quoted(name)}`, []);
  }

  /** Lets running work end, refuses what waits, closes. */
  async destroy(): Promise<void> {
    this.#closed = true;
    for (const waiter of this.#waiting.splice(0)) waiter.reject(closedError());
    if (this.#idle.length < this.#all.size) await new Promise<void>((resolve) => (this.#drained = resolve));
    for (const connection of this.#all) connection.sqlite.close();
    this.#all.clear();
    this.#idle.length = 0;
  }
}

/** The pool does the queueing; Kysely's own mutex would let one stream hold every reader up. */
class PooledSqliteAdapter extends SqliteAdapter {
  override get supportsMultipleConnections(): boolean {
    return true;
  }

  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

export function sqliteDialect(options: SqliteDriverOptions): Dialect {
  return {
    createAdapter: () => new PooledSqliteAdapter(),
    createDriver: () => new SqliteDriver(options),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  };
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function closedError(): Error {
  return new RegistryError("database_failed", "This database handle is closed.");
}
