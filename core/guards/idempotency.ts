/**
 * A request that carries a key is carried out once, however often it is sent
 * (draft-ietf-httpapi-idempotency-key-header).
 *
 * The key and what it made cannot be committed together: only the ledger writes what is made. So the id of what will be
 * made is chosen and recorded first, with the key; then it is made under that id; then the answer is recorded. A crash
 * between any two steps leaves a row that says where to look: what stands under the id is the answer, and if nothing
 * does, the next request makes it, under the same id. Two attempts can therefore never make two things.
 */

import type { Clock, Ids } from "../base/clock.ts";
import { toTimestamp } from "../base/clock.ts";
import { isRegistryError, RegistryError } from "../base/errors.ts";
import type { Caller } from "../spi/authenticator.ts";
import type { Database } from "../spi/database.ts";
import { deleteRows } from "../views/statements.ts";
import type { IdempotencyKeysTable, Tables } from "../views/tables.ts";

/** How long a key is remembered, ms. */
const MEMORY = 24 * 60 * 60 * 1000;
/** After this many ms an attempt without an outcome is taken for dead. */
const PATIENCE = 60_000;
/** Forgotten keys that one request clears away at most. */
const SWEEP = 100;
const KEY = /^[\x21-\x7e]{1,255}$/;
const PRIMARY_KEY = ["tenant", "principal", "idempotency_key"] as const;

export interface IdempotencyDeps {
  readonly database: Database<Tables>;
  readonly clock: Clock;
  readonly ids: Ids;
}

export interface KeyedCall<T> {
  /** 1 to 255 printable ASCII characters without spaces; known per tenant and principal. */
  readonly key: string;
  /** Equal for equal requests. */
  readonly fingerprint: string;
  /** Makes it under this id, or gives what stands there already. `T` is JSON. */
  make(id: string): Promise<T>;
  /** What stands under this id, as it was first answered. */
  find(id: string): Promise<T | undefined>;
}

/**
 * @throws {RegistryError} what `make` throws (the key is free again then, unless the outcome is unknown);
 * `idempotency_mismatch`, `idempotency_in_flight`, `invalid_argument`
 */
export async function onceForKey<T>(deps: IdempotencyDeps, caller: Caller, call: KeyedCall<T>): Promise<T> {
  if (!KEY.test(call.key)) {
    throw new RegistryError(
      "invalid_argument",
      "An idempotency key has 1 to 255 printable ASCII characters, no spaces",
    );
  }
  const { row, mine } = await claim(deps, caller, call);
  if (mine) return await attempt(deps, row, call);
  if (row.fingerprint !== call.fingerprint) {
    throw new RegistryError(
      "idempotency_mismatch",
      "This idempotency key was used for another request; use a new key for a new request",
      { first_used_at: row.created_at },
    );
  }
  if (row.answer !== null) return JSON.parse(row.answer) as T;
  const found = await call.find(row.subject);
  if (found !== undefined) {
    await settle(deps, row, found);
    return found;
  }
  const taken = await takeOver(deps, row);
  if (taken === undefined) {
    throw new RegistryError("idempotency_in_flight", "The first request with this key is still running; ask again", {
      attempted_at: row.attempted_at,
    });
  }
  return await attempt(deps, taken, call);
}

/** Records the key if it is not known; otherwise gives what is known. */
async function claim(deps: IdempotencyDeps, caller: Caller, call: KeyedCall<unknown>) {
  const { database, clock, ids } = deps;
  const now = clock.now();
  const forgotten = toTimestamp(now - MEMORY);
  const wanted: IdempotencyKeysTable = {
    tenant: caller.tenant,
    principal: caller.principal.subject,
    idempotency_key: call.key,
    fingerprint: call.fingerprint,
    status: "running",
    subject: ids.uuid(),
    answer: null,
    attempted_at: toTimestamp(now),
    created_at: toTimestamp(now),
  };
  const row = await database.write(async (trx) => {
    const old = await trx
      .selectFrom("idempotency_keys")
      .select(PRIMARY_KEY)
      .where("created_at", "<", forgotten)
      .orderBy("created_at")
      .limit(SWEEP)
      .execute();
    await deleteRows(
      trx,
      "idempotency_keys",
      PRIMARY_KEY,
      old.map((one) => PRIMARY_KEY.map((column) => one[column])),
    );
    const same = trx.deleteFrom("idempotency_keys").where("created_at", "<", forgotten);
    await ofKey(same, wanted).execute();
    await trx
      .insertInto("idempotency_keys")
      .values(wanted)
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    return await ofKey(trx.selectFrom("idempotency_keys").selectAll(), wanted).executeTakeFirstOrThrow();
  });
  return { row, mine: row.subject === wanted.subject };
}

async function attempt<T>(deps: IdempotencyDeps, row: IdempotencyKeysTable, call: KeyedCall<T>): Promise<T> {
  let answer: T;
  try {
    answer = await call.make(row.subject);
  } catch (error) {
    const nothingMade = isRegistryError(error) && error.code !== "outcome_unknown" && error.code !== "internal";
    // What was refused may be asked again, corrected or not. If this fails too, the claim ends by itself.
    if (nothingMade) {
      await deps.database
        .write((trx) => ofAttempt(trx.deleteFrom("idempotency_keys"), row).execute())
        .catch(() => undefined);
    }
    throw error;
  }
  await settle(deps, row, answer);
  return answer;
}

/** It is made; that nobody could note so is no reason to say otherwise: `find` will tell the next one. */
async function settle(deps: IdempotencyDeps, row: IdempotencyKeysTable, answer: unknown): Promise<void> {
  const done = { status: "done", answer: JSON.stringify(answer) };
  await deps.database
    .write((trx) => ofAttempt(trx.updateTable("idempotency_keys").set(done), row).execute())
    .catch(() => undefined);
}

/** One of those who find a dead attempt goes on with it. */
async function takeOver(deps: IdempotencyDeps, row: IdempotencyKeysTable): Promise<IdempotencyKeysTable | undefined> {
  const now = deps.clock.now();
  if (row.attempted_at > toTimestamp(now - PATIENCE)) return undefined;
  const attempted_at = toTimestamp(now);
  const { numUpdatedRows } = await deps.database.write((trx) =>
    ofAttempt(trx.updateTable("idempotency_keys").set({ attempted_at }), row).executeTakeFirstOrThrow(),
  );
  return numUpdatedRows === 1n ? { ...row, attempted_at } : undefined;
}

interface Filterable<Q> {
  where(column: keyof IdempotencyKeysTable, operator: "=", value: string): Q;
}

function ofKey<Q extends Filterable<Q>>(query: Q, row: IdempotencyKeysTable): Q {
  return PRIMARY_KEY.reduce((narrowed, column) => narrowed.where(column, "=", row[column]), query);
}

/** The row, as long as this attempt is the newest and has no outcome. */
function ofAttempt<Q extends Filterable<Q>>(query: Q, row: IdempotencyKeysTable): Q {
  return ofKey(query, row)
    .where("subject", "=", row.subject)
    .where("attempted_at", "=", row.attempted_at)
    .where("status", "=", "running");
}
