/**
 * Group commit: concurrent units of work share one transaction, and one unit's failure is nobody else's.
 *
 * A group takes what has queued up after one macrotask turn, or a few milliseconds later where units have been announced
 * (`upcoming`), at most 256 units. Inside the transaction, units are
 * decided in waves: a unit that wants a fact which an earlier unit of the wave changes waits for the next wave, so it
 * decides over what was written. What `decide` throws rejects only its unit. If a write fails, the group is rolled back
 * and its units run again one by one. Nobody is answered before the commit is durable.
 */
import type { Transaction } from "kysely";
import type { Clock, Ids } from "../base/clock.ts";
import { messageOf, RegistryError } from "../base/errors.ts";
import { longTurn, turn } from "../base/turn.ts";
import { encodeContext } from "../events/codec.ts";
import type { Hasher } from "../identity/hasher.ts";
import type { Caller } from "../spi/authenticator.ts";
import type { Database } from "../spi/database.ts";
import { touches } from "../views/keys.ts";
import type { Loaded, Loader, Want, Wants } from "../views/loader.ts";
import type { Tables } from "../views/tables.ts";
import { Appender, lockHead, type Proposal, timestampOf } from "./append.ts";
import { databaseError } from "./faults.ts";
import type { Decision, Unit } from "./unit.ts";

const MAX_GROUP = 256;
/** Facts asked for in one call of a loader. */
const MAX_LOADED = 2048;
/**
 * How long a group waits for announced units, ms: about what a commit costs. Without it, 64 writers of small files end
 * up in groups of three, each with a sync of its own.
 */
const PATIENCE = 10;

export interface CommitDeps {
  readonly database: Database<Tables>;
  readonly hasher: Hasher;
  readonly clock: Clock;
  readonly ids: Ids;
  /** Called after every commit that appended something. */
  onCommitted(): void;
}

interface Pending {
  readonly unit: Unit<Wants, unknown>;
  readonly wants: readonly (readonly [name: string, key: string, want: Want<unknown>])[];
  readonly caller: Caller;
  readonly context: Uint8Array;
  resolve(result: unknown): void;
  reject(error: unknown): void;
}

/** What became of one unit in one run of its group. */
type Outcome =
  | { readonly ok: true; readonly result: unknown; readonly event_id: string | undefined }
  | { readonly ok: false; readonly error: RegistryError };

export class GroupCommitter {
  readonly #deps: CommitDeps;
  #queue: Pending[] = [];
  #running: Promise<void> | undefined;
  #upcoming = 0;
  /** Ends the wait for announced units. */
  #close: (() => void) | undefined;

  constructor(deps: CommitDeps) {
    this.#deps = deps;
  }

