/** Bringing bytes into the store: where they go, and what the log says of them. Shared by every door that takes bytes. */
import { RegistryError } from "../base/errors.ts";
import type { NewEvent } from "../events/types.ts";
import { coded, type Ledger } from "../ledger/mod.ts";
import type { ContentFacts, IngestOptions, IngestResult, Placement } from "../spi/data_plane.ts";
import type { Database } from "../spi/database.ts";
import type { StorageLocation } from "../spi/storage.ts";
import { loadOne, type Want, want } from "../views/loader.ts";
import { locationOf, type ObjectRecord, objectByAddress } from "../views/objects.ts";
import { retiredKey } from "../views/retired_keys.ts";
import { selectByKeys } from "../views/statements.ts";
import type { Tables } from "../views/tables.ts";

export interface PlaceDeps {
  readonly database: Database<Tables>;
  readonly ledger: Ledger;
  /** The backend that takes new objects. */
  readonly backendId: string;
}

/** What the data plane stored, and under which generation. */
export interface StoredContent {
  readonly result: IngestResult;
  readonly generation: number;
}

export interface BroughtContent extends StoredContent {
  /** To be called right before the commit: the group that waits for this unit still takes it. */
  readonly ready: () => void;
}

export type BringOptions = Pick<IngestOptions, "expected" | "expected_size" | "algorithms">;
/** Brings bytes into the store, from wherever they come. */
export type Bring = (options: BringOptions & Pick<IngestOptions, "place">) => Promise<IngestResult>;

/** Up to here a refusal after the transfer costs less than asking before it. Bytes. */
export const SMALL = 1024 * 1024;

export async function bringContent(deps: PlaceDeps, bring: Bring, options: BringOptions): Promise<BroughtContent> {
  let generation = 0;
  let arrived: (() => void) | undefined;
  try {
    const result = await bring({
      ...options,
      async place(facts, unusable) {
        // All bytes are here; what is left takes as long as a sync, and many files at once should share the next one.
        if (facts.size <= SMALL) arrived ??= deps.ledger.upcoming();
        const placement = await coded(deps.database, () => choosePlace(deps, facts, unusable));
        if (placement.action === "publish") generation = placement.generation;
        return placement;
      },
    });
    return { result, generation, ready: () => arrived?.() };
  } catch (error) {
    arrived?.();
    throw error;
  }
}

/** Where bytes go that are known by now: to the copy that is there, or to a key that was never used. */
export async function choosePlace(
  deps: Pick<PlaceDeps, "database" | "backendId">,
  facts: ContentFacts,
  unusable?: StorageLocation,
): Promise<Placement> {
  const db = deps.database.read;
  const object = await loadOne(db, objectByAddress, facts.address);
  if (object?.state === "live" && unusable === undefined) {
    const location = object.locations.find((l) => l.backend_id === deps.backendId) ?? object.locations[0];
    if (location !== undefined) return { action: "reuse", location: locationOf(location) };
  }
  const retired = await selectByKeys(db, "retired_keys", ["generation"], ["content_address"], [[facts.address]]);
  const used = Math.max(object?.generation ?? -1, ...retired.map((row) => Number(row.generation ?? -1)));
  return { action: "publish", backend_id: deps.backendId, generation: used + 1 };
}

/** What a unit has to know to record content that was brought. */
export interface ContentWants {
  readonly object: Want<ObjectRecord>;
  readonly retired: Want<true>;
}

export function contentWants({ result: { address, location } }: StoredContent): ContentWants {
  return {
    object: want(objectByAddress, address as string),
    retired: want(retiredKey, { backendId: location.backend_id, key: location.key }),
  };
}

/** The event that records where new bytes are; none where the log knows a good copy. @throws {RegistryError} `conflict` */
export function storedEvent(
  content: StoredContent,
  object: ObjectRecord | undefined,
  retired: boolean,
): NewEvent | undefined {
  const { result, generation } = content;
  const { location, address, digests, size } = result;
  if (result.deduplicated) {
    const kept = object?.locations.some((l) => l.backend_id === location.backend_id && l.storage_key === location.key);
    if (object?.state === "live" && kept === true) return undefined;
    throw changedMeanwhile(address);
  }
  if (retired) throw changedMeanwhile(address);
  if (object === undefined) {
    const { blake3: _, ...others } = digests;
    const hex: Record<string, string> = {};
    for (const digest of Object.values(others)) hex[digest.algorithm] = digest.hex;
    const known = hex as { sha256: string };
    return { type: "v1.object.stored", subject: address, payload: { size, digests: known, location, generation } };
  }
  // Somebody else stored the same content first: their copy stands, unless it is known to be bad or was found missing.
  if (object.state === "live" && generation <= object.generation) return undefined;
  return { type: "v1.object.restored", subject: address, payload: { location, generation } };
}

function changedMeanwhile(address: string): RegistryError {
  return new RegistryError(
    "conflict",
    `The stored copy of ${address} changed while it was being pushed; push it again`,
    {
      content_address: address,
    },
  );
}
