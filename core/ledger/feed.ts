/** Feeds: pages, and readers that follow. What is at the live edge comes from one place for all (`live.ts`). */
import { RegistryError } from "../base/errors.ts";
import { turn } from "../base/turn.ts";
import type { Database } from "../spi/database.ts";
import type { Tables } from "../views/tables.ts";
import type { LiveEdge } from "./live.ts";
import { checkRange, readPayload } from "./read.ts";
import { type Budget, checkFilter, type EventFilter, endOf, find, type LoadedEvent, load, positionOf } from "./scan.ts";

export interface EventQuery extends EventFilter {
  /** Exclusive: events after this position. 0 = from the beginning. */
  readonly since: number;
  /** At most this many; 1..10000. A page may have fewer, though more follow: it ends at 4 MiB, too. */
  readonly limit: number;
  /** Waits so many milliseconds, 60,000 at most, for an event when there is none yet. Default 0. */
  readonly wait?: number | undefined;
  /** Ends the wait. */
  readonly signal?: AbortSignal | undefined;
}

export interface EventPage<E = LoadedEvent> {
  /** In order. Payloads above 64 KiB are left out: `payload` is `null` and `payload_size` is not. */
  readonly events: readonly E[];
  /** `since` of the next page: how far this one has looked. It moves on also where nothing matched. */
  readonly last_sequence: number;
  /**
   * Events that follow. 0 exactly when the reader has caught up. Of a feed with a filter by type or subject, a lower
   * bound: at most 1,000 are counted.
   */
  readonly pending: number;
}

const PAGE_BYTES = 4 * 1024 * 1024;
const MAX_WAIT = 60_000;
/** Searches of one page: with a filter that matches little, it ends early and says how far it came. */
const MAX_SEARCHES = 20;
const COUNTED = 1000;

interface Read {
  readonly events: LoadedEvent[];
  readonly position: number;
  /** Position of the newest event when this began. */
  readonly until: number;
}

async function readPages(
  { read }: Database<Tables>,
  filter: EventFilter,
  since: number,
  { limit, bytes }: Budget,
): Promise<Read> {
  // First, and everything is bounded by it: several searches then see one state of the log.
  const until = await endOf(read, filter.tenant);
  const sequences: number[] = [];
  let position = since;
  for (let i = 0; i < MAX_SEARCHES && position < until && sequences.length < limit; i++) {
    if (i > 0) await turn();
    const found = await find(read, filter, position, until, limit - sequences.length);
    sequences.push(...found.sequences);
    position = found.position;
  }
  const { events, cut } = await load(read, sequences, bytes);
  const last = events.at(-1);
  return { events, position: cut && last !== undefined ? positionOf(filter, last) : position, until };
}

/** @throws {RegistryError} `invalid_argument` */
export async function readPage(database: Database<Tables>, live: LiveEdge, query: EventQuery): Promise<EventPage> {
  checkRange(query);
  checkFilter(query);
  const { since, limit, wait = 0, signal } = query;
  if (!(wait >= 0 && wait <= MAX_WAIT)) {
    throw new RegistryError("invalid_argument", `A page waits 0 to ${MAX_WAIT} milliseconds`, { wait: String(wait) });
  }
  const budget = { limit, bytes: PAGE_BYTES };
  if (wait === 0) {
    const { events, position, until } = await readPages(database, query, since, budget);
    return { events, last_sequence: position, pending: await countAfter(database, query, position, until) };
  }
  const reader = new EventReader(database, live, query, since);
  try {
    const events = await reader.next({ ...budget, wait, ...(signal && { signal }) });
    const { position } = reader;
    const pending =
      reader.pending ?? (await countAfter(database, query, position, await endOf(database.read, query.tenant)));
    return { events, last_sequence: position, pending };
  } finally {
    reader.close();
  }
}

async function countAfter(
  { read }: Database<Tables>,
  filter: EventFilter,
  position: number,
  until: number,
): Promise<number> {
  if (position >= until) return 0;
  if (filter.types === undefined && filter.subject === undefined) return until - position;
  const found = await find(read, filter, position, until, COUNTED);
  return Math.max(found.sequences.length, found.position < until ? 1 : 0);
}

export interface NextOptions extends Budget {
  /** Milliseconds; without it, for as long as it takes. */
  readonly wait?: number;
  readonly signal?: AbortSignal;
}

/** Longest single wait; timers beyond 2^31 ms fire at once. */
const LONG = 3_600_000;

/** Reads a feed onward. Holds a position and nothing else between two calls, so any number of readers may stand still. */
export class EventReader {
  readonly #database: Database<Tables>;
  readonly #live: LiveEdge;
  readonly #filter: EventFilter;
  #position: number;
  /** Global sequence up to which everything has been looked at; known once the reader has reached the live edge. */
  #at: number | undefined;
  #joined: Promise<() => void> | undefined;
  #closed = false;

  /** @throws {RegistryError} `invalid_argument` */
  constructor(database: Database<Tables>, live: LiveEdge, filter: EventFilter, since: number) {
    checkRange({ since, limit: 1 });
    checkFilter(filter);
    this.#database = database;
    this.#live = live;
    this.#filter = filter;
    this.#position = since;
  }

