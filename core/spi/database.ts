/**
 * Database SPI: a thin door to SQLite or PostgreSQL. Queries are Kysely's; this interface holds what differs.
 *
 * Correctness rests on the database, never on this process: several processes may use one database at once.
 */
import type { Kysely, Transaction } from "kysely";

export type DatabaseKind = "sqlite" | "postgres";

/** What went wrong, as far as a caller must know to react. */
export type DatabaseFault =
  | "busy" // another writer; try again later
  | "full" // disk full
  | "io" // disk or server I/O error
  | "connection" // lost while the outcome of a COMMIT may be unknown
  | "unique" // a unique constraint refused the row
  | "append_only" // a trigger refused to change the log
  | "read_only"
  | "other";

export interface DatabaseInfo {
  readonly kind: DatabaseKind;
  readonly version: string;
  /** SQLite: `PRAGMA synchronous` of the writing connection as read back (`FULL`). PostgreSQL: `synchronous_commit`. */
  readonly synchronous: string;
  /** SQLite: journal mode as read back. */
  readonly journal_mode?: string;
  /** Bytes that the file may still grow by; absent where the database does not tell. */
  readonly free_bytes?: number;
}

export interface WriteOptions {
  /**
   * A power cut may undo it, as long as no later write without this option has been committed; the end of the process
   * may not. For what nobody was promised yet. SQLite: no sync. PostgreSQL: as any other, since clients outlive it.
   */
  readonly relaxed?: boolean;
}

// biome-ignore lint/suspicious/noExplicitAny: the SPI carries any schema; core narrows it to its Tables
export interface Database<Tables = any> {
  readonly kind: DatabaseKind;
  /**
   * Committed data, outside any transaction of this handle. On SQLite a connection of its own, so that a long
   * write group does not hold readers up.
   */
  readonly read: Kysely<Tables>;

  /**
   * One write transaction. SQLite: `BEGIN IMMEDIATE` on the one writing connection, retried asynchronously while
   * another process writes, then `database_busy`. PostgreSQL: READ COMMITTED with `lock_timeout` 5 s. If `work`
   * rejects, everything is rolled back and its rejection passes through unchanged. A failure of COMMIT itself whose
   * outcome is unknown rejects with an error for which `fault()` says `connection`. Calls queue up behind each other
   * on SQLite, where those that wait may share one commit, and may run side by side on PostgreSQL.
   */
  write<T>(work: (trx: Transaction<Tables>) => Promise<T>, options?: WriteOptions): Promise<T>;

  /** A read-only transaction in which every query sees the same committed state (PostgreSQL: REPEATABLE READ). */
  snapshot<T>(work: (trx: Transaction<Tables>) => Promise<T>): Promise<T>;

  /**
   * Runs `work` in a write transaction that excludes every other `exclusive()` on this database, in any process, also
   * before any table exists (SQLite: BEGIN IMMEDIATE; PostgreSQL: an advisory lock taken in the transaction).
   */
  exclusive<T>(work: (trx: Transaction<Tables>) => Promise<T>): Promise<T>;

  /** Classifies an error thrown by any call above, also when wrapped (`cause`). */
  fault(error: unknown): DatabaseFault;

  /**
   * Calls `wake` after commits that used `announce()`, from this or any other process, as far as the database can
   * tell (PostgreSQL: LISTEN). May call it too often; may miss some: callers poll as well. Returns the way to stop.
   */
  subscribe(wake: () => void): Promise<() => Promise<void>>;
  /** Part of a write transaction: tell subscribers that events were appended once this commits. */
  announce(trx: Transaction<Tables>): Promise<void>;

  /**
   * An empty database of the same kind for `replay --check`: a temporary file, a schema of its own. `dispose()` leaves
   * nothing behind.
   */
  scratch(): Promise<{ readonly database: Database<Tables>; dispose(): Promise<void> }>;

  /**
   * Names of scratch databases begun before `before` (ms since the epoch) that are still there and that nobody has
   * open: what a crash left.
   */
  scratchLeftovers(before: number): Promise<readonly string[]>;
  /** Removes one of them. Missing is success; a name that is not theirs is `invalid_argument`. */
  discardScratch(name: string): Promise<void>;

  info(): Promise<DatabaseInfo>;
  close(): Promise<void>;
}
