/**
 * Uploads that resume, in memory. Whoever opens one writes to pieces of their own, so an outdated holder disturbs
 * nobody; the checkpoint's `state` says which pieces count.
 *
 * As an object store: parts of at least 5 MiB travel when they are full; a part that was sent is never appended to;
 * what does not fill one is kept as a small object beside, one for each checkpoint; sealing sends the tail as the last
 * part and completes the multipart upload under its final key, where it lies before anybody has published it.
 */
import { concatBytes } from "../../core/base/bytes.ts";
import { RegistryError } from "../../core/base/errors.ts";
import type { ContentAddress } from "../../core/identity/content_address.ts";
import type {
  OpenUploadOptions,
  SealedUpload,
  StagedLeftover,
  StagedUpload,
  StorageLocation,
  UploadCheckpoint,
} from "../../core/spi/storage.ts";

/** What the backend's own objects look like to this file. */
export interface UploadHost {
  readonly id: string;
  readonly partSize: number;
  /** Object-store mode: the final key of an upload. Otherwise `undefined`: the key comes with the address. */
  finalKey(uploadId: string): string | undefined;
  /** Bytes under a key; the first copy stays. */
  put(key: string, parts: readonly Uint8Array[], named?: { address: ContentAddress; generation: number }): void;
  sizeOf(key: string): number | undefined;
  keyFor(address: ContentAddress, generation: number): string;
  read(key: string): AsyncIterable<Uint8Array>;
}

export interface Uploads {
  open(id: string, options: OpenUploadOptions): StagedUpload;
  sealed(id: string): StorageLocation | undefined;
  list(before: number): readonly StagedLeftover[];
  discard(id: string): void;
  clear(): void;
}

/** One multipart upload and the small objects beside it. */
interface Multipart {
  readonly parts: Map<number, Uint8Array>;
  readonly tails: Map<string, Uint8Array>;
  modified_at: number;
}

/** The checkpoint's `state`, as JSON. Parts by number, first and last of each unbroken run. */
interface State {
  readonly multipart: string;
  readonly runs: readonly (readonly [number, number])[];
  readonly tail: string | null;
}

/**
 * Parts that may be sent after the newest settled checkpoint. Whoever takes over leaves as many numbers free, so no two
 * holders ever send a part of one number.
 */
