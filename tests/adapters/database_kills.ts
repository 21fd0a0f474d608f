/**
 * What a killed PostgreSQL backend must not do: end the process, strand a query, or let half a transaction commit.
 * No test runner, so that the same steps run on Bun, Deno and Node.
 */
import { sql } from "kysely";
import { openPostgresDatabase } from "../../adapters/database-postgres/mod.ts";
import type { Database } from "../../core/spi/database.ts";

/** How long a query may take to settle before it counts as stranded, in ms. */
const STRANDED = 10_000;

export async function surviveKills(url: string): Promise<void> {
  const db = await openPostgresDatabase({ url, max: 5 });
  const admin = await openPostgresDatabase({ url, max: 3 });
  try {
    await db.write((trx) => sql`create table survivor (id int primary key)`.execute(trx));
    await whileBusy(db, admin);
    await whileIdle(db, admin);
    await insideTransaction(db, admin);
    await insideTransactionWithManyInFlight(db, admin);
    await atCommit(db, admin);
  } finally {
    await settled(db.close(), "close()");
    await admin.close();
  }
}

async function whileBusy(db: Database, admin: Database): Promise<void> {
  for (let round = 0; round < 3; round++) {
    const queries = Array.from({ length: 12 }, () => sql`select pg_sleep(0.3)`.execute(db.read));
    const outcomes = Promise.allSettled(queries);
    await until(async () => (await backends(admin, "active")) === 5);
    await kill(admin);
    const failed = (await settled(outcomes, "queries of killed backends")).filter((one) => one.status === "rejected");
    check(failed.length === 5, `5 queries fail with their backends, found ${failed.length}`);
    for (const one of failed) check(db.fault(one.reason) === "connection", `fault ${db.fault(one.reason)}`);
    await works(db);
  }
}

async function whileIdle(db: Database, admin: Database): Promise<void> {
  await kill(admin);
  await until(async () => (await backends(admin)) === 0);
  await pause(50);
  await works(db);
}

async function insideTransaction(db: Database, admin: Database): Promise<void> {
  const failure = await db
    .write(async (trx) => {
      await sql`insert into survivor values (1)`.execute(trx);
      await kill(admin);
      // The client has seen the end by now. One that connected again would run the rest outside the transaction.
      await pause(100);
      await sql`insert into survivor values (2)`.execute(trx);
    })
    .then(
      () => undefined,
      (error) => error,
    );
  check(db.fault(failure) === "connection", `a killed transaction rejects with a lost connection, found ${failure}`);
  const { rows } = await sql<{ id: number }>`select id from survivor`.execute(db.read);
  check(rows.length === 0, `nothing of a killed transaction stays, found ${JSON.stringify(rows)}`);
}

async function insideTransactionWithManyInFlight(db: Database, admin: Database): Promise<void> {
  const transaction = db.write(async (trx) => {
    const queries = Promise.all(Array.from({ length: 10 }, () => sql`select pg_sleep(0.05)`.execute(trx)));
    const killed = pause(75).then(() => kill(admin));
    await Promise.all([queries, killed]);
  });
  const [outcome] = await settled(Promise.allSettled([transaction]), "a transaction with many queries in flight");
  check(outcome?.status === "rejected", "it rejects");
  await works(db);
}

async function atCommit(db: Database, admin: Database): Promise<void> {
  await sql`create or replace function linger() returns trigger language plpgsql as $$
    begin perform pg_sleep(5); return null; end $$`.execute(admin.read);
  await sql`create constraint trigger linger after insert on survivor deferrable initially deferred
    for each row execute function linger()`.execute(admin.read);
  const commit = db.write((trx) => sql`insert into survivor values (3)`.execute(trx));
  const outcome = Promise.allSettled([commit]);
  await until(async () => (await backends(admin, "active")) === 1);
  await kill(admin);
  const [result] = await settled(outcome, "a commit whose backend was killed");
  check(result?.status === "rejected" && db.fault(result.reason) === "connection", "it rejects: outcome unknown");
  await sql`drop trigger linger on survivor`.execute(admin.read);
  await works(db);
}

async function works(db: Database): Promise<void> {
  for (let i = 0; i < 6; i++) {
    const { rows } = await settled(sql<{ one: number }>`select 1 as one`.execute(db.read), "a query after the kill");
    check(rows[0]?.one === 1, "a query after the kill answers");
  }
  await settled(
    db.write((trx) => sql`select 1`.execute(trx)),
    "a write after the kill",
  );
}

/** Everything on this database but the administrator's own session. */
const OTHERS = sql`datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'`;

async function kill(admin: Database): Promise<void> {
  await sql`select pg_terminate_backend(pid) from pg_stat_activity where ${OTHERS}`.execute(admin.read);
}

async function backends(admin: Database, state?: string): Promise<number> {
  const wanted = state === undefined ? sql`` : sql` and state = ${state}`;
  const { rows } = await sql`select pid from pg_stat_activity where ${OTHERS}${wanted}`.execute(admin.read);
  return rows.length;
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + STRANDED;
  while (!(await condition())) {
    check(performance.now() < deadline, "the expected state never came");
    await pause(10);
  }
}

async function settled<T>(promise: Promise<T>, what: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const stranded = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} never settled`)), STRANDED);
  });
  try {
    return await Promise.race([promise, stranded]);
  } finally {
    clearTimeout(timer);
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

function check(condition: boolean, promise: string): asserts condition {
  if (!condition) throw new Error(promise);
}
