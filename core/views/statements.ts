/**
 * Statements for many rows at once, compiled once. Kysely builds the SQL; after that only fresh parameters travel.
 * (Compiling a 256-row insert costs more than running it.)
 *
 * Rows and keys go in chunks whose sizes are powers of two, so each statement has at most nine compiled forms and
 * the databases' own statement caches stay small. 256 rows of 17 columns are 4,352 parameters; SQLite allows 32,766
 * and PostgreSQL 65,535.
 */
import { CompiledQuery, type Kysely, type RawBuilder, sql } from "kysely";
import { longTurn } from "../base/turn.ts";
import type { Tables } from "./tables.ts";

const MAX_CHUNK = 256;

/** Compiled statements by dialect adapter (one object per Kysely instance), then by statement key. */
const compiled = new WeakMap<object, Map<string, CompiledQuery>>();

function compiledOnce(db: Kysely<Tables>, key: string, build: () => CompiledQuery): CompiledQuery {
  const adapter = db.getExecutor().adapter;
  let statements = compiled.get(adapter);
  if (statements === undefined) {
    statements = new Map();
    compiled.set(adapter, statements);
  }
  let statement = statements.get(key);
  if (statement === undefined) {
    // Without the values that it was compiled with.
    statement = CompiledQuery.raw(build().sql);
    statements.set(key, statement);
  }
  return statement;
}

/**
 * The statement with fresh parameters. `CompiledQuery.raw()` would freeze them, which for 256 rows takes longer than
 * SQLite needs to insert these.
 */
function bound<R>(statement: CompiledQuery, parameters: readonly unknown[]): CompiledQuery<R> {
  const { sql: text, query, queryId } = statement;
  return { sql: text, query, queryId, parameters };
}

function* chunksOf<T>(items: readonly T[]): Generator<readonly T[]> {
  let at = 0;
  while (at < items.length) {
    let size = MAX_CHUNK;
    while (size > items.length - at) size >>= 1;
    yield items.slice(at, at + size);
    at += size;
  }
}

/** The rows of a statement that is compiled once; `build` makes it with any parameters. `key` names it. */
export async function selectPrepared<R>(
  db: Kysely<Tables>,
  key: string,
  build: () => CompiledQuery,
  parameters: readonly unknown[],
): Promise<R[]> {
  return (await db.executeQuery<R>(bound(compiledOnce(db, key, build), parameters))).rows;
}

type Row = Readonly<Record<string, unknown>>;

/**
 * Inserts `rows`; with `keys`, a row whose key exists is overwritten in all `columns`. No key may occur twice.
 * Every row has every column.
 */
export async function insertRows<R extends Row>(
  db: Kysely<Tables>,
  table: keyof Tables & string,
  columns: readonly (keyof R & string)[],
  rows: readonly R[],
  keys: readonly (keyof R & string)[] = [],
): Promise<void> {
  for (const chunk of chunksOf(rows)) {
    const statement = compiledOnce(db, `insert ${table} ${keys.length > 0} ${chunk.length}`, () => {
      const tuple = sql`(${sql.join(columns.map(() => sql.val(null)))})`;
      const overwritten = columns.filter((c) => !keys.includes(c));
      const conflict: RawBuilder<unknown> =
        keys.length === 0
          ? sql``
          : overwritten.length === 0
            ? sql` on conflict (${sql.join(keys.map((k) => sql.ref(k)))}) do nothing`
            : sql` on conflict (${sql.join(keys.map((k) => sql.ref(k)))}) do update set ${sql.join(
                overwritten.map((c) => sql`${sql.ref(c)} = ${sql.ref(`excluded.${c}`)}`),
              )}`;
      return sql`insert into ${sql.table(table)} (${sql.join(columns.map((c) => sql.ref(c)))}) values ${sql.join(
        chunk.map(() => tuple),
      )}${conflict}`.compile(db);
    });
    const parameters: unknown[] = [];
    for (const row of chunk) for (const column of columns) parameters.push(row[column]);
    await db.executeQuery(bound(statement, parameters));
  }
}

/** Deletes the rows whose `keys` columns equal one of `tuples`. */
export async function deleteRows(
  db: Kysely<Tables>,
  table: keyof Tables & string,
  keys: readonly string[],
  tuples: readonly (readonly unknown[])[],
): Promise<void> {
  for (const chunk of chunksOf(tuples)) {
    const statement = compiledOnce(db, `delete ${table} ${keys.join()} ${chunk.length}`, () =>
      sql`delete from ${sql.table(table)} where ${matching(keys, chunk.length)}`.compile(db),
    );
    await db.executeQuery(bound(statement, chunk.flat()));
  }
}

/** Rows that one statement deletes where nobody knows how many there are: a few milliseconds. */
const DELETED_AT_ONCE = 1000;

/** Deletes every row of a repository, in steps between which the event loop gets its turns. `keys`: the primary key. */
export async function deleteOfRepository(
  db: Kysely<Tables>,
  table: keyof Tables & string,
  keys: readonly string[],
  repositoryId: string,
): Promise<void> {
  const columns = sql.join(keys.map((key) => sql.ref(key)));
  const step = () =>
    sql`delete from ${sql.table(table)} where (${columns}) in
      (select ${columns} from ${sql.table(table)} where repository_id = ${""} limit ${sql.lit(DELETED_AT_ONCE)})`.compile(
      db,
    );
  for (;;) {
    const statement = compiledOnce(db, `delete ${table} of repository`, step);
    const { numAffectedRows } = await db.executeQuery(bound(statement, [repositoryId]));
    if (Number(numAffectedRows ?? 0) < DELETED_AT_ONCE) return;
    await longTurn();
  }
}

/** All rows whose `keys` columns equal one of `tuples`, in no particular order. */
export async function selectByKeys<T extends keyof Tables & string, C extends keyof Tables[T] & string>(
  db: Kysely<Tables>,
  table: T,
  columns: readonly C[],
  keys: readonly (keyof Tables[T] & string)[],
  tuples: readonly (readonly unknown[])[],
): Promise<Pick<Tables[T], C>[]> {
  const rows: Pick<Tables[T], C>[] = [];
  for (const chunk of chunksOf(tuples)) {
    const statement = compiledOnce(db, `select ${table} ${columns.join()} ${keys.join()} ${chunk.length}`, () =>
      sql`select ${sql.join(columns.map((c) => sql.ref(c)))} from ${sql.table(table)} where ${matching(keys, chunk.length)}`.compile(
        db,
      ),
    );
    const result = await db.executeQuery<Pick<Tables[T], C>>(bound(statement, chunk.flat()));
    for (const row of result.rows) rows.push(row);
  }
  return rows;
}

/** `(a, b) in (values (?, ?), ...)`: both databases answer it from the index on (a, b). */
function matching(keys: readonly string[], count: number): RawBuilder<unknown> {
  const one = sql.join(keys.map(() => sql.val("")));
  const list = Array.from({ length: count }, () => sql`(${one})`);
  if (keys.length === 1)
    return sql`${sql.ref(keys[0] as string)} in (${sql.join(Array.from({ length: count }, () => one))})`;
  return sql`(${sql.join(keys.map((k) => sql.ref(k)))}) in (values ${sql.join(list)})`;
}
