/**
 * Writing decided events, inside a transaction that holds the head: sequence, chain hash, rows, views.
 *
 * The head is one row, locked as the first statement (SQLite: BEGIN IMMEDIATE has the whole database; PostgreSQL:
 * SELECT ... FOR UPDATE). Everything that is decided is read after it, so sequences are gapless and in commit order.
 */
import type { Transaction } from "kysely";
import { type Clock, type Ids, toTimestamp } from "../base/clock.ts";
import { RegistryError } from "../base/errors.ts";
import { longTurn } from "../base/turn.ts";
import { commitmentOf, hashOf, SALT_LENGTH } from "../events/chain.ts";
import { encodePayload } from "../events/codec.ts";
import type { NewEvent, ReducibleEvent, StoredEvent } from "../events/types.ts";
import type { Hasher } from "../identity/hasher.ts";
import type { DatabaseKind } from "../spi/database.ts";
import { reduceAll, VIEWS } from "../views/mod.ts";
import { insertRows, selectPrepared } from "../views/statements.ts";
import type { EventPayloadsTable, EventsTable, Tables, ViewStateTable } from "../views/tables.ts";

export interface Head {
  /** Sequence of the newest event; 0 for an empty log. */
  readonly sequence: number;
  readonly hash: Uint8Array;
}

/** Takes the head for the rest of the transaction. */
export async function lockHead(trx: Transaction<Tables>, kind: DatabaseKind): Promise<Head> {
  const build = () => {
    const query = trx.selectFrom("event_head").select(["sequence", "hash"]).where("id", "=", 0);
    return (kind === "postgres" ? query.forUpdate() : query).compile();
  };
  const [row] = await selectPrepared<Head>(trx, `lock head ${kind}`, build, [1]);
  if (row === undefined) {
    throw new RegistryError("schema_missing", "The event log has no head; run `artifactstore migrate`");
  }
  return { sequence: Number(row.sequence), hash: row.hash };
}

/** One unit's events with what the envelope says about who and where. */
export interface Proposal {
  readonly tenant: string;
  readonly actor: string;
  /** Canonical CBOR map. */
  readonly context: Uint8Array;
  readonly occurred_at: string;
  readonly events: readonly NewEvent[];
  /** One per event. */
  readonly event_ids: readonly string[];
}

const EVENT_COLUMNS = [
  "sequence",
  "event_id",
  "type",
  "tenant",
  "tenant_sequence",
  "subject",
  "actor",
  "occurred_at",
  "commitment",
  "prev_hash",
  "hash",
] as const satisfies readonly (keyof EventsTable)[];
const PAYLOAD_COLUMNS = [
  "sequence",
  "salt",
  "context",
  "payload",
] as const satisfies readonly (keyof EventPayloadsTable)[];

export interface AppenderDeps {
  readonly hasher: Hasher;
  readonly ids: Ids;
}

/** Events written without letting others run: about 10 ms. Also what one insert takes. */
const SLICE = 256;

/** Appends within one transaction. Create after `lockHead`, call `append` any number of times, then `finish` once. */
export class Appender {
  readonly #trx: Transaction<Tables>;
  readonly #deps: AppenderDeps;
  readonly #tenantSequences = new Map<string, number>();
  #sequence: number;
  #hash: Uint8Array;
  readonly #start: number;

  constructor(trx: Transaction<Tables>, head: Head, deps: AppenderDeps) {
    this.#trx = trx;
    this.#deps = deps;
    this.#sequence = head.sequence;
    this.#start = head.sequence;
    this.#hash = head.hash;
  }

  /**
   * Writes the events of many units: log rows, payload rows, then every view, each in multi-row statements. Small units
   * go together; one of ten thousand events goes in slices, between which the event loop gets a turn.
   */
  async append(proposals: readonly Proposal[]): Promise<void> {
    let slice: Proposal[] = [];
    for (const proposal of proposals) {
      const { events, event_ids } = proposal;
      for (let at = 0; at < events.length; at += SLICE) {
        const end = at + SLICE;
        slice.push(
          at === 0 && end >= events.length
            ? proposal
            : { ...proposal, events: events.slice(at, end), event_ids: event_ids.slice(at, end) },
        );
        if (end >= events.length) continue;
        await this.#appendSlice(slice);
        slice = [];
        await longTurn();
      }
    }
    if (slice.length > 0) await this.#appendSlice(slice);
  }

