/**
 * Finding the events of a feed: of the log or of one tenant, of some types, of one subject. Every search walks one
 * index in order from where it stands, looks at a bounded number of entries, and says how far it came: a filter that
 * matches nothing in a long log never holds a turn of the event loop for longer than a plain page does.
 */
import { type Kysely, sql } from "kysely";
import { RegistryError } from "../base/errors.ts";
import { EVENT_TYPES, type EventType, type StoredEvent } from "../events/types.ts";
import type { Tables } from "../views/tables.ts";
import { toStoredEvent } from "./append.ts";
import { ENVELOPE, readHead } from "./read.ts";

/** Which events a feed has. */
export interface EventFilter {
  /** Only this tenant's; positions are then `tenant_sequence`, else `sequence`. */
  readonly tenant?: string | undefined;
  /** Only of these types; 1..32 of them. */
  readonly types?: readonly EventType[] | undefined;
  readonly subject?: string | undefined;
}

/** An event whose payload is left out (`payload: null`, with its size) where it is larger than `INLINE_BYTES`. */
export interface LoadedEvent extends StoredEvent {
  /** Bytes; `null` once erased. */
  readonly payload_size: number | null;
}

/** Feeds carry payloads up to this size (DESIGN 4). */
export const INLINE_BYTES = 64 * 1024;
/** Index entries that one search looks at. */
const WINDOW = 2000;
const MAX_TYPES = 32;

/** @throws {RegistryError} `invalid_argument` */
export function checkFilter({ types, subject }: EventFilter): void {
  const known = types === undefined || (types.length >= 1 && types.length <= MAX_TYPES);
  const unknown = types?.find((type) => !EVENT_TYPES.has(type));
  if (!known || unknown !== undefined) {
    throw new RegistryError(
      "invalid_argument",
      unknown === undefined
        ? `Name 1 to ${MAX_TYPES} event types, or none for all`
        : `There is no event type ${JSON.stringify(unknown.slice(0, 100))}`,
    );
  }
  if (subject !== undefined && !/^[!-~]{1,200}$/.test(subject)) {
    throw new RegistryError("invalid_argument", "A subject is an id of 1 to 200 ASCII characters, without spaces");
  }
}

/** Where an event stands in a feed. */
export function positionOf(filter: EventFilter, event: { sequence: number; tenant_sequence: number }): number {
  return filter.tenant === undefined ? event.sequence : event.tenant_sequence;
}

/** Position of the newest event, 0 for none. */
export async function endOf(db: Kysely<Tables>, tenant: string | undefined): Promise<number> {
  if (tenant === undefined) return (await readHead(db)).sequence;
  const row = await db
    .selectFrom("events")
    .select((eb) => eb.fn.max("tenant_sequence").as("last"))
    .where("tenant", "=", tenant)
    .executeTakeFirst();
  return Number(row?.last ?? 0);
}

export interface Found {
  /** Global sequences of what matches, in order. */
  readonly sequences: readonly number[];
  /** Everything up to here has been looked at. */
  readonly position: number;
}

/** Matches after `since`, up to `until`, `count` at most. Looks at a bounded number of entries. */
export async function find(
  db: Kysely<Tables>,
  filter: EventFilter,
  since: number,
  until: number,
  count: number,
): Promise<Found> {
  const { tenant, types, subject } = filter;
  if (since >= until) return { sequences: [], position: since };
  if (subject !== undefined) return await findBySubject(db, subject, filter, since, until, count);
  if (tenant !== undefined) {
    const last = Math.min(until, since + (types === undefined ? count : WINDOW));
    const rows = await db
      .selectFrom("events")
      .select(["sequence", "tenant_sequence", "type"])
      .where("tenant", "=", tenant)
      .where("tenant_sequence", ">", since)
      .where("tenant_sequence", "<=", last)
      .orderBy("tenant_sequence")
      .execute();
    return pick(filter, rows, count, last);
  }
  if (types === undefined) {
    // Gapless: what comes next needs no look-up.
    const last = Math.min(until, since + count);
    return { sequences: Array.from({ length: last - since }, (_, i) => since + 1 + i), position: last };
  }
  // One ordered walk per type: a list of types in one condition would be gathered whole and then sorted.
  const walks = [...new Set(types)].map(
    (type) => sql`select sequence from (
      select sequence from events where type = ${type} and sequence > ${since} and sequence <= ${until}
      order by sequence limit ${count}) as walk`,
  );
  const { rows } = await sql<{ sequence: number }>`${sql.join(walks, sql` union all `)}`.execute(db);
  const sequences = rows.map((row) => Number(row.sequence)).sort((a, b) => a - b);
  if (sequences.length < count) return { sequences, position: until };
  return { sequences: sequences.slice(0, count), position: sequences[count - 1] as number };
}

interface Candidate {
  readonly sequence: number;
  readonly tenant_sequence: number;
  readonly type: string;
}