  commit<W extends Wants, T>(caller: Caller, unit: Unit<W, T>): Promise<T> {
    const wants = Object.entries(unit.wants).map(([name, want]) => [name, want.loader.keyOf(want.key), want] as const);
    return new Promise<T>((resolve, reject) => {
      this.#queue.push({
        unit: unit as unknown as Unit<Wants, unknown>,
        wants,
        caller,
        context: encodeContext(caller.context),
        resolve: resolve as (result: unknown) => void,
        reject,
      });
      if (this.#queue.length >= MAX_GROUP) this.#close?.();
      this.#running ??= this.#drain();
    });
  }

  /** See `Ledger.upcoming`. */
  upcoming(): () => void {
    let open = true;
    this.#upcoming++;
    return () => {
      if (open) this.#upcoming--;
      open = false;
      // The unit itself is queued in the same turn, before the wait goes on.
      if (this.#upcoming === 0) this.#close?.();
    };
  }

  /** Resolves when everything that was queued by now has been answered. */
  async settled(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  /** Never rejects: what goes wrong is told to the units. */
  async #drain(): Promise<void> {
    while (this.#queue.length > 0) {
      if (this.#queue.length < MAX_GROUP) await this.#gather();
      const group = this.#queue.splice(0, MAX_GROUP);
      await this.#runGroup(group);
    }
    // In the same turn as the look at the queue: a commit from now on starts another drain.
    this.#running = undefined;
  }

  /** One macrotask turn, so that callers who are about to commit get to join; then for those who said that they come. */
  async #gather(): Promise<void> {
    await turn();
    if (this.#upcoming === 0 || this.#queue.length >= MAX_GROUP) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, PATIENCE);
      this.#close = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#close = undefined;
  }

  async #runGroup(group: readonly Pending[]): Promise<void> {
    const live = group.filter((p) => {
      if (p.caller.signal?.aborted !== true) return true;
      p.reject(new RegistryError("cancelled", "The call was cancelled before it was committed"));
      return false;
    });
    if (live.length === 0) return;
    let outcomes: ReadonlyMap<Pending, Outcome> | undefined;
    let appended = 0;
    try {
      await this.#deps.database.write(async (trx) => {
        outcomes = undefined;
        const run = await this.#apply(trx, live);
        outcomes = run.outcomes;
        appended = run.appended;
      });
    } catch (error) {
      await this.#afterFailure(live, outcomes, error);
      return;
    }
    if (appended > 0) this.#deps.onCommitted();
    if (outcomes !== undefined) answer(outcomes);
  }

  async #apply(trx: Transaction<Tables>, group: readonly Pending[]) {
    const { database, clock, ids } = this.#deps;
    const head = await lockHead(trx, database.kind);
    const appender = new Appender(trx, head, this.#deps);
    const outcomes = new Map<Pending, Outcome>();
    const now = timestampOf(clock);
    let remaining = group;
    while (remaining.length > 0) {
      const later: Pending[] = [];
      const proposals: Proposal[] = [];
      const beside: (() => Promise<void>)[] = [];
      const changed = new Set<string>();
      const facts = await loadWants(trx, remaining);
      for (const pending of remaining) {
        if (pending.wants.some(([, key]) => changed.has(key))) {
          later.push(pending);
          continue;
        }
        let decision: Decision<unknown>;
        try {
          decision = pending.unit.decide(foundFor(pending, facts), { now });
        } catch (error) {
          // A decision writes nothing, so a broken one is its own unit's failure too.
          outcomes.set(pending, { ok: false, error: error instanceof RegistryError ? error : brokenDecision(error) });
          continue;
        }
        const { events, result } = decision;
        const event_ids = events.map(() => ids.uuid());
        outcomes.set(pending, { ok: true, result, event_id: event_ids[0] });
        const { unit } = pending;
        if (unit.beside !== undefined) beside.push(async () => await unit.beside?.(trx, result));
        if (events.length === 0) continue;
        const { tenant, principal } = pending.caller;
        for (const event of events) for (const key of touches(tenant, event)) changed.add(key);
        proposals.push({
          tenant,
          actor: principal.subject,
          context: pending.context,
          occurred_at: now,
          events,
          event_ids,
        });
      }
      if (proposals.length > 0) await appender.append(proposals);
      for (const write of beside) await write();
      remaining = later;
    }
    const appended = await appender.finish();
    if (appended > 0) await database.announce(trx);
    return { outcomes, appended };
  }

  async #afterFailure(group: readonly Pending[], outcomes: ReadonlyMap<Pending, Outcome> | undefined, error: unknown) {
    const fault = this.#deps.database.fault(error);
    if (fault === "connection" && outcomes !== undefined) {
      // The transaction was complete; only the answer to COMMIT is missing.
      const committed = await this.#wasCommitted(outcomes);
      if (committed === true) {
        this.#deps.onCommitted();
        answer(outcomes);
        return;
      }
      if (committed === undefined) {
        rejectAll(group, unknownOutcome(error));
        return;
      }
    }
    if (fault === "full" || fault === "io" || fault === "busy" || fault === "read_only" || fault === "connection") {
      rejectAll(group, databaseError(fault, error));
      return;
    }
    if (group.length > 1) {
      for (const pending of group) await this.#runGroup([pending]);
      return;
    }
    rejectAll(group, databaseError(fault, error));
  }

  /** Looks the outcome of a lost COMMIT up by event id; the head lock waits until the old transaction has ended. */
  async #wasCommitted(outcomes: ReadonlyMap<Pending, Outcome>): Promise<boolean | undefined> {
    let eventId: string | undefined;
    for (const outcome of outcomes.values()) if (outcome.ok) eventId ??= outcome.event_id;
    if (eventId === undefined) return true;
    const wanted = eventId;
    for (let attempt = 0; attempt < 5; attempt++) {
      try {
        return await this.#deps.database.write(async (trx) => {
          await lockHead(trx, this.#deps.database.kind);
          const row = await trx
            .selectFrom("events")
            .select("sequence")
            .where("event_id", "=", wanted)
            .executeTakeFirst();
          return row !== undefined;
        });
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 200 * 2 ** attempt));
      }
    }
    return undefined;
  }
}

function answer(outcomes: ReadonlyMap<Pending, Outcome>): void {
  for (const [pending, outcome] of outcomes) {
    if (outcome.ok) pending.resolve(outcome.result);
    else pending.reject(outcome.error);
  }
}

function rejectAll(group: readonly Pending[], error: RegistryError): void {
  for (const pending of group) pending.reject(error);
}

/** Fetches what all units of a wave want: one query a loader. */
async function loadWants(trx: Transaction<Tables>, group: readonly Pending[]): Promise<Map<string, unknown>> {
  const byLoader = new Map<Loader<unknown, unknown>, Map<string, unknown>>();
  for (const { wants } of group) {
    for (const [, key, want] of wants) {
      let keys = byLoader.get(want.loader);
      if (keys === undefined) {
        keys = new Map();
        byLoader.set(want.loader, keys);
      }
      keys.set(key, want.key);
    }
  }
  const facts = new Map<string, unknown>();
  for (const [loader, keys] of byLoader) {
    const all = [...keys.values()];
    for (let at = 0; at < all.length; at += MAX_LOADED) {
      // Only a unit with very many wants of its own comes here twice: the event loop gets a turn.
      if (at > 0) await longTurn();
      const found = await loader.load(trx, all.slice(at, at + MAX_LOADED));
      for (const [key, value] of found) facts.set(`${loader.name} ${key}`, value);
    }
  }
  return facts;
}

function foundFor(pending: Pending, facts: ReadonlyMap<string, unknown>): Loaded<Wants> {
  const found: Record<string, unknown> = {};
  for (const [name, key, want] of pending.wants) found[name] = facts.get(`${want.loader.name} ${key}`);
  return found as Loaded<Wants>;
}

function brokenDecision(error: unknown): RegistryError {
  return new RegistryError("internal", `A decision failed: ${messageOf(error)}; nothing was recorded`, {}, error);
}

function unknownOutcome(error: unknown): RegistryError {
  return new RegistryError(
    "outcome_unknown",
    "The connection to the database was lost while committing, and the outcome could not be looked up; read the package before trying again",
    {},
    error,
  );
}
