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
/** Read from the database at once. SQLite goes through the whole of it for each part, so there must not be many. */
const PART = 64 * 1024 * 1024;

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
  partBytes = PART,
): Promise<ManifestContent> {
  authorize(caller, "package:read");
  const row = await findPackage(deps, caller, ref);
  const stored = await findStored(deps, row, partBytes);
  const limit = deps.limits.maxManifestBytes;
  if (form === "jcs" && stored.length > limit) {
    throw new RegistryError(
      "limit_exceeded",
      `The manifest of ${row.package_id} has ${stored.length} bytes, and up to ${limit} are turned into JSON; ask for application/cbor`,
      { limit, bytes: stored.length },
    );
  }
  const leave = stored.length > LARGE ? await roomOf(deps).enter(caller.signal) : () => {};
  if (form === "cbor") return { length: stored.length, body: handOut(inPieces(readStored(deps, row, stored)), leave) };
  try {
    const pieces = await toJson(deps, await wholeOf(deps, row, stored), caller.signal);
    return { length: pieces.reduce((sum, piece) => sum + piece.length, 0), body: handOut(forgetting(pieces), leave) };
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

async function* inPieces(parts: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  for await (const part of parts) {
    for (let at = 0; at < part.length; at += PIECE) yield part.subarray(at, at + PIECE);
  }
}

/** One after the other; none is kept that was handed out. */
async function* forgetting(pieces: Uint8Array[]): AsyncGenerator<Uint8Array, void, void> {
  pieces.reverse();
  for (let piece = pieces.pop(); piece !== undefined; piece = pieces.pop()) yield piece;
}

/** Leaves when there is no more, when it fails, or on `return()`, which does nothing to a generator that never began. */
function handOut(pieces: AsyncGenerator<Uint8Array, void, void>, leave: () => void): AsyncIterableIterator<Uint8Array> {
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    async next() {
      try {
        const step = await pieces.next();
        if (step.done) leave();
        return step as IteratorResult<Uint8Array, undefined>;
      } catch (error) {
        leave();
        throw error;
      }
    },
    async return() {
      await pieces.return();
      leave();
      return { done: true, value: undefined };
    },
  };
}

/** The bytes as they are in the log. @throws {RegistryError} `package_not_finalized`, `chain_broken` */
export async function storedManifest(deps: PackageDeps, row: ArtifactPackagesTable): Promise<Uint8Array> {
  return await wholeOf(deps, row, await findStored(deps, row, PART));
}

interface Stored {
  readonly length: number;
  /** Where one part is all of it. */
  readonly bytes: Uint8Array | null;
  readonly partBytes: number;
}

async function findStored(deps: PackageDeps, row: ArtifactPackagesTable, partBytes: number): Promise<Stored> {
  const stored = await deps.database.read
    .selectFrom("event_payloads")
    .select([
      sql<number | null>`length(payload)`.as("length"),
      sql<Uint8Array | null>`case when length(payload) <= ${sql.lit(partBytes)} then payload end`.as("bytes"),
    ])
    .where("sequence", "=", manifestSequence(row))
    .executeTakeFirst();
  if (stored === undefined || stored.length === null) throw lost(row);
  return { length: Number(stored.length), bytes: stored.bytes, partBytes };
}

/** Part by part: the databases give one in a fifth of a second, and nobody can interrupt them. */
async function* readStored(
  deps: PackageDeps,
  row: ArtifactPackagesTable,
  { length, bytes, partBytes }: Stored,
): AsyncGenerator<Uint8Array, void, void> {
  if (bytes !== null) yield bytes;
  for (let at = bytes?.length ?? 0; at < length; at += partBytes) {
    const found = await deps.database.read
      .selectFrom("event_payloads")
      .select(sql<Uint8Array | null>`substr(payload, ${sql.lit(at + 1)}, ${sql.lit(partBytes)})`.as("part"))
      .where("sequence", "=", manifestSequence(row))
      .executeTakeFirst();
    // Erased meanwhile: whoever reads is cut off.
    if (found === undefined || found.part === null) throw lost(row);
    yield found.part;
  }
}

async function wholeOf(deps: PackageDeps, row: ArtifactPackagesTable, stored: Stored): Promise<Uint8Array> {
  if (stored.bytes !== null) return stored.bytes;
  const whole = new Uint8Array(stored.length);
  let at = 0;
  for await (const part of readStored(deps, row, stored)) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
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
