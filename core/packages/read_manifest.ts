/** A finalised package's manifest, in the form that is asked for. It may have 256 MiB, so few are in memory at once. */
import { authorize } from "../access/decide.ts";
import { concatBytes } from "../base/bytes.ts";
import { RegistryError } from "../base/errors.ts";
import { Rooms } from "../base/room.ts";
import { throwIfCancelled } from "../base/stream.ts";
import { Pace } from "../base/turn.ts";
import { decodeManifest, jcsPieces, manifestToJcs } from "../manifest/mod.ts";
import type { Caller } from "../spi/authenticator.ts";
import { findPayload, payloadParts, wholePayload } from "../views/payloads.ts";
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
/** One a registry. */
const rooms = new Rooms(MAX_LARGE, LARGE);

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
  partBytes?: number,
): Promise<ManifestContent> {
  authorize(caller, "package:read");
  const row = await findPackage(deps, caller, ref);
  const { read } = deps.database;
  const stored = await findPayload(read, manifestSequence(row), partBytes);
  const limit = deps.limits.maxManifestBytes;
  if (form === "jcs" && stored.length > limit) {
    throw new RegistryError(
      "limit_exceeded",
      `The manifest of ${row.package_id} has ${stored.length} bytes, and up to ${limit} are turned into JSON; ask for application/cbor`,
      { limit, bytes: stored.length },
    );
  }
  const leave = await rooms.enter(deps.ledger, stored.length, caller.signal);
  if (form === "cbor") return { length: stored.length, body: handOut(inPieces(payloadParts(read, stored)), leave) };
  try {
    const pieces = await toJson(deps, await wholePayload(read, stored), caller.signal);
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
export async function storedManifest({ database }: PackageDeps, row: ArtifactPackagesTable): Promise<Uint8Array> {
  return await wholePayload(database.read, await findPayload(database.read, manifestSequence(row)));
}

function manifestSequence({ package_id, state, manifest_sequence }: ArtifactPackagesTable): number {
  if (manifest_sequence !== null) return manifest_sequence;
  throw new RegistryError(
    "package_not_finalized",
    `The package ${package_id} is ${state}; it has a manifest once it is finalised`,
    { package_id, state },
  );
}
