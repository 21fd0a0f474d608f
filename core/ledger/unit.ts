/**
 * A unit of work: what it wants to know, and a decision over it. It writes nothing itself; the ledger appends what it
 * decides and runs the reducers, many units in one transaction.
 */
import type { Transaction } from "kysely";
import type { NewEvent } from "../events/types.ts";
import type { Loaded, Wants } from "../views/loader.ts";
import type { Tables } from "../views/tables.ts";

export interface DecideContext {
  /** RFC 3339; also the `occurred_at` of every event that this decision asks for. */
  readonly now: string;
}

export interface Decision<T> {
  /** Appended together, in this order, or not at all. May be empty: nothing to do is a fine decision. */
  readonly events: readonly NewEvent[];
  /** What the caller of `commit()` gets once the events are durable. */
  readonly result: T;
}

export interface Unit<W extends Wants, T> {
  readonly wants: W;
  /**
   * Pure and synchronous. Throws `RegistryError` to refuse, which costs the other units of the group nothing. May be
   * called more than once (a group that failed runs again), each time with what is committed by then.
   */
  decide(found: Loaded<W>, context: DecideContext): Decision<T>;
  /**
   * Writes what is no view of the log and is to be true with the decision or not at all, in its transaction. A few rows
   * at most: others wait. Called again where the group runs again.
   */
  beside?(trx: Transaction<Tables>, result: T): Promise<void>;
}
