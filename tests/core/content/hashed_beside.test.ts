/** Contents that another thread hashes: the same digests whatever happens, and nothing wrong when the thread dies. */
import { afterEach, expect, test } from "bun:test";
import fc from "fast-check";
import { createHashWorker, type HashWorker } from "../../../adapters/hash-worker/mod.ts";
import { createFsStorage } from "../../../adapters/storage-fs/mod.ts";
import { concatBytes } from "../../../core/base/bytes.ts";
import { createChunkPool } from "../../../core/base/chunk_pool.ts";
import {
  contentAddress,
  createDigest,
  createInProcessDataPlane,
  type DataPlane,
  type StorageBackend,
} from "../../../core/mod.ts";
import type { UploadBytes } from "../../../core/spi/data_plane.ts";
import type { UploadCheckpoint } from "../../../core/spi/storage.ts";
import { codeOf, failureOf, hasher, pattern, source } from "../../support/registry_fixture.ts";
import { temporaryDirectory } from "../../support/storage_temporary.ts";

const MIB = 1024 * 1024;
const DYING = new URL("../../support/hash_worker_dying.ts", import.meta.url);
/** One chunk of this length ends that thread. */
const DEADLY = 77_777;
const LIMIT = 300_000;

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
}, LIMIT);

function open(program?: URL): { dataPlane: DataPlane; storage: StorageBackend; worker: HashWorker } {
  const directory = temporaryDirectory("beside");
  const storage = createFsStorage({ root: directory.path });
  const worker = createHashWorker(program && { program });
  const dataPlane = createInProcessDataPlane({ backends: [storage], hasher, offload: worker });
  cleanups.push(
    () => directory.remove(),
    () => dataPlane.close(),
    () => worker.close(),
  );
  return { dataPlane, storage, worker };
}

const digestsOf = (bytes: Uint8Array) => ({
  blake3: createDigest("blake3", hasher.hash("blake3", bytes)),
  sha256: createDigest("sha256", hasher.hash("sha256", bytes)),
});

const place = (storage: StorageBackend) => ({
  place: async () => ({ action: "publish", backend_id: storage.id, generation: 0 }) as const,
});
const into = (storage: StorageBackend) => ({ backend_id: storage.id, max_size: 1e9, ...place(storage) });

/** An upload as its caller keeps it. */
function uploadOf(storage: StorageBackend) {
  let checkpoint: UploadCheckpoint | undefined;
  const upload_id = crypto.randomUUID();
  return (): UploadBytes => ({
    backend_id: storage.id,
    upload_id,
    contended: false,
    ...(checkpoint && { checkpoint }),
    async record(next) {
      checkpoint = next;
    },
  });
}

/** In chunks of these lengths, again and again; each is overwritten once two later ones have been asked for. */
async function* reusing(bytes: Uint8Array, lengths: readonly number[]): AsyncGenerator<Uint8Array> {
  const given: Uint8Array[] = [];
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const chunk = bytes.slice(at, at + (lengths[i % lengths.length] as number));
    at += chunk.length;
    given.push(chunk);
    yield chunk;
    if (given.length > 2) given.shift()?.fill(0xee);
  }
}

async function read(
  dataPlane: DataPlane,
  stored: { address: string; size: number; location: object },
  pool = createChunkPool({ shared: true }),
) {
  const chunks: Uint8Array[] = [];
  for await (const chunk of dataPlane.serve({ ...(stored as Parameters<DataPlane["serve"]>[0]), chunks: pool })) {
    chunks.push(chunk.slice());
    pool.giveBack(chunk);
  }
  return concatBytes(chunks);
}

const sizes = fc.oneof(fc.constantFrom(0, 1, 65_536, 65_537, MIB - 1, MIB, 4 * MIB + 1), fc.nat({ max: 3 * MIB }));
const lengths = fc
  .array(fc.oneof(fc.integer({ min: 1, max: 70_000 }), fc.constantFrom(524_288, 700_000)), {
    minLength: 1,
    maxLength: 5,
  })
  .filter((some) => Math.max(...some) > 2000);

test(
  "at once or over several requests, announced or not, contents have their digests and come back",
  async () => {
    const { dataPlane, storage } = open();
    await fc.assert(
      fc.asyncProperty(
        sizes,
        lengths,
        fc.boolean(),
        fc.array(sizes, { maxLength: 3 }),
        async (size, by, told, cuts) => {
          const bytes = pattern(size, size % 251);
          const wanted = digestsOf(bytes);
          const options = { ...into(storage), ...(told && { expected_size: size }) };
          const stored = await dataPlane.ingest(reusing(bytes, by), options);
          expect(stored).toMatchObject({ address: contentAddress(wanted.blake3), size });
          expect(stored.digests.sha256.hex).toBe(wanted.sha256.hex);
          expect(Buffer.compare(await read(dataPlane, stored), bytes)).toBe(0);

          const upload = uploadOf(storage);
          let from = 0;
          for (const cut of [...cuts.filter((at) => at < size).toSorted((a, b) => a - b), size]) {
            await dataPlane.appendUpload(upload(), reusing(bytes.subarray(from, cut), by));
            from = cut;
          }
          const completed = await dataPlane.completeUpload(upload(), place(storage));
          expect(completed).toMatchObject({ address: stored.address, size });
          expect(completed.digests.sha256.hex).toBe(wanted.sha256.hex);
        },
      ),
      { numRuns: 25 },
    );
  },
  LIMIT,
);

