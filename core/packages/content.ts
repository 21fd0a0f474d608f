/** Getting bytes back: files, manifests, and the proof that everything is still there. */
import { authorize } from "../access/decide.ts";
import type { ChunkPool } from "../base/chunk_pool.ts";
import { isRegistryError, RegistryError } from "../base/errors.ts";
import type { ContentAddress } from "../identity/content_address.ts";
import { createDigest } from "../identity/digest.ts";
import { manifestDigest } from "../manifest/mod.ts";
import type { Caller } from "../spi/authenticator.ts";
import type { ByteRange, StorageLocation } from "../spi/storage.ts";
import { loadOne, want } from "../views/loader.ts";
import { locationOf, type ObjectRecord, objectByAddress } from "../views/objects.ts";
import { entriesOf } from "./build_manifest.ts";
import type { FileEntry } from "./entries.ts";
import { findPackage } from "./read.ts";
import { storedManifest } from "./read_manifest.ts";
import type { PackageDeps } from "./types.ts";

export interface ReadOptions {
  readonly range?: ByteRange;
  /** Default: as the registry was told. */
  readonly verify?: boolean;
  /** For a reader that gives every chunk back. */
  readonly chunks?: ChunkPool;
}

export interface FileContent {
  readonly entry: FileEntry;
  /** Bytes that `body` will give. */
  readonly length: number;
  /**
   * The bytes, once. A whole read that does not match its digest throws `object_corrupt` before it is complete.
   */
  readonly body: AsyncIterable<Uint8Array>;
}

/** The bytes of an entry that was read from a package of the caller's. */
export async function openFile(
  deps: PackageDeps,
  caller: Caller,
  entry: FileEntry,
  options: ReadOptions = {},
): Promise<FileContent> {
  const object = await loadOne(deps.database.read, objectByAddress, entry.content_address);
  const row = object?.state === "live" ? object.locations[0] : undefined;
  return contentOf(deps, caller, entry, row && locationOf(row), options);
}

/** What can be read of an entry whose live object lies at `location`. @throws {RegistryError} `object_corrupt` when there is none */
export function contentOf(
  deps: PackageDeps,
  caller: Caller,
  entry: FileEntry,
  location: StorageLocation | undefined,
  options: ReadOptions,
): FileContent {
  if (location === undefined) {
    throw new RegistryError(
      "object_corrupt",
      `The stored bytes of ${JSON.stringify(entry.path)} (${entry.content_address}) are known to be damaged; restore them from a backup and run verify, or push the content again`,
      { path: entry.path, content_address: entry.content_address },
    );
  }
  const { range, verify = deps.verifyReads, chunks } = options;
  const bytes = deps.dataPlane.serve({
    location,
    address: entry.content_address,
    size: entry.size,
    ...(range === undefined ? {} : { range }),
    verify,
    ...(chunks === undefined ? {} : { chunks }),
    ...(caller.signal === undefined ? {} : { signal: caller.signal }),
  });
  const length = range === undefined ? entry.size : range.end - range.start;
  return { entry, length, body: quarantining(deps, caller, entry.content_address, location, bytes) };
}

/** Passes bytes through; damage that reading finds is recorded before the reader hears of it. */
async function* quarantining(
  deps: PackageDeps,
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

type Problem = "missing" | "size" | "digest";

async function recordDamage(
  deps: PackageDeps,
  caller: Caller,
  address: string,
  seen: StorageLocation,
  problem: Problem,
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

function isCurrent(object: ObjectRecord, seen: StorageLocation): boolean {
  return object.locations.some((l) => l.backend_id === seen.backend_id && l.storage_key === seen.key);
}

/** The bytes are good where they always were: an operator has brought them back. */
async function recordRestored(
  deps: PackageDeps,
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

export interface DamagedObject {
  readonly content_address: ContentAddress;
  /** `unreadable`: the storage failed to read it. Not recorded as damage of the object: the disk may come back. */
  readonly problem: Problem | "unreadable";
  /** Every path of the package that has these bytes. */
  readonly paths: readonly string[];
}

export interface VerifyReport {
  readonly ok: boolean;
  readonly package_id: string;
  /** Distinct objects re-digested. */
  readonly objects: number;
  readonly bytes: number;
  /** `false` when the stored manifest no longer has the digest on record; `null` for an open package. */
  readonly manifest_ok: boolean | null;
  readonly damaged: readonly DamagedObject[];
}

const VERIFY_CONCURRENCY = 4;

/**
 * Re-digests every object of a package. Damage is the answer, not an exception; it is recorded, and so is its end.
 * @throws {RegistryError} `package_not_found`, `cancelled`
 */
export async function verifyPackage(
  deps: PackageDeps,
  caller: Caller,
  ref: string,
  onProgress?: (done: { readonly objects: number; readonly bytes: number }) => void,
): Promise<VerifyReport> {
  authorize(caller, "package:verify");
  const row = await findPackage(deps, caller, ref);
  const pathsByAddress = new Map<string, { size: number; sha256: string; paths: string[] }>();
  for await (const page of entriesOf(deps.database.read, row.package_id)) {
    for (const file of page) {
      if (file.kind !== "file") continue;
      const known = pathsByAddress.get(file.content_address);
      if (known !== undefined) known.paths.push(file.path);
      else {
        const { sha256 } = file.digests;
        pathsByAddress.set(file.content_address, { size: file.size, sha256, paths: [file.path] });
      }
    }
  }
  const damaged: DamagedObject[] = [];
  let objects = 0;
  let bytes = 0;
  const queue = [...pathsByAddress];
  const worker = async () => {
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      const [address, { size, sha256, paths }] = next;
      const problem = await verifyObject(deps, caller, address as ContentAddress, size, sha256).catch((error) => {
        // A bad sector under one object must not hide what is wrong with the others.
        if (isRegistryError(error, "storage_failed")) return "unreadable" as const;
        throw error;
      });
      if (problem !== undefined) damaged.push({ content_address: address as ContentAddress, problem, paths });
      objects += 1;
      bytes += size;
      onProgress?.({ objects, bytes });
    }
  };
  await Promise.all(Array.from({ length: VERIFY_CONCURRENCY }, worker));
  const manifestOk =
    row.manifest_digest === null
      ? null
      : manifestDigest(await storedManifest(deps, row), deps.hasher) === row.manifest_digest;
  damaged.sort((a, b) => (a.content_address < b.content_address ? -1 : 1));
  return {
    ok: damaged.length === 0 && manifestOk !== false,
    package_id: row.package_id,
    objects,
    bytes,
    manifest_ok: manifestOk,
    damaged,
  };
}

async function verifyObject(
  deps: PackageDeps,
  caller: Caller,
  address: ContentAddress,
  size: number,
  sha256: string,
): Promise<Problem | undefined> {
  const object = await loadOne(deps.database.read, objectByAddress, address);
  const row = object?.locations[0];
  if (object === undefined || row === undefined) return "missing";
  const location = locationOf(row);
  const digests = [createDigest("blake3", object.digest_primary), createDigest("sha256", sha256)];
  const verdict = await deps.dataPlane.verify(location, { size, digests }, caller.signal);
  if (verdict.ok) {
    if (object.state === "quarantined") await recordRestored(deps, caller, address, location);
    return undefined;
  }
  const problem = verdict.problem ?? "digest";
  await recordDamage(deps, caller, address, location, problem);
  return problem;
}
