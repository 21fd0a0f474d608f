/** What an intruder with the database's password could do, and a few events that no use case writes. */
import { sql } from "kysely";
import { toHex } from "../../core/base/bytes.ts";
import { encodeCbor } from "../../core/base/cbor.ts";
import { commitmentOf, hashOf } from "../../core/events/chain.ts";
import type { EventEnvelope } from "../../core/events/types.ts";
import type { Caller, Database, NewEvent, Registry, Tables } from "../../core/mod.ts";
import { hasher } from "./registry_fixture.ts";

/** Commits events as they are, without a decision: for facts that no use case writes yet. */
export function commitRaw(registry: Registry, caller: Caller, ...events: readonly NewEvent[]): Promise<void> {
  return registry.ledger.commit(caller, { wants: {}, decide: () => ({ events, result: undefined }) });
}

export function deletePackage(registry: Registry, caller: Caller, packageId: string): Promise<void> {
  const payload = { reason: "no longer wanted" };
  return commitRaw(registry, caller, { type: "v1.package.deleted", subject: packageId, payload });
}

/** Takes the triggers away, then runs statements. */
export async function tamper(database: Database<Tables>, ...statements: readonly string[]): Promise<void> {
  await database.write(async (trx) => {
    for (const [table, actions] of [
      ["events", ["update", "delete"]],
      ["event_payloads", ["update", "delete"]],
      ["event_head", ["delete"]],
    ] as const) {
      for (const action of actions) {
        const on = database.kind === "postgres" ? sql` on ${sql.table(table)}` : sql``;
        await sql`drop trigger if exists ${sql.id(`${table}_no_${action}`)}${on}`.execute(trx);
      }
    }
    for (const statement of statements) await sql.raw(statement).execute(trx);
  });
}

/** A blob literal that both databases read. */
export function literal(kind: Database["kind"], bytes: Uint8Array): string {
  return kind === "sqlite" ? `x'${toHex(bytes)}'` : `'\\x${toHex(bytes)}'::bytea`;
}

/**
 * Appends an event with an arbitrary type, properly chained, behind the program's back; moves the views' positions too,
 * as a newer program would.
 */
export async function forge(
  database: Database<Tables>,
  type: string,
  payload: Uint8Array = encodeCbor({}),
): Promise<void> {
  await database.write(async (trx) => {
    const head = await trx.selectFrom("event_head").selectAll().executeTakeFirstOrThrow();
    const last = await trx
      .selectFrom("events")
      .select((eb) => eb.fn.max("tenant_sequence").as("n"))
      .where("tenant", "=", "default")
      .executeTakeFirst();
    const salt = new Uint8Array(16);
    const context = encodeCbor({});
    const sealed = {
      sequence: Number(head.sequence) + 1,
      event_id: crypto.randomUUID(),
      type: type as EventEnvelope["type"],
      tenant: "default",
      subject: "something",
      actor: "local:newer",
      occurred_at: "2026-01-02T03:04:05.006Z",
      commitment: commitmentOf(hasher, salt, context, payload),
      prev_hash: head.hash,
    };
    const hash = hashOf(hasher, sealed);
    await trx
      .insertInto("events")
      .values({ ...sealed, tenant_sequence: Number(last?.n ?? 0) + 1, hash })
      .execute();
    await trx.insertInto("event_payloads").values({ sequence: sealed.sequence, salt, context, payload }).execute();
    await trx.updateTable("event_head").set({ sequence: sealed.sequence, hash }).execute();
    await trx.updateTable("view_state").set({ applied_sequence: sealed.sequence }).execute();
  });
}
