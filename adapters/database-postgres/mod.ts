/**
 * PostgreSQL as the registry's database: Kysely's PostgresDialect over a pool of our own (pool.ts).
 *
 * Transactions may use all connections but two, so that `read` works inside `write()` and beside waiting writers.
 */
import { Kysely, PostgresDialect, type RawBuilder, sql, type Transaction } from "kysely";
import { toHex } from "../../core/base/bytes.ts";
import { messageOf, RegistryError } from "../../core/base/errors.ts";
import type { Database, DatabaseInfo } from "../../core/spi/database.ts";
import { postgresFault } from "./faults.ts";
import { createGate } from "./gate.ts";
import { createListener } from "./listener.ts";
import { Pool } from "./pool.ts";

export interface PostgresOptions {
  /** `postgres://user:password@host:port/database`. */
  readonly url: string;
  /** Connections at most, 3 or more; one more listens while there are subscribers. Default 10. */
  readonly max?: number;
  /** Schema to work in, created if it is missing; lower case letters, digits, `_`. Default: the role's own. */
  readonly schema?: string;
}

/** Beginning of a scratch schema's name; then ms since the epoch in base 36, `_` and chance. A crash may leave some. */
export const SCRATCH_PREFIX = "artifactstore_scratch_";
const SCRATCH_NAME = new RegExp(`^${SCRATCH_PREFIX}([0-9a-z]{1,9})_[0-9a-f]{8}$`);

const SCHEMA_NAME = /^[a-z_][a-z0-9_]{0,39}$/;

/** Left free of transactions, for `read`. */
const READ_CONNECTIONS = 2;

/** Key of the advisory lock behind `exclusive()`: "artifact" in ASCII. Any constant would do; it must never change. */
const EXCLUSIVE_LOCK = "7021802765062071156";

const SESSION = {
  lock_timeout: "5s",
  statement_timeout: "30s",
  idle_in_transaction_session_timeout: "60s",
  synchronous_commit: "on",
  standard_conforming_strings: "on",
} as const;

/**
 * Connects and checks the server's settings.
 * @throws RegistryError `database_failed` (no connection, wrong encoding, `synchronous_commit` off), `invalid_argument`.
 */
// biome-ignore lint/suspicious/noExplicitAny: as in the SPI: any schema, narrowed by the caller
export async function openPostgresDatabase<Tables = any>(options: PostgresOptions): Promise<Database<Tables>> {
  const { url, max = 10, schema } = options;
  if (max <= READ_CONNECTIONS) {
    throw new RegistryError(
      "invalid_argument",
      `max is ${max}: at least ${READ_CONNECTIONS + 1} connections are needed.`,
    );
  }
  if (schema !== undefined && !SCHEMA_NAME.test(schema)) {
    throw new RegistryError(
      "invalid_argument",
      `"${schema}" is no schema name: lower case letters, digits and _, 40 at most.`,
    );
  }
  const session = {
    ...SESSION,
    ...(schema === undefined ? {} : { search_path: `"${schema}"` }),
    // So that everybody can see that it is in use.
    ...(schema !== undefined && SCRATCH_NAME.test(schema) ? { application_name: schema } : {}),
  };
  const read = new Kysely<Tables>({ dialect: new PostgresDialect({ pool: new Pool({ url, max, session }) }) });
  const current = await prepare(read, schema).catch(async (error) => {
    await read.destroy();
    throw error;
  });
  const channel = `artifactstore:${current}`;
  const transactions = createGate(max - READ_CONNECTIONS);
  const listener = createListener({ url, session, channel });

  function write<T>(work: (trx: Transaction<Tables>) => Promise<T>): Promise<T> {
    return transactions(() => read.transaction().setIsolationLevel("read committed").execute(work));
  }

  return {
    kind: "postgres",
    read,
    write,
    snapshot: (work) =>
      transactions(() =>
        read
          .transaction()
          .setIsolationLevel("repeatable read")
          .setAccessMode("read only")
          .execute(async (trx) => {
            await unlimited(trx);
            return work(trx);
          }),
      ),
    exclusive: (work) =>
      write(async (trx) => {
        await unlimited(trx);
        await sql`select pg_advisory_xact_lock(${EXCLUSIVE_LOCK}::bigint)`.execute(trx);
        return work(trx);
      }),
    fault: postgresFault,

    subscribe: listener.subscribe,
    async announce(trx) {
      await sql`select pg_notify(${channel}, '')`.execute(trx);
    },

    async scratch() {
      const random = toHex(crypto.getRandomValues(new Uint8Array(4)));
      const name = `${SCRATCH_PREFIX}${Date.now().toString(36)}_${random}`;
      const database = await openPostgresDatabase<Tables>({ url, max: READ_CONNECTIONS + 2, schema: name });
      return {
        database,
        async dispose() {
          await database.close();
          await sql`drop schema if exists ${sql.id(name)} cascade`.execute(read);
        },
      };
    },

    async scratchLeftovers(before) {
      const found = await sql<{
        name: string;
      }>`select nspname as name from pg_namespace where starts_with(nspname, ${SCRATCH_PREFIX})
        and not exists (select 1 from pg_stat_activity where application_name = nspname) order by nspname`.execute(
        read,
      );
      const begunAt = (name: string) => Number.parseInt(SCRATCH_NAME.exec(name)?.[1] ?? "", 36);
      return found.rows.map((row) => row.name).filter((name) => begunAt(name) < before);
    },
    async discardScratch(name) {
      if (!SCRATCH_NAME.test(name)) {
        throw new RegistryError("invalid_argument", "Names of scratch databases come from scratchLeftovers()", {
          name: name.slice(0, 200),
        });
      }
      await sql`drop schema if exists ${sql.id(name)} cascade`.execute(read);
    },

    async info(): Promise<DatabaseInfo> {
      return {
        kind: "postgres",
        version: await setting(read, "server_version"),
        synchronous: await setting(read, "synchronous_commit"),
      };
    },

    async close() {
      await listener.close();
      await read.destroy();
    },
  };
}

