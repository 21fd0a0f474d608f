/** Bytes of objects for readers, and what reading finds out about them. */
import type { ChunkPool } from "../base/chunk_pool.ts";
import { isRegistryError, RegistryError } from "../base/errors.ts";
import type { ContentAddress } from "../identity/content_address.ts";
import type { Ledger } from "../ledger/mod.ts";
import type { Caller } from "../spi/authenticator.ts";
import type { DataPlane } from "../spi/data_plane.ts";
import type { ByteRange, StorageLocation } from "../spi/storage.ts";
import { want } from "../views/loader.ts";
import { type ObjectRecord, objectByAddress } from "../views/objects.ts";

export interface ReadDeps {
  readonly ledger: Ledger;
  readonly dataPlane: DataPlane;
  /** Whether whole reads are re-digested unless the caller says. */
  readonly verifyReads: boolean;
}

export interface ReadOptions {
  readonly range?: ByteRange;
  /** Default: as the registry was told. */
  readonly verify?: boolean;
  /** For a reader that gives every chunk back. */
  readonly chunks?: ChunkPool;
}

export interface ObjectContent {
  /** Bytes that `body` will give. */
  readonly length: number;
  /**
   * The bytes, once. A whole read that does not match its digest throws `object_corrupt` before it is complete.
   */
  readonly body: AsyncIterable<Uint8Array>;
}

/**
 * What can be read of an object whose good copy lies at `location`; `data` tells people which it is.
 * @throws {RegistryError} `object_corrupt` when there is none
 */
export function readObject(
  deps: ReadDeps,
  caller: Caller,
  object: { readonly address: ContentAddress; readonly size: number; readonly data: { readonly path?: string } },
  location: StorageLocation | undefined,
  options: ReadOptions,
): ObjectContent {
  const { address, size, data } = object;
  if (location === undefined) {
    const what = data.path === undefined ? address : `${JSON.stringify(data.path)} (${address})`;
    throw new RegistryError(
      "object_corrupt",
      `The stored bytes of ${what} are known to be damaged; restore them from a backup and run verify, or push the content again`,
      { ...data, content_address: address },
    );
  }
  const { range, verify = deps.verifyReads, chunks } = options;
  const bytes = deps.dataPlane.serve({
    location,
    address,
    size,
    ...(range === undefined ? {} : { range }),
    verify,
    ...(chunks === undefined ? {} : { chunks }),
    ...(caller.signal === undefined ? {} : { signal: caller.signal }),
  });
  const length = range === undefined ? size : range.end - range.start;
  return { length, body: quarantining(deps, caller, address, location, bytes) };
}

/** Passes bytes through; damage that reading finds is recorded before the reader hears of it. */
async function* quarantining(
  deps: ReadDeps,
  caller: Caller,
  address: ContentAddress,
  location: StorageLocation,
  bytes: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, void> {
  try {
    yield* bytes;
  } catch (error) {
    const problem = isRegistryError(error, "object_missing")
      ? "missing"
      : isRegistryError(error, "object_corrupt")
        ? "digest"
        : undefined;
    // The read has failed either way; a database that cannot take the note must not hide why.
    if (problem !== undefined) await recordDamage(deps, caller, address, location, problem).catch(() => {});
    throw error;
  }
}

export type DamageProblem = "missing" | "size" | "digest";

export async function recordDamage(
  deps: Pick<ReadDeps, "ledger">,
  caller: Caller,
  address: string,
  seen: StorageLocation,
  problem: DamageProblem,
): Promise<void> {
  await deps.ledger.commit(caller, {
    wants: { object: want(objectByAddress, address) },
    decide({ object }) {
      // A slow reader of an old copy must not condemn the one that has taken its place.
      if (object?.state !== "live" || !isCurrent(object, seen)) return { events: [], result: undefined };
      const payload = { backend_id: seen.backend_id, key: seen.key, problem };
      return { events: [{ type: "v1.object.damage_found", subject: address, payload }], result: undefined };
    },
  });
}

/** The bytes are good where they always were: an operator has brought them back. */
export async function recordRestored(
  deps: Pick<ReadDeps, "ledger">,
  caller: Caller,
  address: string,
  seen: StorageLocation,
): Promise<void> {
  await deps.ledger.commit(caller, {
    wants: { object: want(objectByAddress, address) },
    decide({ object }) {
      if (object?.state !== "quarantined" || !isCurrent(object, seen)) return { events: [], result: undefined };
      const payload = { location: seen, generation: object.generation };
      return { events: [{ type: "v1.object.restored", subject: address, payload }], result: undefined };
    },
  });
}

function isCurrent(object: ObjectRecord, seen: StorageLocation): boolean {
  return object.locations.some((l) => l.backend_id === seen.backend_id && l.storage_key === seen.key);
}
