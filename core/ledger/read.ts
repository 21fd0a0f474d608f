/** Reading the log as it is: whole pages in order of sequence, the head, one payload. Payloads are never re-encoded. */
import type { Kysely } from "kysely";
import { RegistryError } from "../base/errors.ts";
import type { StoredEvent } from "../events/types.ts";
import { payloadOf } from "../views/payloads.ts";
import type { Tables } from "../views/tables.ts";
import { type Head, toStoredEvent } from "./append.ts";

export interface LogQuery {
  /** Exclusive: events after this sequence. 0 = from the beginning. */
  readonly since: number;
  /** At most this many; 1..10000. */
  readonly limit: number;
}

export const ENVELOPE = [
  "events.sequence",
  "events.event_id",
  "events.type",
  "events.tenant",
  "events.tenant_sequence",
  "events.subject",
  "events.actor",
  "events.occurred_at",
  "events.commitment",
  "events.prev_hash",
  "events.hash",
] as const;

const MAX_LIMIT = 10_000;

/** @throws {RegistryError} `invalid_argument` */
export function checkRange({ since, limit }: LogQuery): void {
  if (Number.isSafeInteger(since) && since >= 0 && Number.isInteger(limit) && limit >= 1 && limit <= MAX_LIMIT) return;
  throw new RegistryError("invalid_argument", `Events are read since 0 or more, 1 to ${MAX_LIMIT} at a time`, {
    since: String(since),
    limit: String(limit),
  });
}

/** One page of the whole log, with payloads of any size. @throws {RegistryError} `invalid_argument` */
export async function readLog(db: Kysely<Tables>, query: LogQuery): Promise<StoredEvent[]> {
  checkRange(query);
  const rows = await db
    .selectFrom("events")
    .leftJoin("event_payloads", "event_payloads.sequence", "events.sequence")
    .select([...ENVELOPE, "event_payloads.salt", "event_payloads.context", "event_payloads.payload"])
    .where("events.sequence", ">", query.since)
    .orderBy("events.sequence")
    .limit(query.limit)
    .execute();
  return rows.map((row) => toStoredEvent(row as Parameters<typeof toStoredEvent>[0]));
}

export async function readHead(db: Kysely<Tables>): Promise<Head> {
  const row = await db
    .selectFrom("event_head")
    .select(["sequence", "hash"])
    .where("id", "=", 1)
    .executeTakeFirstOrThrow();
  return { sequence: Number(row.sequence), hash: row.hash };
}

/** The payload of an event as stored; `null` when it has been erased. */
export async function readPayload(db: Kysely<Tables>, sequence: number): Promise<Uint8Array | null> {
  return (await payloadOf(db, sequence)) ?? null;
}
