/**
 * Replay: the views built again from the log by the same reducers that wrote them live.
 *
 * In place (`replayInPlace`): one exclusive transaction, so readers see the old views or the new ones. As a check
 * (`checkReplay`): beside a live server, into a scratch database, from one snapshot; then the canonical dumps of both
 * are compared.
 */
import type { Kysely, Transaction } from "kysely";
import { equalBytes } from "../base/bytes.ts";
import { RegistryError } from "../base/errors.ts";
import { throwIfCancelled } from "../base/stream.ts";
import { turn } from "../base/turn.ts";
import { commitmentOf, GENESIS_HASH, hashOf } from "../events/chain.ts";
import { toReducible } from "../events/codec.ts";
import type { ReducibleEvent, StoredEvent } from "../events/types.ts";
import type { Hasher } from "../identity/hasher.ts";
import type { Database } from "../spi/database.ts";
import { reduceAll, VIEWS } from "../views/mod.ts";
import type { Tables } from "../views/tables.ts";
import type { View } from "../views/view.ts";
import { lockHead } from "./append.ts";
import { digestViews, type ViewsDigest } from "./dump.ts";
import { readHead, readLog } from "./read.ts";

export interface ReplayOptions {
  onProgress?(done: number, total: number): void;
  readonly signal?: AbortSignal;
}

export interface ReplayReport {
  readonly events: number;
  readonly views: ViewsDigest;
}

export interface ReplayCheck {
  readonly ok: boolean;
  readonly events: number;
  readonly live: ViewsDigest;
  readonly replayed: ViewsDigest;
  /** Tables whose dumps differ. */
  readonly differing: readonly string[];
}

const PAGE = 1024;

/** Feeds every event of `source` to the reducers of `views` on `target`; checks the chain on the way. */
async function replayInto(
  source: Kysely<Tables>,
  target: Transaction<Tables>,
  hasher: Hasher,
  views: readonly View[],
  options: ReplayOptions,
): Promise<number> {
  const head = await readHead(source);
  const total = head.sequence;
  const erased: number[] = [];
  const redacted = new Set<number>();
  let previous: Uint8Array = GENESIS_HASH;
  let since = 0;
  for (;;) {
    throwIfCancelled(options.signal);
    const page = await readLog(source, { since, limit: PAGE });
    const batch: ReducibleEvent[] = [];
    for (const event of page) {
      previous = assertLinked(hasher, event, since + 1, previous);
      since = event.sequence;
      const reducible = toReducible(event);
      if (reducible === undefined) erased.push(since);
      else batch.push(reducible);
      if (reducible?.type === "v1.event.redacted") redacted.add(reducible.payload.sequence);
    }
    await reduceAll(target, batch, hasher, views);
    options.onProgress?.(since, total);
    if (page.length < PAGE) break;
    await turn();
  }
  // A log that lost its end, or a payload, would build views that silently lack facts.
  if (since !== total || !equalBytes(previous, head.hash)) throw damaged(since + 1);
  for (const sequence of erased) if (!redacted.has(sequence)) throw damaged(sequence);
  return since;
}

function assertLinked(hasher: Hasher, event: StoredEvent, sequence: number, previous: Uint8Array): Uint8Array {
  const whole =
    event.salt === null || event.context === null || event.payload === null
      ? event.salt === null && event.context === null && event.payload === null
      : equalBytes(commitmentOf(hasher, event.salt, event.context, event.payload), event.commitment);
  if (
    event.sequence !== sequence ||
    !equalBytes(event.prev_hash, previous) ||
    !whole ||
    !equalBytes(hashOf(hasher, event), event.hash)
  ) {
    throw damaged(sequence);
  }
  return event.hash;
}

function damaged(sequence: number): RegistryError {
  return new RegistryError(
    "chain_broken",
    `The log is damaged at event ${sequence}; nothing was replayed. \`artifactstore events verify\` says what is wrong; restore the database from a backup`,
    { sequence },
  );
}

async function emptyViews(trx: Transaction<Tables>, views: readonly View[]): Promise<void> {
  for (const view of views) for (const table of view.tables) await trx.deleteFrom(table.name).execute();
}

async function recordPosition(trx: Transaction<Tables>, views: readonly View[], sequence: number): Promise<void> {
  for (const view of views) {
    const row = { view: view.name, view_version: view.version, applied_sequence: sequence };
    await trx
      .insertInto("view_state")
      .values(row)
      .onConflict((oc) => oc.column("view").doUpdateSet({ view_version: view.version, applied_sequence: sequence }))
      .execute();
  }
}

/** Rebuilds `views` (default: all) inside a transaction that already excludes other writers. */
export async function rebuildViews(
  trx: Transaction<Tables>,
  database: Database<Tables>,
  hasher: Hasher,
  options: ReplayOptions = {},
  views: readonly View[] = VIEWS,
): Promise<number> {
  await lockHead(trx, database.kind);
  await emptyViews(trx, views);
  const events = await replayInto(trx, trx, hasher, views, options);
  await recordPosition(trx, views, events);
  return events;
}

/** Views whose reducer is another version than the one that wrote their rows. */
export async function staleViews(db: Kysely<Tables>): Promise<readonly View[]> {
  const rows = await db.selectFrom("view_state").select(["view", "view_version"]).execute();
  const versions = new Map(rows.map((row) => [row.view, row.view_version]));
  for (const [name, version] of versions) {
    const known = VIEWS.find((view) => view.name === name);
    if (known !== undefined && version > known.version) {
      throw new RegistryError(
        "schema_too_new",
        `The view ${name} was written by a newer version of this program; use that version`,
        {
          view: name,
          version,
          known_version: known.version,
        },
      );
    }
  }
  return VIEWS.filter((view) => versions.get(view.name) !== view.version);
}

export async function replayInPlace(
  database: Database<Tables>,
  hasher: Hasher,
  options: ReplayOptions = {},
): Promise<ReplayReport> {
  return await database.exclusive(async (trx) => {
    const events = await rebuildViews(trx, database, hasher, options);
    return { events, views: await digestViews(trx, hasher) };
  });
}

/** `prepare` makes the tables of the scratch database: the composition root passes the migrations. */
export async function checkReplay(
  database: Database<Tables>,
  hasher: Hasher,
  prepare: (scratch: Database<Tables>) => Promise<void>,
  options: ReplayOptions = {},
): Promise<ReplayCheck> {
  const scratch = await database.scratch();
  try {
    await prepare(scratch.database as Database<Tables>);
    const target = scratch.database as Database<Tables>;
    const { events, live } = await database.snapshot(async (source) => ({
      events: await target.write((trx) => replayInto(source, trx, hasher, VIEWS, options)),
      live: await digestViews(source, hasher),
    }));
    const replayed = await digestViews(target.read, hasher);
    const differing = Object.keys(live.tables).filter((t) => live.tables[t]?.digest !== replayed.tables[t]?.digest);
    return { ok: differing.length === 0, events, live, replayed, differing };
  } finally {
    await scratch.dispose();
  }
}
