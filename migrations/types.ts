/** What migrations are written with: one description of tables for SQLite and PostgreSQL. */
import { type CreateTableBuilder, type Kysely, type RawBuilder, sql } from "kysely";
import type { DatabaseKind } from "../core/spi/database.ts";

// biome-ignore lint/suspicious/noExplicitAny: a migration sees the schema while it changes, so no table type fits
export type Schema = Kysely<any>;

export interface Migration {
  /** Strictly growing along the list; never reused, never changed once released. */
  readonly version: number;
  readonly name: string;
  /** Every table it creates, in that order: `migrateFresh` drops these and no others. */
  readonly tables: readonly string[];
  /** Runs inside the one transaction of {@link Schema}. */
  up(db: Schema, kind: DatabaseKind): Promise<void>;
}

export interface ColumnTypes {
  /** Compares by UTF-8 bytes on both databases (SQLite's BINARY, PostgreSQL's "C"). */
  readonly text: RawBuilder<unknown>;
  readonly bytes: RawBuilder<unknown>;
  /** Whole numbers up to 2^53; as a primary key it is SQLite's rowid. */
  readonly integer: RawBuilder<unknown>;
}

export function columnTypes(kind: DatabaseKind): ColumnTypes {
  return kind === "sqlite"
    ? { text: sql`text`, bytes: sql`blob`, integer: sql`integer` }
    : { text: sql`text collate "C"`, bytes: sql`bytea`, integer: sql`bigint` };
}

/** `create table`; STRICT on SQLite, so that a value of the wrong type fails there as it does on PostgreSQL. */
export function createTable(db: Schema, kind: DatabaseKind, name: string): CreateTableBuilder<string, never> {
  const table = db.schema.createTable(name);
  return kind === "sqlite" ? table.modifyEnd(sql`strict`) : table;
}

type Action = "update" | "delete" | "truncate";

/**
 * Makes the database refuse statements on a table, with an error that `fault()` calls `append_only`. `allowUpdate` is
 * an SQL condition over `old` and `new` that lets an update through. TRUNCATE goes with delete.
 */
export async function appendOnly(
  db: Schema,
  kind: DatabaseKind,
  table: string,
  forbid: readonly ("update" | "delete")[],
  allowUpdate?: string,
): Promise<void> {
  const create = kind === "sqlite" ? sqliteTrigger : postgresTrigger;
  for (const action of forbid) await create(db, table, action, action === "update" ? allowUpdate : undefined);
  if (kind === "postgres" && forbid.includes("delete")) await create(db, table, "truncate", undefined);
}

async function sqliteTrigger(db: Schema, table: string, action: Action, unless: string | undefined): Promise<void> {
  const when = unless === undefined ? sql`` : sql` when not (${sql.raw(unless)})`;
  await sql`create trigger ${sql.id(`${table}_no_${action}`)} before ${sql.raw(action)} on ${sql.table(table)}${when}
    begin select raise(abort, ${sql.lit(`append_only: ${table} refuses this ${action}`)}); end`.execute(db);
}

/** One function for every table: PostgreSQL's triggers have no bodies of their own. */
export const REFUSE_FUNCTION = "artifactstore_refuse_change";

async function postgresTrigger(db: Schema, table: string, action: Action, unless: string | undefined): Promise<void> {
  await sql`create or replace function ${sql.id(REFUSE_FUNCTION)}() returns trigger language plpgsql as $$
    begin raise exception 'append_only: % refuses this %', tg_table_name, lower(tg_op); end $$`.execute(db);
  const when = unless === undefined ? sql`` : sql` when (not (${sql.raw(unless)}))`;
  const each = sql.raw(action === "truncate" ? "statement" : "row");
  await sql`create trigger ${sql.id(`${table}_no_${action}`)} before ${sql.raw(action)} on ${sql.table(table)}
    for each ${each}${when} execute function ${sql.id(REFUSE_FUNCTION)}()`.execute(db);
}