  async #appendSlice(proposals: readonly Proposal[]): Promise<void> {
    const { hasher, ids } = this.#deps;
    const rows: EventsTable[] = [];
    const payloads: EventPayloadsTable[] = [];
    const reducible: ReducibleEvent[] = [];
    const erasures: number[] = [];
    for (const proposal of proposals) {
      const { tenant, actor, context, occurred_at } = proposal;
      let tenantSequence = this.#tenantSequences.get(tenant) ?? (await this.#lastTenantSequence(tenant));
      for (const [i, event] of proposal.events.entries()) {
        const payload = encodePayload(event);
        const salt = ids.random(SALT_LENGTH);
        tenantSequence += 1;
        this.#sequence += 1;
        const sealed = {
          sequence: this.#sequence,
          event_id: proposal.event_ids[i] as string,
          type: event.type,
          tenant,
          subject: event.subject,
          actor,
          occurred_at,
          commitment: commitmentOf(hasher, salt, context, payload),
          prev_hash: this.#hash,
        };
        this.#hash = hashOf(hasher, sealed);
        rows.push({ ...sealed, tenant_sequence: tenantSequence, hash: this.#hash });
        payloads.push({ sequence: this.#sequence, salt, context, payload });
        reducible.push({
          sequence: this.#sequence,
          type: event.type,
          tenant,
          subject: event.subject,
          actor,
          occurred_at,
          payload: event.payload,
          payload_bytes: payload,
        } as ReducibleEvent);
        if (event.type === "v1.event.redacted") erasures.push(event.payload.sequence);
      }
      this.#tenantSequences.set(tenant, tenantSequence);
    }
    await insertRows(this.#trx, "events", EVENT_COLUMNS, rows as never);
    await insertRows(this.#trx, "event_payloads", PAYLOAD_COLUMNS, payloads as never);
    await reduceAll(this.#trx, reducible, hasher);
    for (const sequence of erasures) {
      // The one update of the log that the triggers allow.
      await this.#trx
        .updateTable("event_payloads")
        .set({ salt: null, context: null, payload: null })
        .where("sequence", "=", sequence)
        .execute();
    }
  }

  /**
   * Moves the head and the views' positions. Answers how many events were appended.
   * @throws {RegistryError} `schema_too_new`
   */
  async finish(): Promise<number> {
    const appended = this.#sequence - this.#start;
    if (appended === 0) return 0;
    const moveHead = () =>
      this.#trx.updateTable("event_head").set({ sequence: 0, hash: this.#hash }).where("id", "=", 0).compile();
    await selectPrepared(this.#trx, "move head", moveHead, [this.#sequence, this.#hash, 1]);
    const moveViews = () =>
      this.#trx.updateTable("view_state").set({ applied_sequence: 0 }).returning(["view", "view_version"]).compile();
    const views = await selectPrepared<Pick<ViewStateTable, "view" | "view_version">>(
      this.#trx,
      "move views",
      moveViews,
      [this.#sequence],
    );
    for (const { view, view_version } of views) assertOurs(view, view_version);
    return appended;
  }

  async #lastTenantSequence(tenant: string): Promise<number> {
    const build = () =>
      this.#trx
        .selectFrom("events")
        .select((eb) => eb.fn.max("tenant_sequence").as("last"))
        .where("tenant", "=", "")
        .compile();
    const [row] = await selectPrepared<{ last: number | null }>(this.#trx, "last of tenant", build, [tenant]);
    return Number(row?.last ?? 0);
  }
}

/** A newer program may have rebuilt the views while this one was running: its rows are not to be mixed with ours. */
function assertOurs(view: string, version: number): void {
  const known = VIEWS.find((one) => one.name === view);
  if (known !== undefined && Number(version) <= known.version) return;
  throw new RegistryError(
    "schema_too_new",
    `A newer version of this program has taken this database over (view ${view}); stop this one and use that`,
    { view, version: Number(version), ...(known === undefined ? {} : { known_version: known.version }) },
  );
}

export function toStoredEvent(row: EventsTable & Omit<EventPayloadsTable, "sequence">): StoredEvent {
  return {
    ...row,
    sequence: Number(row.sequence),
    tenant_sequence: Number(row.tenant_sequence),
    type: row.type as StoredEvent["type"],
  };
}

export function timestampOf(clock: Clock): string {
  return toTimestamp(clock.now());
}