/** Long work is allowed: replaying a log takes longer than any request may. */
async function unlimited<Tables>(trx: Transaction<Tables>): Promise<void> {
  await sql`set local statement_timeout = 0`.execute(trx);
}

/** Checks what durability and byte order rest on; returns the schema in use. */
async function prepare<Tables>(db: Kysely<Tables>, schema: string | undefined): Promise<string> {
  let encoding: string;
  let synchronous: string;
  let current: string | undefined;
  try {
    encoding = await setting(db, "server_encoding");
    synchronous = await setting(db, "synchronous_commit");
    if (schema !== undefined) await createSchema(db, schema);
    current = await single(db, sql<{ value: string }>`select current_schema() as value`);
  } catch (error) {
    const what = `Cannot use the PostgreSQL database: ${messageOf(error)}. Check the URL, that the server runs, and the role's rights.`;
    throw new RegistryError("database_failed", what, { fault: postgresFault(error) }, error);
  }
  if (encoding !== "UTF8") {
    throw new RegistryError("database_failed", `The database's encoding is ${encoding}; create it with encoding UTF8.`);
  }
  if (synchronous === "off") {
    throw new RegistryError("database_failed", "synchronous_commit is off: a crash would lose acknowledged commits.");
  }
  if (!current) {
    throw new RegistryError("database_failed", "The role's search_path names no existing schema; pass one.");
  }
  return current;
}

async function createSchema<Tables>(db: Kysely<Tables>, schema: string): Promise<void> {
  const found = await single(db, sql<{ value: string }>`select to_regnamespace(${`"${schema}"`})::text as value`);
  if (found) return;
  // Two processes may meet here; "if not exists" can still collide in the catalogue, which means that it exists.
  await sql`create schema if not exists ${sql.id(schema)}`.execute(db).catch((error) => {
    if (postgresFault(error) !== "unique") throw error;
  });
}

function setting<Tables>(db: Kysely<Tables>, name: string): Promise<string> {
  return single(db, sql<{ value: string }>`select current_setting(${name}) as value`);
}

async function single<Tables>(db: Kysely<Tables>, query: RawBuilder<{ value: string }>): Promise<string> {
  return (await query.execute(db)).rows[0]?.value ?? "";
}
