/** The log: commit, read, tail, verify, replay. */
import { toHex } from "../base/bytes.ts";
import type { Clock, Ids } from "../base/clock.ts";
import { RegistryError } from "../base/errors.ts";
import type { StoredEvent } from "../events/types.ts";
import type { Hasher } from "../identity/hasher.ts";
import type { Caller } from "../spi/authenticator.ts";
import type { Database } from "../spi/database.ts";
import type { Wants } from "../views/loader.ts";
import type { Tables } from "../views/tables.ts";
import { GroupCommitter } from "./commit.ts";
import { type EventPage, type EventQuery, EventReader, readPage, type TailOptions, tailEvents } from "./feed.ts";
import { LiveEdge } from "./live.ts";
import { type LogQuery, readHead, readLog, readPayload } from "./read.ts";
import { checkReason, redactionOf } from "./redact.ts";
import { type EventFilter, endOf, type LoadedEvent, load, sequenceAt } from "./scan.ts";
import type { Unit } from "./unit.ts";
import { type ExpectedHead, type LogVerdict, type VerifyLogOptions, verifyLog } from "./verify.ts";

export { lockHead } from "./append.ts";
export { digestViews, type ViewsDigest } from "./dump.ts";
export { coded, codedError, withCodes } from "./faults.ts";
export type { EventPage, EventQuery, EventReader, NextOptions, TailOptions } from "./feed.ts";
export type { LogQuery } from "./read.ts";
export { checkReason } from "./redact.ts";
export {
  checkReplay,
  type ReplayCheck,
  type ReplayOptions,
  type ReplayReport,
  rebuildViews,
  replayInPlace,
  staleViews,
} from "./replay.ts";
export { type EventFilter, INLINE_BYTES, type LoadedEvent } from "./scan.ts";
export type { DecideContext, Decision, Unit } from "./unit.ts";
export {
  type ExpectedHead,
  type LogSource,
  type LogVerdict,
  parseHead,
  type VerifyLogOptions,
  verifyChain,
} from "./verify.ts";

export interface Ledger {
  /**
   * Decides and appends. Resolves when the events are durable.
   * @throws {RegistryError} what `decide` refused with, or `database_busy`, `database_full`, `database_failed`,
   * `outcome_unknown`
   */
  commit<W extends Wants, T>(caller: Caller, unit: Unit<W, T>): Promise<T>;
  /**
   * Says that a unit is a few milliseconds away, so that groups wait for it, a little, and many share one sync. Call the
   * answer right before `commit`, or when nothing will come of it; more than once does nothing.
   */
  upcoming(): () => void;
  /** A page of the whole log, with payloads of any size. @throws {RegistryError} `invalid_argument` */
  read(query: LogQuery): Promise<StoredEvent[]>;
  /** A page of a feed. @throws {RegistryError} `invalid_argument` */
  page(query: EventQuery): Promise<EventPage>;
  /** Reads a feed onward; `close()` it. @throws {RegistryError} `invalid_argument` */
  reader(filter: EventFilter, since: number): EventReader;
  /** A payload as stored, by its position in the log or in a tenant's feed. @throws {RegistryError} `event_not_found` */
  payload(position: number, tenant?: string): Promise<Uint8Array>;
  /** Every event after `since`, once, in order, with payloads of any size. */
  tail(options: TailOptions): AsyncGenerator<LoadedEvent, void, void>;
  head(): Promise<ExpectedHead>;
  /** A tenant's newest event. */
  last(tenant: string): Promise<LoadedEvent | undefined>;
  verify(options?: VerifyLogOptions): Promise<LogVerdict>;
  /** Erases the payload of an event whose subject is deleted. @throws {RegistryError} `event_not_found`, `conflict`, `unsupported`, `invalid_argument` */
  redact(caller: Caller, sequence: number, reason: string): Promise<{ readonly erased: boolean }>;
  /** Waits for everything that was handed to `commit` by now. */
  settled(): Promise<void>;
  /** Ends those who follow, with `cancelled`. */
  close(): void;
}

export interface LedgerDeps {
  readonly database: Database<Tables>;
  readonly hasher: Hasher;
  readonly clock: Clock;
  readonly ids: Ids;
}

export function createLedger(deps: LedgerDeps): Ledger {
  const { database, hasher } = deps;
  const live = new LiveEdge(database);
  const committer = new GroupCommitter({ ...deps, onCommitted: () => live.wake() });
  return {
    commit: (caller, unit) => committer.commit(caller, unit),
    upcoming: () => committer.upcoming(),
    read: (query) => readLog(database.read, query),
    page: (query) => readPage(database, live, query),
    reader: (filter, since) => new EventReader(database, live, filter, since),
    async payload(position, tenant) {
      const asked = Number.isSafeInteger(position) && position >= 1;
      const sequence = tenant === undefined || !asked ? position : await sequenceAt(database.read, tenant, position);
      const payload = asked ? await readPayload(database.read, sequence) : null;
      if (payload !== null) return payload;
      throw new RegistryError("event_not_found", `There is no event ${position}, or its payload has been erased`, {
        sequence: position,
      });
    },
    tail: (options) => tailEvents(database, live, options),
    async head() {
      const head = await readHead(database.read);
      return { sequence: head.sequence, hash: toHex(head.hash) };
    },
    async last(tenant) {
      const sequence = await sequenceAt(database.read, tenant, await endOf(database.read, tenant));
      return sequence === 0 ? undefined : (await load(database.read, [sequence], 0)).events[0];
    },
    verify: (options) => verifyLog(database, hasher, options),
    async redact(caller, sequence, reason) {
      checkReason(reason);
      const known = Number.isSafeInteger(sequence) && sequence >= 1;
      const [event] = known ? await readLog(database.read, { since: sequence - 1, limit: 1 }) : [];
      if (event === undefined || event.sequence !== sequence || event.tenant !== caller.tenant) {
        throw new RegistryError("event_not_found", `There is no event ${sequence}`, { sequence });
      }
      return await committer.commit(caller, redactionOf(caller.tenant, sequence, event.subject, reason));
    },
    settled: () => committer.settled(),
    close: () => live.close(),
  };
}
