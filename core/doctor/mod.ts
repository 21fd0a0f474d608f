/**
 * What crashes leave behind and what should be there but is not. `inspect` only looks; `fix` removes leftovers, and
 * nothing that a name points at. Damage is reported, never "repaired" away.
 *
 * Stored keys and recorded locations are both walked in byte order of the key, like two sorted lists being merged, so
 * memory does not grow with the store.
 */

import { authorize } from "../access/decide.ts";
import type { Clock, Ids } from "../base/clock.ts";
import { throwIfCancelled } from "../base/stream.ts";
import { liveUploads } from "../content/upload_sessions.ts";
import { withMaintenanceLock } from "../guards/maintenance_lock.ts";
import { retireKey } from "../guards/retire_key.ts";
import { staleViews } from "../ledger/mod.ts";
import type { Caller } from "../spi/authenticator.ts";
import type { DataPlane } from "../spi/data_plane.ts";
import type { Database } from "../spi/database.ts";
import type { StagedLeftover, StorageLocation, StoredObject } from "../spi/storage.ts";
import type { StorageLocationsTable, Tables } from "../views/tables.ts";

export interface DoctorDeps {
  readonly database: Database<Tables>;
  readonly dataPlane: DataPlane;
  readonly clock: Clock;
  readonly ids: Ids;
}

export interface FixDeps extends DoctorDeps {
  /** Frees uploads whose time is over. */
  expireUploads(): Promise<number>;
}

export interface DoctorOptions {
  /** Leftovers younger than this (ms) may belong to work under way and are left alone. Default 24 h. */
  readonly grace?: number;
  readonly signal?: AbortSignal;
}

export interface Finding {
  readonly backend_id: string;
  readonly key: string;
  readonly size: number;
}

export interface DoctorReport {
  /** Nothing is missing or wrong; leftovers do not count. */
  readonly healthy: boolean;
  /** Unfinished uploads that nobody will finish. */
  readonly staged: readonly (Finding & { readonly resumable?: true })[];
  /** Databases of a `replay --check` that never ended. */
  readonly scratch: readonly string[];
  /** Stored bytes that no name points at. */
  readonly orphans: readonly (Finding & Pick<StoredObject, "address" | "generation">)[];
  /** Recorded locations whose bytes are not there, or have another length. */
  readonly missing: readonly {
    readonly backend_id: string;
    readonly key: string;
    readonly content_address: string;
    readonly problem: "missing" | "size";
  }[];
  /** Objects that a read or `verify` found damaged. */
  readonly quarantined: readonly string[];
  /** Views that need `replay`: another version, or not at the head of the log. */
  readonly stale_views: readonly string[];
  /** Packages that are still open, for information. */
  readonly open_packages: number;
}

export interface FixReport {
  readonly report: DoctorReport;
  readonly removed_staged: number;
  readonly removed_orphans: number;
  readonly removed_scratch: number;
  readonly freed_bytes: number;
}

const DAY = 24 * 60 * 60 * 1000;
const PAGE = 1000;

export async function inspect(deps: DoctorDeps, caller: Caller, options: DoctorOptions = {}): Promise<DoctorReport> {
  authorize(caller, "registry:maintain");
  const { database, dataPlane, clock } = deps;
  const before = clock.now() - (options.grace ?? DAY);
  const staged: DoctorReport["staged"][number][] = [];
  const orphans: DoctorReport["orphans"][number][] = [];
  const missing: DoctorReport["missing"][number][] = [];
  for (const { backend_id: backendId } of await dataPlane.health()) {
    for (const leftover of await dataPlane.listStaged(backendId, before)) staged.push(toFinding(backendId, leftover));
    staged.push(...(await abandonedUploads(deps, backendId, before)));
    for await (const { stored, recorded } of merge(
      storedKeys(dataPlane, backendId),
      recordedKeys(database, backendId),
    )) {
      throwIfCancelled(options.signal);
      if (recorded === undefined) {
        if (stored !== undefined && stored.modified_at <= before) orphans.push(toOrphan(backendId, stored));
      } else if (stored === undefined || !fits(stored.size, recorded)) {
        // Recorded a moment after the listing had passed its place: look again before calling it missing.
        const problem = await reallyMissing(deps, recorded);
        if (problem !== undefined) {
          missing.push({
            backend_id: backendId,
            key: recorded.storage_key,
            content_address: recorded.content_address,
            problem,
          });
        }
      }
    }
  }
  const quarantined = await database.read
    .selectFrom("objects")
    .select("content_address")
    .where("state", "=", "quarantined")
    .orderBy("content_address")
    .execute();
  const stale = await viewsBehind(database);
  const open = await database.read
    .selectFrom("artifact_packages")
    .select((eb) => eb.fn.countAll<number>().as("count"))
    .where("state", "=", "open")
    .executeTakeFirstOrThrow();
  return {
    healthy: missing.length === 0 && quarantined.length === 0 && stale.length === 0,
    staged,
    scratch: await database.scratchLeftovers(before),
    orphans,
    missing,
    quarantined: quarantined.map((row) => row.content_address),
    stale_views: stale,
    open_packages: Number(open.count),
  };
}