const UNSETTLED_PARTS = 64;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export function createUploads(host: UploadHost): Uploads {
  /** Upload id -> multipart id -> multipart upload. More than one where a beginning was not recorded. */
  const uploads = new Map<string, Map<string, Multipart>>();

  function open(id: string, { checkpoint }: OpenUploadOptions): StagedUpload {
    checkId(id);
    const state = checkpoint === undefined ? begin(id) : parse(id, checkpoint.state);
    const multipart = uploads.get(id)?.get(state.multipart);
    const key = host.finalKey(id);
    if (multipart === undefined) {
      // Completed by an earlier process: sealed, if it has the promised bytes.
      if (key !== undefined && checkpoint !== undefined && host.sizeOf(key) === checkpoint.offset) {
        return reopenSealed(checkpoint, sealedAt(key, checkpoint.offset));
      }
      throw gone(id);
    }
    return resume(id, multipart, state, checkpoint);
  }

  function begin(id: string): State {
    const multiparts = uploads.get(id) ?? new Map<string, Multipart>();
    uploads.set(id, multiparts);
    const multipart = crypto.randomUUID();
    multiparts.set(multipart, { parts: new Map(), tails: new Map(), modified_at: Date.now() });
    return { multipart, runs: [], tail: null };
  }

  function resume(id: string, multipart: Multipart, opened: State, from: UploadCheckpoint | undefined): StagedUpload {
    const kept = partsOf(multipart, opened);
    const tailBefore = opened.tail === null ? new Uint8Array(0) : multipart.tails.get(opened.tail);
    // Never a remembered number: what is listed is what counts.
    const offset = sizeOf(kept) + (tailBefore?.length ?? 0);
    if (tailBefore === undefined || (from !== undefined && offset !== from.offset)) throw gone(id);

    const runs: [number, number][] = opened.runs.map(([first, last]) => [first, last]);
    const lastNumber = runs.at(-1)?.[1] ?? 0;
    let next = lastNumber + 1 + (from === undefined ? 0 : UNSETTLED_PARTS);
    let settledNext = next;
    /** Checkpoints that are not settled yet, oldest first. A newer holder's are not ours to know, or to clear away. */
    const known: { state: string; tail: string | null; next: number }[] = [
      { state: JSON.stringify(opened), tail: opened.tail, next },
    ];
    let tail: Uint8Array[] = tailBefore.length > 0 ? [tailBefore] : [];
    let tailSize = tailBefore.length;
    let size = offset;
    let checkpoint: UploadCheckpoint = { offset, state: JSON.stringify(opened) };
    let ended: string | undefined;

    const assertOpen = () => {
      if (ended !== undefined) throw invalid(`This handle of the upload is ${ended}: open the upload again`);
      // An object store answers NoSuchUpload once somebody has aborted or completed it.
      if (uploads.get(id)?.get(opened.multipart) !== multipart) throw gone(id);
    };

    function send(): void {
      if (next - settledNext >= UNSETTLED_PARTS) throw invalid("Settle a checkpoint before more bytes are written");
      multipart.parts.set(next, concatBytes(tail));
      const run = runs.at(-1);
      if (run !== undefined && run[1] === next - 1) run[1] = next;
      else runs.push([next, next]);
      next += 1;
      tail = [];
      tailSize = 0;
    }

    return {
      get bytes_written() {
        return size;
      },
      get checkpoint() {
        return checkpoint;
      },
      async write(chunk) {
        assertOpen();
        tail.push(chunk.slice());
        tailSize += chunk.length;
        size += chunk.length;
        multipart.modified_at = Date.now();
        if (tailSize >= host.partSize) send();
      },
      async sync() {
        assertOpen();
        if (size === checkpoint.offset) return checkpoint;
        const name = tailSize === 0 ? null : crypto.randomUUID();
        if (name !== null) multipart.tails.set(name, concatBytes(tail));
        const state: State = { multipart: opened.multipart, runs: runs.map(([a, b]) => [a, b]), tail: name };
        checkpoint = { offset: size, state: JSON.stringify(state) };
        known.push({ state: checkpoint.state, tail: name, next });
        return checkpoint;
      },
      async settle(recorded) {
        const index = known.findIndex(({ state }) => state === recorded.state);
        for (const { tail: old } of known.splice(0, Math.max(index, 0))) {
          if (old !== null && old !== known[0]?.tail) multipart.tails.delete(old);
        }
        settledNext = known[0]?.next ?? next;
      },
      async seal() {
        assertOpen();
        const counted = JSON.parse(checkpoint.state) as State;
        const parts = [...partsOf(multipart, counted)];
        const last = counted.tail === null ? undefined : multipart.tails.get(counted.tail);
        if (last !== undefined) parts.push(last);
        const key = host.finalKey(id);
        ended = "sealed";
        if (key === undefined) return sealedApart(parts);
        host.put(key, parts);
        discard(id);
        return sealedAt(key, checkpoint.offset);
      },
      async close() {
        ended ??= "closed";
      },
    };
  }

  const location = (key: string, length: number): StorageLocation => ({
    backend_id: host.id,
    key,
    offset: 0,
    length,
    layout: "whole",
  });

  /** Object store: the bytes lie under their key, and publishing is knowing it. */
  const sealedAt = (key: string, size: number): SealedUpload => ({
    size,
    read: () => host.read(key),
    async publish() {
      if (host.sizeOf(key) !== size) throw gone(key);
      return location(key, size);
    },
  });

  const sealedApart = (parts: readonly Uint8Array[]): SealedUpload => ({
    size: sizeOf(parts),
    read: () => piecesOf(parts, 0, sizeOf(parts)),
    async publish(address, generation) {
      const key = host.keyFor(address, generation);
      host.put(key, parts, { address, generation });
      return location(key, sizeOf(parts));
    },
  });

  function reopenSealed(checkpoint: UploadCheckpoint, sealed: SealedUpload): StagedUpload {
    const refuse = async (): Promise<never> => {
      throw invalid("This upload was sealed and takes no more bytes");
    };
    return {
      bytes_written: checkpoint.offset,
      checkpoint,
      write: refuse,
      sync: async () => checkpoint,
      settle: async () => {},
      seal: async () => sealed,
      close: async () => {},
    };
  }

  function discard(id: string): void {
    uploads.delete(id);
  }

  return {
    open,
    sealed(id) {
      const key = host.finalKey(checkId(id));
      const size = key === undefined ? undefined : host.sizeOf(key);
      return key === undefined || size === undefined ? undefined : location(key, size);
    },
    list: (before) =>
      [...uploads]
        .map(([id, multiparts]) => {
          const all = [...multiparts.values()];
          const bytes = all.flatMap(({ parts, tails }) => [...parts.values(), ...tails.values()]);
          return { id, size: sizeOf(bytes), modified_at: Math.max(...all.map((one) => one.modified_at)) };
        })
        .filter(({ modified_at }) => modified_at < before),
    discard: (id) => discard(checkId(id)),
    clear: () => uploads.clear(),
  };
}

function partsOf({ parts }: Multipart, { runs }: State): readonly Uint8Array[] {
  const found: Uint8Array[] = [];
  for (const [first, last] of runs) {
    for (let number = first; number <= last; number++) {
      const part = parts.get(number);
      if (part !== undefined) found.push(part);
    }
  }
  return found;
}

function parse(id: string, state: string): State {
  try {
    return JSON.parse(state) as State;
  } catch {
    throw gone(id);
  }
}

function sizeOf(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, part) => sum + part.length, 0);
}

function checkId(id: string): string {
  if (typeof id === "string" && UUID.test(id)) return id;
  throw invalid("The id of an upload is a UUID in lower case");
}

function gone(id: string): RegistryError {
  return new RegistryError("object_missing", "Stored bytes of this upload are gone; begin a new one", {
    upload_id: id,
  });
}

function invalid(message: string): RegistryError {
  return new RegistryError("invalid_argument", message);
}

/** Size of the chunks that reads yield. Bytes. */
const CHUNK_SIZE = 1024 * 1024;

/** Bytes `start` to `end` of the parts, in chunks. A copy: readers must not be able to change what is kept. */
export async function* piecesOf(parts: readonly Uint8Array[], start: number, end: number): AsyncGenerator<Uint8Array> {
  let partStart = 0;
  for (const part of parts) {
    const last = Math.min(part.length, end - partStart);
    for (let at = Math.max(0, start - partStart); at < last; at += CHUNK_SIZE) {
      yield part.slice(at, Math.min(at + CHUNK_SIZE, last));
    }
    partStart += part.length;
  }
}