/** Of candidates in order, which are all there are up to `last`, those that match. */
function pick(filter: EventFilter, rows: readonly Candidate[], count: number, last: number): Found {
  const { types } = filter;
  const matching = types === undefined ? rows : rows.filter((row) => types.includes(row.type as EventType));
  const sequences = matching.slice(0, count).map((row) => Number(row.sequence));
  const final = matching[count - 1];
  if (final === undefined) return { sequences, position: last };
  return {
    sequences,
    position: positionOf(filter, {
      sequence: Number(final.sequence),
      tenant_sequence: Number(final.tenant_sequence),
    }),
  };
}

async function findBySubject(
  db: Kysely<Tables>,
  subject: string,
  filter: EventFilter,
  since: number,
  until: number,
  count: number,
): Promise<Found> {
  const { tenant, types } = filter;
  let after = tenant === undefined ? since : await sequenceAt(db, tenant, since);
  const size = types === undefined ? Math.min(count, WINDOW) : WINDOW;
  for (;;) {
    let query = db
      .selectFrom("events")
      .select(["sequence", "tenant_sequence", "type", "tenant"])
      .where("subject", "=", subject)
      .where("sequence", ">", after)
      .orderBy("sequence")
      .limit(size);
    if (tenant === undefined) query = query.where("sequence", "<=", until);
    const rows = await query.execute();
    const own = rows.filter(
      (row) => tenant === undefined || (row.tenant === tenant && Number(row.tenant_sequence) <= until),
    );
    if (rows.length < size) return pick(filter, own, count, until);
    const last = own.at(-1);
    if (last !== undefined) {
      return pick(
        filter,
        own,
        count,
        positionOf(filter, { sequence: Number(last.sequence), tenant_sequence: Number(last.tenant_sequence) }),
      );
    }
    // A whole window of other tenants' events: only an object that they share has any, and few.
    after = Number(rows.at(-1)?.sequence);
  }
}

/** Global sequence of a tenant's event; 0 when there is none. */
export async function sequenceAt(db: Kysely<Tables>, tenant: string, tenantSequence: number): Promise<number> {
  const row = await db
    .selectFrom("events")
    .select("sequence")
    .where("tenant", "=", tenant)
    .where("tenant_sequence", "=", tenantSequence)
    .executeTakeFirst();
  return Number(row?.sequence ?? 0);
}

/** Bound variables of one statement; SQLite allows 32,766. */
const CHUNK = 512;
/** What an event costs besides its payload, roughly. */
const ENVELOPE_BYTES = 600;

/** What is loaded at once. */
export interface Budget {
  /** Events. */
  readonly limit: number;
  /** Payload bytes and envelopes together; one event is always given. */
  readonly bytes: number;
}

/** These events, as far as `bytes` go. `cut`: more of them are left. */
export async function load(
  db: Kysely<Tables>,
  sequences: readonly number[],
  bytes: number,
): Promise<{ readonly events: LoadedEvent[]; readonly cut: boolean }> {
  const events: LoadedEvent[] = [];
  let left = bytes;
  for (let at = 0; at < sequences.length; at += CHUNK) {
    const chunk = sequences.slice(at, at + CHUNK);
    // Sizes first: payloads that the budget leaves out are not read.
    const sizes = await db
      .selectFrom("event_payloads")
      .select(["sequence", sql<number | null>`length(payload)`.as("size")])
      .where("sequence", "in", padded(chunk))
      .execute();
    const sizeOf = new Map(sizes.map((row) => [Number(row.sequence), row.size === null ? null : Number(row.size)]));
    const taken = chunk.findIndex((sequence, i) => {
      const size = sizeOf.get(sequence) ?? 0;
      left -= ENVELOPE_BYTES + (size > INLINE_BYTES ? 0 : size);
      return left < 0 && (i > 0 || events.length > 0);
    });
    const wanted = taken === -1 ? chunk : chunk.slice(0, taken);
    if (wanted.length > 0) events.push(...(await loadChunk(db, wanted, sizeOf)));
    if (taken !== -1) return { events, cut: true };
  }
  return { events, cut: false };
}

async function loadChunk(
  db: Kysely<Tables>,
  sequences: readonly number[],
  sizeOf: ReadonlyMap<number, number | null>,
): Promise<LoadedEvent[]> {
  const rows = await db
    .selectFrom("events")
    .leftJoin("event_payloads", "event_payloads.sequence", "events.sequence")
    .select([
      ...ENVELOPE,
      "event_payloads.salt",
      "event_payloads.context",
      sql<Uint8Array | null>`case when length(payload) <= ${sql.lit(INLINE_BYTES)} then payload end`.as("payload"),
    ])
    .where("events.sequence", "in", padded(sequences))
    .orderBy("events.sequence")
    .execute();
  return rows.map((row) => {
    const event = toStoredEvent(row as Parameters<typeof toStoredEvent>[0]);
    // It may have been erased since its size was read.
    return { ...event, payload_size: event.salt === null ? null : (sizeOf.get(event.sequence) ?? null) };
  });
}

/** Filled up to a power of two with its last item, so that the databases see few forms of a statement. */
function padded(sequences: readonly number[]): number[] {
  const size = 2 ** Math.ceil(Math.log2(sequences.length));
  const last = sequences.at(-1) as number;
  return [...sequences, ...new Array<number>(size - sequences.length).fill(last)];
}
