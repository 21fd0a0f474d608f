/** Reading the log: pages and tails. Events come back as stored; payloads are never re-encoded. */
import type { Kysely } from "kysely";
import { RegistryError } from "../base/errors.ts";
import type { StoredEvent } from "../events/types.ts";
import type { Database } from "../spi/database.ts";
import type { Tables } from "../views/tables.ts";
import { type Head, toStoredEvent } from "./append.ts";

export interface EventQuery {
  /** Exclusive: events after this sequence (of the tenant's feed where `tenant` is given). 0 = from the beginning. */
  readonly since: number;
  /** At most this many; 1..10000. */
  readonly limit: number;
  /** Only this tenant's events; `since` then counts in `tenant_sequence`. */
  readonly tenant?: string;
}

const COLUMNS = [
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
  "event_payloads.salt",
  "event_payloads.context",
  "event_payloads.payload",
] as const;

const MAX_LIMIT = 10_000;

/** One page in order of sequence. @throws {RegistryError} `invalid_argument` */
export async function readEvents(db: Kysely<Tables>, query: EventQuery): Promise<StoredEvent[]> {
  const { since, limit } = query;
  if (!Number.isSafeInteger(since) || since < 0 || !Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT) {
    throw new RegistryError("invalid_argument", `Events are read since 0 or more, 1 to ${MAX_LIMIT} at a time`, {
      since: String(since),
      limit: String(limit),
    });
  }
  let select = db
    .selectFrom("events")
    .leftJoin("event_payloads", "event_payloads.sequence", "events.sequence")
    .select(COLUMNS)
    .limit(query.limit);
  select =
    query.tenant === undefined
      ? select.where("events.sequence", ">", query.since).orderBy("events.sequence")
      : select
          .where("events.tenant", "=", query.tenant)
          .where("events.tenant_sequence", ">", query.since)
          .orderBy("events.tenant_sequence");
  const rows = await select.execute();
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

/** Wakes whoever waits for events: commits of this process at once, others' through the database or by polling. */
export class Wakeups {
  readonly #waiting = new Set<() => void>();

  wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const resolve of waiting) resolve();
  }

  /** Resolves at the next wake, after `milliseconds`, or when the signal aborts. */
  wait(milliseconds: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#waiting.delete(done);
        signal?.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, milliseconds);
      this.#waiting.add(done);
      signal?.addEventListener("abort", done, { once: true });
      if (signal?.aborted === true) done();
    });
  }
}

const POLL_MILLISECONDS = 1000;
const PAGE = 500;

export interface TailOptions {
  readonly since: number;
  readonly tenant?: string;
  /** Ends when the log has been read up to what is committed. Default false: wait for more. */
  readonly follow?: boolean;
  readonly signal?: AbortSignal;
}

/** Every event after `since`, once, in order. A slow reader holds one page and nothing of the writer. */
export async function* tailEvents(
  database: Database<Tables>,
  wakeups: Wakeups,
  options: TailOptions,
): AsyncGenerator<StoredEvent, void, void> {
  const { tenant, follow = true, signal } = options;
  let since = options.since;
  let unsubscribe: (() => Promise<void>) | undefined;
  try {
    if (follow) unsubscribe = await database.subscribe(() => wakeups.wake());
    while (!signal?.aborted) {
      // The wait begins before the page is read, so that a commit in between ends it.
      const woken = follow ? wakeups.wait(POLL_MILLISECONDS, signal) : undefined;
      const page = await readEvents(database.read, { since, limit: PAGE, ...(tenant === undefined ? {} : { tenant }) });
      for (const event of page) {
        if (signal?.aborted) return;
        yield event;
        since = tenant === undefined ? event.sequence : event.tenant_sequence;
      }
      if (page.length === PAGE) continue;
      if (woken === undefined) return;
      await woken;
    }
  } finally {
    await unsubscribe?.();
  }
}
