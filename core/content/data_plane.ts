/**
 * The data plane in this process. The only code that calls a storage backend; backends are handed in by the
 * composition root and found by `backend_id`.
 */
import { checkByteRange } from "../base/bytes.ts";
import type { ChunkPool } from "../base/chunk_pool.ts";
import { isRegistryError, RegistryError } from "../base/errors.ts";
import type { Hasher } from "../identity/hasher.ts";
import type {
  ContentFacts,
  DataPlane,
  IngestOptions,
  IngestResult,
  ServeRequest,
  VerifyResult,
} from "../spi/data_plane.ts";
import type { HashOffload } from "../spi/hash_offload.ts";
import type { StagedObject, StorageBackend, StorageLocation } from "../spi/storage.ts";
import { passOver } from "./pipeline.ts";
import { createUploadBytes } from "./upload_bytes.ts";
import { countedRead, verifiedRead } from "./verified_read.ts";

export function createInProcessDataPlane(deps: {
  readonly backends: readonly StorageBackend[];
  readonly hasher: Hasher;
  /** For large contents, where another thread may hash. */
  readonly offload?: HashOffload | undefined;
}): DataPlane {
  const hashing = { hasher: deps.hasher, offload: deps.offload };
  const backends = new Map(deps.backends.map((backend) => [backend.id, backend]));
  if (backends.size !== deps.backends.length) {
    throw new RegistryError("config_invalid", "Two storage backends have the same id");
  }
  const backendOf = (id: string): StorageBackend => {
    const backend = backends.get(id);
    if (backend !== undefined) return backend;
    throw new RegistryError("config_invalid", `No storage backend with id ${JSON.stringify(id)} is configured`, {
      backend_id: id,
    });
  };

  async function ingest(source: AsyncIterable<Uint8Array>, options: IngestOptions): Promise<IngestResult> {
    const { expected_size: expectedSize, signal } = options;
    const staged = await backendOf(options.backend_id).stage(expectedSize === undefined ? {} : { size: expectedSize });
    try {
      const facts = await passOver(source, hashing, {
        size: expectedSize,
        write: (chunk) => staged.write(chunk),
        maxSize: options.max_size,
        algorithms: [...(options.algorithms ?? []), ...(options.expected ?? []).map((d) => d.algorithm)],
        ...(signal === undefined ? {} : { signal }),
      });
      checkExpected(facts, options);
      const { location, deduplicated } = await place(facts, staged, options);
      return { ...facts, location, deduplicated };
    } finally {
      // Nothing to do after a publish; after anything else it takes the staged bytes away.
      await staged.abort();
    }
  }

  async function place(
    facts: ContentFacts,
    staged: Pick<StagedObject, "publish">,
    options: Pick<IngestOptions, "place" | "backend_id">,
  ) {
    let placement = await options.place(facts);
    if (placement.action === "reuse") {
      if (await isWhole(placement.location)) return { location: placement.location, deduplicated: true };
      placement = await options.place(facts, placement.location);
      if (placement.action === "reuse") {
        throw new RegistryError("object_missing", `The stored bytes of ${facts.address} are missing`, {
          content_address: facts.address,
        });
      }
    }
    if (placement.backend_id !== options.backend_id) {
      throw new RegistryError("unsupported", "Bytes are published where they were staged", {
        backend_id: placement.backend_id,
      });
    }
    return { location: await staged.publish(facts.address, placement.generation), deduplicated: false };
  }

  /** Present with the recorded length. Not a proof of its bytes: reads and `verify` give that. */
  async function isWhole(location: StorageLocation): Promise<boolean> {
    const stored = await backendOf(location.backend_id).stat(location.key);
    return stored !== undefined && hasRoomFor(location, stored.size);
  }

  const rawRange = ({ backend_id, key, offset }: StorageLocation, start: number, end: number, chunks?: ChunkPool) =>
    backendOf(backend_id).read(key, { start: offset + start, end: offset + end }, chunks);

  /** What a whole key holds, all of it: bytes beyond the recorded length are damage too. */
  const rawRead = (location: StorageLocation, chunks?: ChunkPool) =>
    location.layout === "whole"
      ? backendOf(location.backend_id).read(location.key, undefined, chunks)
      : rawRange(location, 0, location.length, chunks);

  function serve(request: ServeRequest): AsyncIterable<Uint8Array> {
    const { location, range, size, chunks } = request;
    if (range !== undefined) {
      const { start, end } = range;
      checkByteRange(range, size);
      return countedRead(rawRange(location, start, end, chunks), end - start, request);
    }
    if (request.verify === false) return countedRead(rawRead(location, chunks), size, request);
    return verifiedRead(rawRead(location, chunks), hashing, request);
  }

  async function verify(
    location: StorageLocation,
    expected: Parameters<DataPlane["verify"]>[1],
    signal?: AbortSignal,
  ): Promise<VerifyResult> {
    const stored = await backendOf(location.backend_id).stat(location.key);
    if (stored === undefined) return { ok: false, problem: "missing" };
    if (!hasRoomFor(location, stored.size) || location.length !== expected.size) {
      return { ok: false, problem: "size", found_size: stored.size };
    }
    try {
      const facts = await passOver(rawRead(location), hashing, {
        size: expected.size,
        algorithms: expected.digests.map((d) => d.algorithm),
        ...(signal === undefined ? {} : { signal }),
      });
      const same = expected.digests.every((digest) => facts.digests[digest.algorithm]?.equals(digest) === true);
      if (same && facts.size === expected.size) return { ok: true, found_size: facts.size, found: facts.digests };
      return { ok: false, problem: "digest", found_size: facts.size, found: facts.digests };
    } catch (error) {
      // It changed under the read: gone, or shorter than it was a moment ago.
      if (isRegistryError(error, "object_missing")) return { ok: false, problem: "missing" };
      if (isRegistryError(error, "object_corrupt") || isRegistryError(error, "invalid_argument")) {
        return { ok: false, problem: "size" };
      }
      throw error;
    }
  }

  const uploads = createUploadBytes({
    backendOf,
    hashing,
    async finish(facts, sealed, options) {
      checkExpected(facts, options);
      const { location, deduplicated } = await place(facts, sealed, options);
      return { ...facts, location, deduplicated };
    },
  });

  return {
    ingest,
    serve,
    verify,
    ...uploads,
    async copy(from, facts, to) {
      const source = serve({ location: from, address: facts.address, size: facts.size });
      const result = await ingest(source, {
        expected: [facts.digests.blake3],
        expected_size: facts.size,
        max_size: facts.size,
        backend_id: to.backend_id,
        place: async () => ({ action: "publish", ...to }),
      });
      return result.location;
    },
    delete: (location) => backendOf(location.backend_id).delete(location.key),
    list: (backendId, options) => backendOf(backendId).list(options),
    listStaged: (backendId, before) => backendOf(backendId).listStaged(before),
    discardStaged: (backendId, id) => backendOf(backendId).discardStaged(id),
    health: () =>
      Promise.all([...backends.values()].map(async (b) => ({ backend_id: b.id, kind: b.kind, ...(await b.health()) }))),
    async close() {
      await Promise.all([...backends.values()].map((backend) => backend.close()));
    },
  };
}

/** Whether a key of `size` bytes can hold what the location says. */
function hasRoomFor(location: StorageLocation, size: number): boolean {
  const end = location.offset + location.length;
  return location.layout === "whole" ? size === end : size >= end;
}

function checkExpected(facts: ContentFacts, options: Pick<IngestOptions, "expected" | "expected_size">): void {
  if (options.expected_size !== undefined && options.expected_size !== facts.size) {
    throw new RegistryError("size_mismatch", `${options.expected_size} bytes were announced, ${facts.size} came`, {
      expected: options.expected_size,
      actual: facts.size,
    });
  }
  for (const digest of options.expected ?? []) {
    const actual = facts.digests[digest.algorithm];
    if (actual?.equals(digest) === true) continue;
    throw new RegistryError("digest_mismatch", `The bytes have the digest ${actual}, not ${digest}`, {
      expected: digest.toString(),
      actual: actual?.toString(),
    });
  }
}
