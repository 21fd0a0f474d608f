/** A finalised package's manifest, in the form that is asked for. It may have 256 MiB, so few are in memory at once. */
import { sql } from "kysely";
import { authorize } from "../access/decide.ts";
import { concatBytes } from "../base/bytes.ts";
import { RegistryError } from "../base/errors.ts";
import { Room } from "../base/room.ts";
import { throwIfCancelled } from "../base/stream.ts";
import { Pace } from "../base/turn.ts";
import { decodeManifest, jcsPieces, manifestToJcs } from "../manifest/mod.ts";
import type { Caller } from "../spi/authenticator.ts";
import type { ArtifactPackagesTable } from "../views/tables.ts";
import { findPackage } from "./read.ts";
import type { PackageDeps } from "./types.ts";

export type ManifestForm = "cbor" | "jcs";

export interface ManifestContent {
  /** Bytes that `body` will give. */
  readonly length: number;
  /** The bytes, once. Whoever does not read them to the end calls `return()`: the room is for others then. */
  readonly body: AsyncIterableIterator<Uint8Array>;
}

/** From here on a worker makes the JSON. */
const WORTH_A_WORKER = 1024 * 1024;
/** From here on a manifest waits until there is room. */
const LARGE = 16 * 1024 * 1024;
/** Large manifests in memory at once, those included that somebody reads slowly. */
const MAX_LARGE = 4;
/** A manifest's JSON is some 1.2 times as long as its CBOR; one of control characters may be six times as long. */
const MAX_JSON_BYTES = 1024 ** 3;
const PIECE = 1024 * 1024;

/**
 * The manifest's exact CBOR bytes, or its JCS projection.
 * @throws {RegistryError} `package_not_finalized`, `limit_exceeded` (JSON of a manifest above the limit, or above 1 GiB),
 * `chain_broken`
 */
export async function getManifest(
  deps: PackageDeps,
  caller: Caller,
  ref: string,
  form: ManifestForm,
): Promise<ManifestContent> {
  authorize(caller, "package:read");
  const row = await findPackage(deps, caller, ref);
  const stored = await storedLength(deps, row);
  const limit = deps.limits.maxManifestBytes;
  if (form === "jcs" && stored > limit) {
    throw new RegistryError(
      "limit_exceeded",
      `The manifest of ${row.package_id} has ${stored} bytes, and up to ${limit} are turned into JSON; ask for application/cbor`,
      { limit, bytes: stored },
    );
  }
  const leave = stored > LARGE ? await roomOf(deps).enter(caller.signal) : () => {};
  try {
    const bytes = await storedManifest(deps, row);
    const pieces = form === "cbor" ? slicesOf(bytes) : await toJson(deps, bytes, caller.signal);
    return { length: pieces.reduce((sum, piece) => sum + piece.length, 0), body: handOut(pieces, leave) };
  } catch (error) {
    leave();
    throw error;
  }
}

/** {@link getManifest} in one array. */
export async function getManifestBytes(...args: Parameters<typeof getManifest>): Promise<Uint8Array<ArrayBuffer>> {
  const { body } = await getManifest(...args);
  const pieces: Uint8Array[] = [];
  for await (const piece of body) pieces.push(piece);
  return concatBytes(pieces);
}

async function toJson(deps: PackageDeps, cbor: Uint8Array, signal: AbortSignal | undefined): Promise<Uint8Array[]> {
  if (cbor.length <= WORTH_A_WORKER) return [manifestToJcs(decodeManifest(cbor))];
  if (deps.projectManifest !== undefined) {
    return [...(await deps.projectManifest(cbor, { maxBytes: MAX_JSON_BYTES, signal }))];
  }
  const pace = new Pace();
  const pieces: Uint8Array[] = [];
  for (const piece of jcsPieces(cbor)) {
    throwIfCancelled(signal);
    pieces.push(piece);
    if (pace.due()) await pace.turn();
  }
  return pieces;
}

function slicesOf(bytes: Uint8Array): Uint8Array[] {
  const slices: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += PIECE) slices.push(bytes.subarray(at, at + PIECE));
  return slices;
}

/** Not a generator: `return()` has to do its work before the first `next()` too. */
function handOut(pieces: Uint8Array[], leave: () => void): AsyncIterableIterator<Uint8Array> {
  // From the end, so that what was handed out is forgotten.
  pieces.reverse();
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    async next() {
      const value = pieces.pop();
      if (value !== undefined) return { done: false, value };
      leave();
      return { done: true, value: undefined };
    },
    async return() {
      pieces.length = 0;
      leave();
      return { done: true, value: undefined };
    },
  };
}

/** The bytes as they are in the log. @throws {RegistryError} `package_not_finalized`, `chain_broken` */
export async function storedManifest(deps: PackageDeps, row: ArtifactPackagesTable): Promise<Uint8Array> {
  const stored = await deps.database.read
    .selectFrom("event_payloads")
    .select("payload")
    .where("sequence", "=", manifestSequence(row))
    .executeTakeFirst();
  if (stored === undefined || stored.payload === null) throw lost(row);
  return stored.payload;
}

async function storedLength(deps: PackageDeps, row: ArtifactPackagesTable): Promise<number> {
  const stored = await deps.database.read
    .selectFrom("event_payloads")
    .select(sql<number | null>`length(payload)`.as("bytes"))
    .where("sequence", "=", manifestSequence(row))
    .executeTakeFirst();
  if (stored === undefined || stored.bytes === null) throw lost(row);
  return Number(stored.bytes);
}

function manifestSequence({ package_id, state, manifest_sequence }: ArtifactPackagesTable): number {
  if (manifest_sequence !== null) return manifest_sequence;
  throw new RegistryError(
    "package_not_finalized",
    `The package ${package_id} is ${state}; it has a manifest once it is finalised`,
    { package_id, state },
  );
}

function lost({ manifest_sequence }: ArtifactPackagesTable): RegistryError {
  return new RegistryError(
    "chain_broken",
    `The log lacks event ${manifest_sequence}; run \`artifactstore events verify\``,
    { sequence: manifest_sequence },
  );
}

/** One a registry. */
const rooms = new WeakMap<object, Room>();

function roomOf({ ledger }: PackageDeps): Room {
  const room = rooms.get(ledger) ?? new Room(MAX_LARGE);
  rooms.set(ledger, room);
  return room;
}