  /** Everything up to here was given or does not match: `since` for whoever goes on later. */
  get position(): number {
    return this.#position;
  }

  /** Matching events that are known to follow; `undefined` away from the live edge. */
  get pending(): number | undefined {
    if (this.#at === undefined || !this.#live.covers(this.#at)) return undefined;
    let pending = 0;
    for (let sequence = this.#at + 1; sequence <= this.#live.loaded; sequence++) {
      const event = this.#live.at(sequence);
      if (event !== undefined && this.#wants(event)) pending++;
    }
    return pending;
  }

  /** The next events, at least one; none when the wait is over or the signal has aborted. One call at a time. */
  async next({ limit, bytes, wait, signal }: NextOptions): Promise<LoadedEvent[]> {
    const deadline = wait === undefined ? Number.POSITIVE_INFINITY : performance.now() + wait;
    this.#joined ??= this.#live.join();
    await this.#joined;
    for (let rounds = 0; !this.#closed && signal?.aborted !== true; rounds++) {
      this.#live.checkOpen();
      // A wait that is over must not keep the first look from being taken.
      const left = deadline - performance.now();
      if (rounds > 0 && left <= 0) break;
      this.#at ??= this.#live.placeOf(this.#filter.tenant, this.#position);
      if (this.#at !== undefined && this.#live.covers(this.#at)) {
        if (rounds === 0 && this.#at === this.#live.end) await this.#live.refresh();
        const events = this.#take(limit, bytes);
        if (events.length > 0) return events;
        if (this.#at === this.#live.end) await this.#live.grown(Math.max(0, Math.min(left, LONG)), signal);
      } else {
        const edge = this.#live.end;
        const page = await readPages(this.#database, this.#filter, this.#position, { limit, bytes });
        this.#position = page.position;
        // The head that the page was bounded by is not older than the edge.
        this.#at = page.position >= page.until ? edge : undefined;
        if (page.events.length > 0) return page.events;
        if (this.#at === undefined) await turn();
      }
    }
    return [];
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#joined?.then((leave) => leave()).catch(() => {}); // whoever called next() was told
  }

  #wants(event: LoadedEvent): boolean {
    const { tenant, types, subject } = this.#filter;
    return (
      (tenant === undefined || event.tenant === tenant) &&
      positionOf(this.#filter, event) > this.#position &&
      (types === undefined || types.includes(event.type)) &&
      (subject === undefined || event.subject === subject)
    );
  }

  /** From the ring. */
  #take(limit: number, bytes: number): LoadedEvent[] {
    const taken: LoadedEvent[] = [];
    let left = bytes;
    while (this.#at !== undefined && this.#at < this.#live.end && taken.length < limit && left > 0) {
      const event = this.#live.at(this.#at + 1);
      // The ring moves only between turns, and this is one.
      if (event === undefined) break;
      this.#at++;
      const { tenant } = this.#filter;
      const wanted = this.#wants(event);
      if (tenant === undefined || event.tenant === tenant) {
        this.#position = Math.max(this.#position, positionOf(this.#filter, event));
      }
      if (!wanted) continue;
      taken.push(event);
      left -= event.payload?.length ?? 0;
    }
    return taken;
  }
}

export interface TailOptions extends EventFilter {
  readonly since: number;
  /** Ends when the log has been read up to what is committed. Default false: wait for more. */
  readonly follow?: boolean;
  readonly signal?: AbortSignal;
}

/** What a tail holds at a time. */
const TAIL_BUDGET: Budget = { limit: 256, bytes: 1024 * 1024 };

/** Every event after `since`, once, in order, with payloads of any size. A slow reader holds one page and nothing of the writer. */
export async function* tailEvents(
  database: Database<Tables>,
  live: LiveEdge,
  options: TailOptions,
): AsyncGenerator<LoadedEvent, void, void> {
  const { since, follow = true, signal } = options;
  checkRange({ since, limit: 1 });
  checkFilter(options);
  const reader = follow ? new EventReader(database, live, options, since) : undefined;
  let position = since;
  try {
    while (signal?.aborted !== true) {
      let page: readonly LoadedEvent[];
      let ended = false;
      if (reader !== undefined) {
        page = await reader.next({ ...TAIL_BUDGET, ...(signal && { signal }) });
      } else {
        const read = await readPages(database, options, position, TAIL_BUDGET);
        page = read.events;
        position = read.position;
        ended = position >= read.until;
      }
      for (const event of page) {
        if (signal?.aborted) return;
        yield await whole(database, event);
      }
      if (ended) return;
    }
  } finally {
    reader?.close();
  }
}

/** The event with its payload, however large. */
async function whole(database: Database<Tables>, event: LoadedEvent): Promise<LoadedEvent> {
  if (event.payload !== null || event.payload_size === null) return event;
  const payload = await readPayload(database.read, event.sequence);
  // It may have been erased meanwhile; all of it goes together.
  return payload === null ? { ...event, salt: null, context: null, payload_size: null } : { ...event, payload };
}