/** Removes leftovers. @throws {RegistryError} `maintenance_in_progress` */
export async function fix(
  deps: FixDeps,
  caller: Caller,
  options: DoctorOptions & { readonly holder: string },
): Promise<FixReport> {
  authorize(caller, "registry:maintain");
  return await withMaintenanceLock(deps, { holder: options.holder, purpose: "doctor --fix" }, async () => {
    await deps.expireUploads();
    const report = await inspect(deps, caller, options);
    let removedStaged = 0;
    let removedOrphans = 0;
    let freed = 0;
    for (const { backend_id, key, size, resumable } of report.staged) {
      if (resumable) await deps.dataPlane.discardUpload(backend_id, key);
      else await deps.dataPlane.discardStaged(backend_id, key);
      removedStaged += 1;
      freed += size;
    }
    for (const name of report.scratch) await deps.database.discardScratch(name);
    for (const orphan of report.orphans) {
      if (!(await retireKey(deps, orphan))) continue;
      await deps.dataPlane.delete({
        backend_id: orphan.backend_id,
        key: orphan.key,
        offset: 0,
        length: orphan.size,
        layout: "whole",
      });
      removedOrphans += 1;
      freed += orphan.size;
    }
    return {
      report,
      removed_staged: removedStaged,
      removed_orphans: removedOrphans,
      removed_scratch: report.scratch.length,
      freed_bytes: freed,
    };
  });
}

/**
 * Uploads whose session is over. Their rows are looked for after they were listed, and a row is there before its first
 * byte: so a live upload is never among them, whatever the grace.
 */
async function abandonedUploads(
  { database, dataPlane }: DoctorDeps,
  backendId: string,
  before: number,
): Promise<DoctorReport["staged"]> {
  const found = await dataPlane.listUploads(backendId, before);
  const live = await liveUploads(
    database.read,
    found.map(({ id }) => id),
  );
  return found
    .filter(({ id }) => !live.has(id))
    .map((upload) => ({ ...toFinding(backendId, upload), resumable: true }));
}

async function viewsBehind(database: Database<Tables>): Promise<string[]> {
  return await database.snapshot(async (trx) => {
    const stale = new Set((await staleViews(trx)).map((view) => view.name));
    const head = await trx.selectFrom("event_head").select("sequence").where("id", "=", 1).executeTakeFirstOrThrow();
    for (const row of await trx.selectFrom("view_state").select(["view", "applied_sequence"]).execute()) {
      if (Number(row.applied_sequence) !== Number(head.sequence)) stale.add(row.view);
    }
    return [...stale].sort();
  });
}

/** Whether a key of `size` bytes can hold what is recorded there. */
function fits(size: number, row: StorageLocationsTable): boolean {
  const end = row.byte_offset + row.byte_length;
  return row.layout === "whole" ? size === end : size >= end;
}

async function reallyMissing(deps: DoctorDeps, row: StorageLocationsTable): Promise<"missing" | "size" | undefined> {
  const still = await deps.database.read
    .selectFrom("storage_locations")
    .select("storage_key")
    .where("backend_id", "=", row.backend_id)
    .where("storage_key", "=", row.storage_key)
    .executeTakeFirst();
  if (still === undefined) return undefined;
  const location = {
    backend_id: row.backend_id,
    key: row.storage_key,
    offset: row.byte_offset,
    length: row.byte_length,
    layout: row.layout as StorageLocation["layout"],
  };
  const verdict = await deps.dataPlane.verify(location, { size: row.byte_length, digests: [] });
  return verdict.ok ? undefined : verdict.problem === "missing" ? "missing" : "size";
}

const toFinding = (backendId: string, leftover: StagedLeftover): Finding => ({
  backend_id: backendId,
  key: leftover.id,
  size: leftover.size,
});

function toOrphan(backendId: string, stored: StoredObject): DoctorReport["orphans"][number] {
  const { key, size, address, generation } = stored;
  return {
    backend_id: backendId,
    key,
    size,
    ...(address === undefined ? {} : { address }),
    ...(generation === undefined ? {} : { generation }),
  };
}

async function* storedKeys(dataPlane: DataPlane, backendId: string): AsyncGenerator<StoredObject> {
  let cursor: string | undefined;
  do {
    const page = await dataPlane.list(backendId, { limit: PAGE, ...(cursor === undefined ? {} : { cursor }) });
    yield* page.items;
    cursor = page.cursor;
  } while (cursor !== undefined);
}

async function* recordedKeys(database: Database<Tables>, backendId: string): AsyncGenerator<StorageLocationsTable> {
  let after = "";
  for (;;) {
    const page = await database.read
      .selectFrom("storage_locations")
      .selectAll()
      .where("backend_id", "=", backendId)
      .where("storage_key", ">", after)
      .orderBy("storage_key")
      .limit(PAGE)
      .execute();
    yield* page;
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return;
    after = last.storage_key;
  }
}

interface Pair {
  readonly stored?: StoredObject;
  readonly recorded?: StorageLocationsTable;
}

async function* merge(
  stored: AsyncGenerator<StoredObject>,
  recorded: AsyncGenerator<StorageLocationsTable>,
): AsyncGenerator<Pair> {
  // The recorded keys are read first: an object stored in between then looks like an orphan, and its age saves it.
  let r = await recorded.next();
  let s = await stored.next();
  while (r.done !== true || s.done !== true) {
    if (s.done === true || (r.done !== true && r.value.storage_key < s.value.key)) {
      yield { recorded: r.value as StorageLocationsTable };
      r = await recorded.next();
    } else if (r.done === true || s.value.key < r.value.storage_key) {
      yield { stored: s.value };
      s = await stored.next();
    } else {
      yield { stored: s.value, recorded: r.value };
      r = await recorded.next();
      s = await stored.next();
    }
  }
}
