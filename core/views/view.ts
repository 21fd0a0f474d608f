/**
 * A view is a table (or a few) that is a pure function of the log. One reducer, two callers: live commits and replay.
 * A reducer gets many events at once and writes each table with few statements; it takes nothing from anywhere but
 * the events and its own tables: no clock, no ids, no randomness.
 */
import type { Kysely, Transaction } from "kysely";
import type { ReducibleEvent } from "../events/types.ts";
import type { Hasher } from "../identity/hasher.ts";
import { deleteRows, insertRows } from "./statements.ts";
import type { Tables, ViewTables } from "./tables.ts";

export interface ViewTable<T extends keyof ViewTables & string> {
  readonly name: T;
  /** In the order of the canonical dump. */
  readonly columns: readonly (keyof ViewTables[T] & string)[];
  readonly primaryKey: readonly (keyof ViewTables[T] & string)[];
}

/** A table of any view, for those who only walk over it. */
export interface AnyViewTable {
  readonly name: keyof ViewTables & string;
  readonly columns: readonly string[];
  readonly primaryKey: readonly string[];
}

export interface View {
  readonly name: string;
  /** Raised when the reducer would build other rows from the same log; `migrate` then rebuilds the view. */
  readonly version: number;
  readonly tables: readonly AnyViewTable[];
  reduce(trx: Transaction<Tables>, events: readonly ReducibleEvent[], hasher: Hasher): Promise<void>;
}

/** Declares a table; the type checks that every column is named. */
export function viewTable<T extends keyof ViewTables & string>(
  name: T,
  columns: readonly (keyof ViewTables[T] & string)[],
  primaryKey: readonly (keyof ViewTables[T] & string)[],
): ViewTable<T> {
  return { name, columns, primaryKey };
}

/**
 * The changes that a batch of events makes to one table, folded to the last word per key, then written at once.
 * `put` and `remove` order among themselves by call; `flush` deletes first, then upserts.
 */
export class RowFold<T extends keyof ViewTables & string> {
  readonly #table: ViewTable<T>;
  readonly #rows = new Map<string, ViewTables[T] | null>();

  constructor(table: ViewTable<T>) {
    this.#table = table;
  }

  /** The row as this batch left it: a row, `null` if removed, `undefined` if untouched. */
  get(key: readonly unknown[]): ViewTables[T] | null | undefined {
    return this.#rows.get(JSON.stringify(key));
  }

  put(row: ViewTables[T]): void {
    this.#rows.set(JSON.stringify(this.#table.primaryKey.map((k) => row[k])), row);
  }

  remove(key: readonly unknown[]): void {
    this.#rows.set(JSON.stringify(key), null);
  }

  async flush(trx: Kysely<Tables>): Promise<void> {
    const removed: unknown[][] = [];
    const put: ViewTables[T][] = [];
    for (const [key, row] of this.#rows) {
      if (row === null) removed.push(JSON.parse(key));
      else put.push(row);
    }
    this.#rows.clear();
    await deleteRows(trx, this.#table.name, this.#table.primaryKey, removed);
    await insertRows(
      trx,
      this.#table.name,
      this.#table.columns as never,
      put as never,
      this.#table.primaryKey as never,
    );
  }
}
