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
import { type EventQuery, readEvents, readHead, type TailOptions, tailEvents, Wakeups } from "./read.ts";
import { checkReason, redactionOf } from "./redact.ts";
import type { Unit } from "./unit.ts";
import { type ExpectedHead, type LogVerdict, type VerifyLogOptions, verifyLog } from "./verify.ts";

export { lockHead } from "./append.ts";
export { digestViews, type ViewsDigest } from "./dump.ts";
export { coded, codedError, withCodes } from "./faults.ts";
export type { EventQuery, TailOptions } from "./read.ts";
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
export type { DecideContext, Decision, Unit } from "./unit.ts";
export { type ExpectedHead, type LogVerdict, parseHead, type VerifyLogOptions } from "./verify.ts";

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
  read(query: EventQuery): Promise<StoredEvent[]>;
  tail(options: TailOptions): AsyncGenerator<StoredEvent, void, void>;
  head(): Promise<ExpectedHead>;
  verify(options?: VerifyLogOptions): Promise<LogVerdict>;
  /** Erases the payload of an event whose subject is deleted. @throws {RegistryError} `event_not_found`, `conflict`, `unsupported`, `invalid_argument` */
  redact(caller: Caller, sequence: number, reason: string): Promise<{ readonly erased: boolean }>;
  /** Waits for everything that was handed to `commit` by now. */
  settled(): Promise<void>;
}

export interface LedgerDeps {
  readonly database: Database<Tables>;
  readonly hasher: Hasher;
  readonly clock: Clock;
  readonly ids: Ids;
}

export function createLedger(deps: LedgerDeps): Ledger {
  const { database, hasher } = deps;
  const wakeups = new Wakeups();
  const committer = new GroupCommitter({ ...deps, onCommitted: () => wakeups.wake() });
  return {
    commit: (caller, unit) => committer.commit(caller, unit),
    upcoming: () => committer.upcoming(),
    read: (query) => readEvents(database.read, query),
    tail: (options) => tailEvents(database, wakeups, options),
    async head() {
      const head = await readHead(database.read);
      return { sequence: head.sequence, hash: toHex(head.hash) };
    },
    verify: (options) => verifyLog(database, hasher, options),
    async redact(caller, sequence, reason) {
      checkReason(reason);
      const known = Number.isSafeInteger(sequence) && sequence >= 1;
      const [event] = known ? await readEvents(database.read, { since: sequence - 1, limit: 1 }) : [];
      if (event === undefined || event.sequence !== sequence || event.tenant !== caller.tenant) {
        throw new RegistryError("event_not_found", `There is no event ${sequence}`, { sequence });
      }
      return await committer.commit(caller, redactionOf(caller.tenant, sequence, event.subject, reason));
    },
    settled: () => committer.settled(),
  };
}
