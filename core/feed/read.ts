/** Reading the log as its callers may: pages, payloads, and going on as it grows. */
import { toHex } from "../base/bytes.ts";
import {
  codedError,
  type EventFilter,
  type EventPage,
  type EventQuery,
  type Ledger,
  type NextOptions,
  type TailOptions,
} from "../ledger/mod.ts";
import type { Caller } from "../spi/authenticator.ts";
import type { Database } from "../spi/database.ts";
import { eventScope, type FeedEvent } from "./scope.ts";

export interface FeedDeps {
  readonly ledger: Ledger;
  readonly database: Database;
}

/** Reads a feed onward, at the reader's own pace. Holds a position and nothing else between two calls. */
export interface EventFollower {
  /** Everything up to here was given or does not match: `since` for whoever goes on later. */
  readonly position: number;
  /**
   * The next events: one at least, `limit` at most, and no more once `bytes` are reached. None when `wait`
   * (milliseconds; default: for ever) is over or the signal has aborted. One call at a time.
   * @throws {RegistryError} `database_failed`; `cancelled` when the registry closes
   */
  next(options: NextOptions): Promise<readonly FeedEvent[]>;
  close(): void;
}

export interface FollowOptions extends EventFilter {
  readonly since: number;
}

/** Where a feed ends. */
export interface FeedHead {
  readonly sequence: number;
  /** Hex, 64 digits (zeros for the empty log); `null` where the feed shows no hashes, see `FeedEvent`. */
  readonly hash: string | null;
}

/** @throws {RegistryError} `invalid_argument`, `access_denied` */
export async function readEvents(
  { ledger }: FeedDeps,
  caller: Caller,
  query: EventQuery,
): Promise<EventPage<FeedEvent>> {
  const { tenant, present } = eventScope(caller, query.tenant);
  const page = await ledger.page({ ...query, tenant });
  return { ...page, events: page.events.map(present) };
}

/** @throws {RegistryError} `invalid_argument`, `access_denied` */
export function followEvents({ ledger, database }: FeedDeps, caller: Caller, options: FollowOptions): EventFollower {
  const { tenant, present } = eventScope(caller, options.tenant);
  const reader = ledger.reader({ ...options, tenant }, options.since);
  return {
    get position() {
      return reader.position;
    },
    async next(wanted) {
      try {
        return (await reader.next(wanted)).map(present);
      } catch (error) {
        throw codedError(database, error);
      }
    },
    close: () => reader.close(),
  };
}

/** @throws {RegistryError} `access_denied`, at once; the rest when the first event is asked for */
export function tailEvents(
  { ledger, database }: FeedDeps,
  caller: Caller,
  options: TailOptions,
): AsyncGenerator<FeedEvent, void, void> {
  const { tenant, present } = eventScope(caller, options.tenant);
  const events = ledger.tail({ ...options, tenant });
  return (async function* () {
    try {
      for await (const event of events) yield present(event);
    } catch (error) {
      throw codedError(database, error);
    }
  })();
}

/** The payload of an event of the caller's feed, exact bytes of any size. @throws {RegistryError} `event_not_found`, `access_denied` */
export async function getEventPayload(
  { ledger }: FeedDeps,
  caller: Caller,
  sequence: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const { tenant } = eventScope(caller);
  return (await ledger.payload(sequence, tenant)) as Uint8Array<ArrayBuffer>;
}

/** @throws {RegistryError} `access_denied` */
export async function feedHead({ ledger }: FeedDeps, caller: Caller): Promise<FeedHead> {
  const { tenant, present } = eventScope(caller);
  if (tenant === undefined) return await ledger.head();
  const last = await ledger.last(tenant);
  if (last === undefined) return { sequence: 0, hash: null };
  const { sequence, hash } = present(last);
  return { sequence, hash: hash === null ? null : toHex(hash) };
}
