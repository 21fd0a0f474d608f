/**
 * Runs what is pending in one transaction under the database's exclusive lock, on SQLite and PostgreSQL alike. A kill
 * at any moment, or a second process, leaves the old schema or the new one (Kysely's migrator promises neither on
 * SQLite).
 */
import { sql } from "kysely";
import { toTimestamp } from "../core/base/clock.ts";
import { RegistryError } from "../core/base/errors.ts";
import type { Database, DatabaseKind } from "../core/spi/database.ts";
import { migrations as allMigrations } from "./list.ts";
import { columnTypes, createTable, type Migration, REFUSE_FUNCTION, type Schema } from "./types.ts";

const TABLE = "schema_migrations";

export interface MigrationResult {
  /** Names of what was applied now, in order. */
  readonly applied: readonly string[];
  /** Version of the schema afterwards. */
  readonly version: number;
}

export interface SchemaState {
  /** 0 before the first migration. */
  readonly version: number;
  /** What this program brings. */
  readonly latest: number;
  /** Names of what `migrate` would apply. */
  readonly pending: readonly string[];
}

/**
 * Brings the schema up to date. Safe to call at every start and from several processes.
 * @throws RegistryError `schema_too_new`; `database_failed` when the recorded migrations are not this program's.
 */
export async function migrate(
  db: Database,
  migrations: readonly Migration[] = allMigrations,
  now: () => number = Date.now,
): Promise<MigrationResult> {
  return db.exclusive((trx) => applyPending(trx, db.kind, migrations, now));
}

/** Drops every table that these migrations own, and nothing else, then migrates; all or nothing. Every event is lost. */
export async function migrateFresh(
  db: Database,
  migrations: readonly Migration[] = allMigrations,
  now: () => number = Date.now,
): Promise<MigrationResult> {
  return db.exclusive(async (trx) => {
    // A newer schema has tables that this program does not know: dropping the others would leave a wreck.
    pendingOf(await recorded(trx, db.kind), migrations);
    for (const migration of migrations.toReversed()) {
      for (const table of migration.tables.toReversed()) await trx.schema.dropTable(table).ifExists().execute();
    }
    await trx.schema.dropTable(TABLE).ifExists().execute();
    if (db.kind === "postgres") await sql`drop function if exists ${sql.id(REFUSE_FUNCTION)}()`.execute(trx);
    return applyPending(trx, db.kind, migrations, now);
  });
}

/** What the database says about itself. @throws as {@link migrate}. */
export async function schemaState(
  db: Database,
  migrations: readonly Migration[] = allMigrations,
): Promise<SchemaState> {
  const applied = await recorded(db.read, db.kind);
  const pending = pendingOf(applied, migrations);
  return { version: versionOf(applied), latest: versionOf(migrations), pending: pending.map((one) => one.name) };
}

/** @throws RegistryError `schema_missing` when migrations are pending, `schema_too_new` when the program is older. */
export async function assertSchemaCurrent(
  db: Database,
  migrations: readonly Migration[] = allMigrations,
): Promise<void> {
  const state = await schemaState(db, migrations);
  if (state.pending.length === 0) return;
  throw new RegistryError(
    "schema_missing",
    `The database has schema version ${state.version}, this program needs ${state.latest}: run \`artifactstore migrate\`.`,
    { ...state },
  );
}

interface Applied {
  readonly version: number;
  readonly name: string;
}

async function applyPending(
  trx: Schema,
  kind: DatabaseKind,
  migrations: readonly Migration[],
  now: () => number,
): Promise<MigrationResult> {
  const pending = pendingOf(await recorded(trx, kind), migrations);
  if (pending.length > 0) {
    const { integer, text } = columnTypes(kind);
    await createTable(trx, kind, TABLE)
      .ifNotExists()
      .addColumn("version", integer, (c) => c.notNull().primaryKey())
      .addColumn("name", text, (c) => c.notNull())
      .addColumn("applied_at", text, (c) => c.notNull())
      .execute();
  }
  for (const migration of pending) {
    await migration.up(trx, kind);
    await trx
      .insertInto(TABLE)
      .values({ version: migration.version, name: migration.name, applied_at: toTimestamp(now()) })
      .execute();
  }
  return { applied: pending.map((one) => one.name), version: versionOf(migrations) };
}

async function recorded(db: Schema, kind: DatabaseKind): Promise<readonly Applied[]> {
  const found =
    kind === "sqlite"
      ? await sql`select 1 from sqlite_master where type = 'table' and name = ${TABLE}`.execute(db)
      : // Not to_regclass: it answers from the session's cache, which may still say "no such table" from before the
        // lock was waited for.
        await sql`select 1 from pg_catalog.pg_tables where schemaname = current_schema() and tablename = ${TABLE}`.execute(
          db,
        );
  if (found.rows.length === 0) return [];
  const rows = await db.selectFrom(TABLE).select(["version", "name"]).orderBy("version").execute();
  return rows as Applied[];
}

/** The migrations still to run; the recorded ones must be the beginning of the list. */
function pendingOf(applied: readonly Applied[], migrations: readonly Migration[]): readonly Migration[] {
  const found = versionOf(applied);
  const latest = versionOf(migrations);
  if (found > latest) {
    throw new RegistryError(
      "schema_too_new",
      `The database has schema version ${found}, this program knows ${latest} at most: use a newer artifactstore.`,
      { version: found, latest },
    );
  }
  for (const [index, one] of applied.entries()) {
    const expected = migrations[index];
    if (expected?.version === one.version && expected.name === one.name) continue;
    throw new RegistryError(
      "database_failed",
      `The database records migration ${one.version} "${one.name}" where this program has ${expected?.version} "${expected?.name}": it was made by another program.`,
      { recorded: one.version, expected: expected?.version },
    );
  }
  return migrations.slice(applied.length);
}

function versionOf(list: readonly { readonly version: number }[]): number {
  return list.at(-1)?.version ?? 0;
}
