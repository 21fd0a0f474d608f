/** Getting bytes back: files, manifests, and the proof that everything is still there. */
import { authorize } from "../access/decide.ts";
import { isRegistryError } from "../base/errors.ts";
import {
  type DamageProblem,
  type ObjectContent,
  type ReadOptions,
  readObject,
  recordDamage,
  recordRestored,
} from "../content/read.ts";
import type { ContentAddress } from "../identity/content_address.ts";
import { createDigest } from "../identity/digest.ts";
import { manifestDigest } from "../manifest/mod.ts";
import type { Caller } from "../spi/authenticator.ts";
import type { StorageLocation } from "../spi/storage.ts";
import { loadOne } from "../views/loader.ts";
import { locationOf, objectByAddress } from "../views/objects.ts";
import { entriesOf } from "./build_manifest.ts";
import type { FileEntry } from "./entries.ts";
import { findPackage } from "./read.ts";
import { storedManifest } from "./read_manifest.ts";
import type { PackageDeps } from "./types.ts";

export interface FileContent extends ObjectContent {
  readonly entry: FileEntry;
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
  const { content_address: address, size, path } = entry;
  return { entry, ...readObject(deps, caller, { address, size, data: { path } }, location, options) };
}

export interface DamagedObject {
  readonly content_address: ContentAddress;
  /** `unreadable`: the storage failed to read it. Not recorded as damage of the object: the disk may come back. */
  readonly problem: DamageProblem | "unreadable";
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
): Promise<DamageProblem | undefined> {
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