test(
  "64 at once, every fourth cut off, leave the others right and nothing staged",
  async () => {
    const { dataPlane, storage } = open();
    const all = Array.from({ length: 64 }, async (_, i) => {
      const bytes = pattern(2 * MIB + i, i + 1);
      if (i % 4 > 0) {
        const stored = await dataPlane.ingest(reusing(bytes, [300_000 + i]), into(storage));
        expect(stored.digests.sha256.hex).toBe(digestsOf(bytes).sha256.hex);
        return expect(Buffer.compare(await read(dataPlane, stored), bytes)).toBe(0);
      }
      const abort = new AbortController();
      async function* cut() {
        yield bytes.subarray(0, MIB);
        abort.abort();
        yield bytes.subarray(MIB);
      }
      expect(await codeOf(dataPlane.ingest(cut(), { ...into(storage), signal: abort.signal }))).toBe("cancelled");
    });
    await Promise.all(all);
    expect(await dataPlane.listStaged(storage.id, Date.now() + 1000)).toEqual([]);
  },
  LIMIT,
);

test(
  "a request that is cut off between two others changes no digest",
  async () => {
    const { dataPlane, storage } = open();
    const bytes = pattern(3 * MIB, 5);
    const upload = uploadOf(storage);
    await dataPlane.appendUpload(upload(), source(bytes.subarray(0, MIB)));
    async function* breaks() {
      yield bytes.subarray(MIB, 2 * MIB);
      throw new Error("gone");
    }
    await expect(dataPlane.appendUpload(upload(), breaks())).rejects.toThrow("gone");
    const { checkpoint } = upload();
    expect(checkpoint?.offset).toBe(2 * MIB);
    await dataPlane.appendUpload(upload(), source(bytes.subarray(2 * MIB)));
    const { digests } = await dataPlane.completeUpload(upload(), place(storage));
    expect(digests.sha256.hex).toBe(digestsOf(bytes).sha256.hex);
  },
  LIMIT,
);

test(
  "when the thread dies, an upload that resumes is read again, and one at once fails without a trace",
  async () => {
    const { dataPlane, storage } = open(DYING);
    const bytes = pattern(2 * MIB, 9);
    const upload = uploadOf(storage);
    await dataPlane.appendUpload(upload(), source(bytes.subarray(0, MIB)));
    const other = uploadOf(storage);
    await dataPlane.appendUpload(other(), source(bytes));
    // The chunk that kills comes in the middle of one, while another one has its hash there too.
    const rest = bytes.subarray(MIB);
    await dataPlane.appendUpload(upload(), reusing(rest, [DEADLY, 200_000, 200_000]));
    for (const one of [upload, other]) {
      const { digests } = await dataPlane.completeUpload(one(), place(storage));
      expect(digests.sha256.hex).toBe(digestsOf(bytes).sha256.hex);
    }
    const error = await failureOf(dataPlane.ingest(reusing(bytes, [200_000, DEADLY]), into(storage)));
    expect(error).toMatchObject({ code: "internal", message: expect.stringContaining("try again") });
    expect(await dataPlane.listStaged(storage.id, Date.now() + 1000)).toEqual([]);
    // And the next one is right.
    const stored = await dataPlane.ingest(source(bytes), into(storage));
    expect(stored.digests.sha256.hex).toBe(digestsOf(bytes).sha256.hex);
  },
  LIMIT,
);

test(
  "when the thread dies, a read ends before its last bytes, and nobody calls the object damaged",
  async () => {
    const { dataPlane, storage } = open(DYING);
    // The last piece that is read kills: 2 MiB at a time.
    const bytes = pattern(6 * MIB + DEADLY, 3);
    const stored = await dataPlane.ingest(source(bytes), into(storage));
    let handedOut = 0;
    const whole = async () => {
      for await (const chunk of dataPlane.serve({ ...stored, chunks: createChunkPool({ shared: true }) }))
        handedOut += chunk.length;
    };
    expect(await codeOf(whole())).toBe("internal");
    expect(handedOut).toBeLessThan(bytes.length);
    const verdict = () => dataPlane.verify(stored.location, { size: stored.size, digests: [stored.digests.sha256] });
    expect(await codeOf(verdict())).toBe("internal");
    // Twice without a digest: hashing stays in this thread.
    expect((await verdict()).ok).toBe(true);
    expect(Buffer.compare(await read(dataPlane, stored), bytes)).toBe(0);
  },
  LIMIT,
);
