/** Uploads that resume, through the library: over restarts, takeovers, broken streams and refusals. */
import { afterEach, describe, expect, test } from "bun:test";
import { createFsStorage } from "../../../adapters/storage-fs/mod.ts";
import { createMemoryStorage } from "../../../adapters/storage-memory/mod.ts";
import {
  type Caller,
  collect,
  createDigest,
  type Database,
  type Registry,
  RegistryError,
  type StorageBackend,
} from "../../../core/mod.ts";

import { forEachDatabase } from "../../support/postgres.ts";
import {
  caller,
  closeFixtures,
  codeOf,
  failureOf,
  hasher,
  ingest,
  newPackage,
  openFixture,
  pattern,
  settableClock,
  source,
  stranger,
  wholeLog,
} from "../../support/registry_fixture.ts";
import { temporaryDirectory } from "../../support/storage_temporary.ts";
import { openTarget } from "../../support/targets.ts";

const MIB = 1024 * 1024;
const HOUR = 3_600_000;
const LATER = 86_400_000;
const cleanups: (() => void)[] = [];
afterEach(async () => {
  await closeFixtures();
  for (const cleanup of cleanups.splice(0)) cleanup();
}, 60_000);

/** `open` gives the same store again and again, as processes would see it. */
const STORAGES: Readonly<Record<string, () => () => StorageBackend>> = {
  fs() {
    const directory = temporaryDirectory("uploads");
    cleanups.push(() => directory.remove());
    return () => createFsStorage({ root: directory.path });
  },
  memory() {
    const storage = createMemoryStorage();
    return () => ({ ...storage, close: async () => {} });
  },
  "an object store"() {
    const storage = createMemoryStorage({ mode: "object-store" });
    return () => ({ ...storage, close: async () => {} });
  },
};

const sha256 = (bytes: Uint8Array) => createDigest("sha256", hasher.hash("sha256", bytes));

async function read(registry: Registry, packageId: string, path: string): Promise<Uint8Array> {
  const { body } = await registry.getFile(caller, { package: packageId, path });
  return await collect(body, 1e9);
}

/** What the store holds: keys, and uploads with bytes. */
async function held(storage: StorageBackend) {
  const { items } = await storage.list({ limit: 1000 });
  return { keys: items.length, uploads: (await storage.listUploads(Date.now() + LATER)).length };
}

/** A source that gives its chunks and then waits for `go`, then for the rest. */
function stalling(first: Uint8Array, rest: Uint8Array = new Uint8Array(0)) {
  const { promise: reached, resolve: reach } = Promise.withResolvers<void>();
  const { promise, resolve: go } = Promise.withResolvers<void>();
  async function* chunks() {
    yield* source(first);
    reach();
    await promise;
    yield* source(rest);
  }
  return { chunks: chunks(), reached, go };
}

async function* breaking(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield* source(bytes);
  throw new Error("connection reset");
}

forEachDatabase((_, __, target) => {
  for (const [kind, makeStore] of Object.entries(STORAGES)) {
    describe(`over ${kind}`, () => {
      /** A store, and processes on it. */
      async function world() {
        const [where, openStore] = [await target(), makeStore()];
        const clock = settableClock(Date.now());
        const opened: Database[] = [];
        cleanups.push(() => void opened.map((database) => database.close().catch(() => {})));
        const start = async (change: (database: Database) => Database = (same) => same) => {
          const database = await openTarget(where);
          opened.push(database);
          return (await openFixture({ database: change(database), storage: openStore(), clock })).registry;
        };
        const registry = await start();
        const { package_id: packageId } = await newPackage(registry);
        return { registry, start, packageId, storage: openStore(), clock };
      }
      const begin = async (registry: Registry, packageId: string, more: object = {}) =>
        (await registry.createUpload(caller, { packageId, path: "big.bin", ...more })).upload_id;
      const send = (
        registry: Registry,
        uploadId: string,
        offset: number,
        bytes: Uint8Array | AsyncGenerator<Uint8Array>,
        more: object = {},
      ) =>
        registry.appendUpload(caller, {
          uploadId,
          offset,
          source: bytes instanceof Uint8Array ? source(bytes) : bytes,
          complete: false,
          ...more,
        });

      test("a file arrives over several requests and processes, and nothing else stays", async () => {
        const { registry, start, packageId, storage } = await world();
        const bytes = pattern(13 * MIB + 5);
        const uploadId = await begin(registry, packageId, { executable: true, mediaType: "text/plain" });
        expect(await registry.getUpload(caller, uploadId)).toMatchObject({ offset: 0, length: null, complete: false });
        expect((await send(registry, uploadId, 0, bytes.slice(0, 6 * MIB))).offset).toBe(6 * MIB);
        const other = await start();
        expect((await other.getUpload(caller, uploadId)).offset).toBe(6 * MIB);
        expect((await send(other, uploadId, 6 * MIB, bytes.slice(6 * MIB, 7 * MIB))).offset).toBe(7 * MIB);
        const done = await send(registry, uploadId, 7 * MIB, bytes.slice(7 * MIB), { complete: true });
        expect(done).toMatchObject({ offset: bytes.length, length: bytes.length, complete: true, refusal: null });
        expect(done.result?.entry).toMatchObject({ path: "big.bin", size: bytes.length, executable: true });
        expect(done.result?.entry.digests.sha256).toBe(sha256(bytes).hex);
        expect(await read(registry, packageId, "big.bin")).toEqual(bytes);
        expect(await held(storage)).toEqual({ keys: 1, uploads: 0 });
        expect(await other.getUpload(caller, uploadId)).toEqual(done);
        // Whatever is sent now, the answer is the same.
        expect(await send(other, uploadId, 3, pattern(9), { complete: true })).toEqual(done);
      }, 60_000);

      test("a source that breaks keeps what arrived, and the offset says how much", async () => {
        const { registry, packageId } = await world();
        const bytes = pattern(3 * MIB);
        const uploadId = await begin(registry, packageId);
        await expect(send(registry, uploadId, 0, breaking(bytes.slice(0, MIB)))).rejects.toThrow("connection reset");
        expect((await registry.getUpload(caller, uploadId)).offset).toBe(MIB);
        const stop = new AbortController();
        const { chunks, reached } = stalling(bytes.slice(MIB, 2 * MIB));
        const appending = codeOf(
          registry.appendUpload(
            { ...caller, signal: stop.signal },
            { uploadId, offset: MIB, source: chunks, complete: true },
          ),
        );
        await reached;
        stop.abort();
        expect(await appending).toBe("cancelled");
        expect((await registry.getUpload(caller, uploadId)).offset).toBe(2 * MIB);
        await send(registry, uploadId, 2 * MIB, bytes.slice(2 * MIB), { complete: true, length: 3 * MIB });
        expect(await read(registry, packageId, "big.bin")).toEqual(bytes);
      });

      test("of two clients in one process the newer wins, and no byte counts twice", async () => {
        const { registry, packageId } = await world();
        const bytes = pattern(2 * MIB);
        const uploadId = await begin(registry, packageId);
        const { chunks, reached, go } = stalling(bytes.slice(0, MIB), pattern(MIB, 99));
        const older = codeOf(send(registry, uploadId, 0, chunks, { complete: true }));
        await reached;
        // Who only looks disturbs nobody, and sees what is recorded.
        expect((await registry.getUpload(caller, uploadId)).offset).toBe(0);
        expect((await registry.resumeUpload(caller, uploadId)).offset).toBe(MIB);
        expect(await older).toBe("upload_superseded");
        go();
        await send(registry, uploadId, MIB, bytes.slice(MIB), { complete: true });
        expect(await read(registry, packageId, "big.bin")).toEqual(bytes);
      });

      test("of two clients in two processes the newer wins, however late the older writes", async () => {
        const { registry, start, packageId, storage } = await world();
        const other = await start();
        const bytes = pattern(9 * MIB);
        const uploadId = await begin(registry, packageId);
        await send(registry, uploadId, 0, bytes.slice(0, 2 * MIB));
        // More than a checkpoint's worth in the end, so that it would be recorded in the middle too.
        const { chunks, reached, go } = stalling(pattern(6 * MIB, 98), pattern(40 * MIB, 99));
        const older = codeOf(send(registry, uploadId, 2 * MIB, chunks, { complete: true }));
        await reached;
        expect((await other.resumeUpload(caller, uploadId)).offset).toBe(2 * MIB);
        await send(other, uploadId, 2 * MIB, bytes.slice(2 * MIB, 8 * MIB));
        go();
        expect(await older).toBe("upload_superseded");
        expect((await other.getUpload(caller, uploadId)).offset).toBe(8 * MIB);
        await send(other, uploadId, 8 * MIB, bytes.slice(8 * MIB), { complete: true });
        expect(await read(other, packageId, "big.bin")).toEqual(bytes);
        expect(await held(storage)).toEqual({ keys: 1, uploads: 0 });
      }, 60_000);

      test("a wrong digest in the end leaves nothing, and the refusal is told again", async () => {
        const { registry, packageId, storage } = await world();
        const bytes = pattern(6 * MIB);
        const events = (await wholeLog(registry)).length;
        for (const more of [{ expected: [sha256(pattern(1))] }, {}]) {
          const uploadId = await begin(registry, packageId, more);
          await send(registry, uploadId, 0, bytes.slice(0, MIB));
          const last = { complete: true, ...("expected" in more ? {} : { expected: [sha256(pattern(2))] }) };
          const refused = await failureOf(send(registry, uploadId, MIB, bytes.slice(MIB), last));
          expect(refused).toMatchObject({ code: "digest_mismatch", data: { upload_complete: true } });
          expect(await held(storage)).toEqual({ keys: 0, uploads: 0 });
          expect(await failureOf(send(registry, uploadId, bytes.length, pattern(0)))).toEqual(refused as RegistryError);
          const { complete, refusal } = await registry.getUpload(caller, uploadId);
          expect([complete, refusal]).toEqual([true, refused as RegistryError]);
        }
        expect(await wholeLog(registry)).toHaveLength(events);
      }, 60_000);

      test("a digest that another algorithm is asked for in the end is found by reading once more", async () => {
        const { registry, packageId } = await world();
        const bytes = pattern(6 * MIB);
        const sha512 = createDigest("sha512", hasher.hash("sha512", bytes));
        for (const [path, first, last] of [
          ["said first", { expected: [sha512] }, {}],
          ["said last", {}, { expected: [sha512] }],
        ] as const) {
          const uploadId = await begin(registry, packageId, { path, ...first });
          const { result } = await send(registry, uploadId, 0, bytes, { complete: true, ...last });
          expect(result?.entry.digests.sha512).toBe(sha512.hex);
        }
      });

      test("cancelling frees the bytes, also those of a request under way", async () => {
        const { registry, packageId, storage } = await world();
        const uploadId = await begin(registry, packageId);
        await send(registry, uploadId, 0, pattern(6 * MIB));
        const { chunks, reached } = stalling(pattern(MIB));
        const older = codeOf(send(registry, uploadId, 6 * MIB, chunks));
        await reached;
        await registry.cancelUpload(caller, uploadId);
        expect(await older).toBe("upload_superseded");
        expect(await held(storage)).toEqual({ keys: 0, uploads: 0 });
        expect(await codeOf(registry.getUpload(caller, uploadId))).toBe("upload_not_found");
        expect(await codeOf(send(registry, uploadId, 0, pattern(1)))).toBe("upload_not_found");
        expect(await codeOf(registry.cancelUpload(caller, uploadId))).toBe("upload_not_found");
      });

      test("nobody else finds an upload, and nobody else stops a request on it", async () => {
        const { registry, packageId } = await world();
        const uploadId = await begin(registry, packageId);
        const colleague: Caller = { ...caller, principal: { ...caller.principal, subject: "local:colleague" } };
        const { chunks, reached, go } = stalling(pattern(MIB));
        const appending = send(registry, uploadId, 0, chunks);
        await reached;
        for (const who of [stranger, colleague]) {
          expect(await codeOf(registry.getUpload(who, uploadId))).toBe("upload_not_found");
          expect(await codeOf(registry.cancelUpload(who, uploadId))).toBe("upload_not_found");
          const append = { uploadId, offset: 0, source: source("x"), complete: true };
          expect(await codeOf(registry.appendUpload(who, append))).toBe("upload_not_found");
        }
        go();
        expect((await appending).offset).toBe(MIB);
        for (const id of ["", "x", "../x", uploadId.toUpperCase(), "\0"]) {
          expect(await codeOf(registry.getUpload(caller, id))).toBe("upload_not_found");
        }
      });

      test("offsets and lengths that do not fit are refused, and what is too long ends the upload", async () => {
        const { registry, packageId, storage } = await world();
        const uploadId = await begin(registry, packageId, { expectedSize: 100 });
        await send(registry, uploadId, 0, pattern(40));
        for (const offset of [0, 39, 41]) {
          expect(await failureOf(send(registry, uploadId, offset, pattern(1)))).toMatchObject({
            code: "upload_offset_mismatch",
            data: { offset: 40, provided_offset: offset },
          });
        }
        for (const offset of [-1, 0.5, Number.NaN]) {
          expect(await codeOf(send(registry, uploadId, offset, pattern(1)))).toBe("invalid_argument");
        }
        expect(await codeOf(send(registry, uploadId, 40, pattern(60), { length: 101 }))).toBe("upload_length_mismatch");
        expect(await codeOf(send(registry, uploadId, 40, pattern(10), { complete: true }))).toBe(
          "upload_length_mismatch",
        );
        expect((await registry.getUpload(caller, uploadId)).offset).toBe(50);
        expect(await codeOf(send(registry, uploadId, 50, pattern(51)))).toBe("upload_length_mismatch");
        expect(await codeOf(registry.getUpload(caller, uploadId))).toBe("upload_not_found");
        expect(await held(storage)).toEqual({ keys: 0, uploads: 0 });
      });

      test("bytes that do not match their request's digest are not appended", async () => {
        const { registry, packageId } = await world();
        const bytes = pattern(200_000);
        const uploadId = await begin(registry, packageId);
        await send(registry, uploadId, 0, bytes.slice(0, 100_000));
        const expectedHere = [sha256(bytes.slice(100_000))];
        expect(await codeOf(send(registry, uploadId, 100_000, pattern(100_000, 7), { expectedHere }))).toBe(
          "digest_mismatch",
        );
        await expect(
          send(registry, uploadId, 100_000, breaking(bytes.slice(100_000, 150_000)), { expectedHere }),
        ).rejects.toThrow("connection reset");
        expect((await registry.getUpload(caller, uploadId)).offset).toBe(100_000);
        await send(registry, uploadId, 100_000, bytes.slice(100_000), { expectedHere, complete: true });
        expect(await read(registry, packageId, "big.bin")).toEqual(bytes);
      });

      test("bytes that are stored already are kept once", async () => {
        const { registry, packageId, storage } = await world();
        const bytes = pattern(6 * MIB);
        await ingest(registry, packageId, "first.bin", bytes);
        const uploadId = await begin(registry, packageId);
        const { result } = await send(registry, uploadId, 0, bytes, { complete: true });
        expect(result?.deduplicated).toBe(true);
        expect(await held(storage)).toEqual({ keys: 1, uploads: 0 });
        expect(await read(registry, packageId, "big.bin")).toEqual(bytes);
      });

      test("what the package refuses in the end is final and told again; the bytes are freed", async () => {
        const { registry, packageId, storage } = await world();
        const uploadId = await begin(registry, packageId);
        expect(await codeOf(begin(registry, packageId, { path: "../up" }))).toBe("invalid_path");
        await ingest(registry, packageId, "big.bin", "somebody was faster");
        expect(await codeOf(begin(registry, packageId))).toBe("path_exists");
        for (let i = 0; i < 2; i++) {
          expect(await codeOf(send(registry, uploadId, 0, pattern(MIB), { complete: true }))).toBe("path_exists");
        }
        expect((await held(storage)).uploads).toBe(0);
        const replacing = await begin(registry, packageId, { replace: true });
        const { result } = await send(registry, replacing, 0, pattern(MIB), { complete: true });
        expect(result?.replaced).toBe(true);
        expect(await read(registry, packageId, "big.bin")).toEqual(pattern(MIB));
      });

      test("a failure on the last step is no answer: the next request completes what is there", async () => {
        const { registry, start, packageId, storage } = await world();
        for (const failing of [1, 2]) {
          const bytes = pattern(6 * MIB, failing);
          // Write 1 once all bytes are in place is the ledger's, write 2 records the answer.
          let left = Number.POSITIVE_INFINITY;
          const broken = await start((database) =>
            Object.create(database, {
              write: {
                value: async (...given: Parameters<Database["write"]>) => {
                  if (--left === 0) throw new RegistryError("database_full", "no room");
                  return await database.write(...given);
                },
              },
            }),
          );
          const path = `file ${failing}`;
          const uploadId = await begin(registry, packageId, { path });
          await send(broken, uploadId, 0, bytes);
          // The request takes the upload over, and records that all bytes are here.
          left = 2 + failing;
          expect(await codeOf(send(broken, uploadId, bytes.length, pattern(0), { complete: true }))).toBe(
            "database_full",
          );
          expect(await codeOf(read(registry, packageId, path))).toBe(failing === 1 ? "file_not_found" : undefined);
          expect(await registry.getUpload(caller, uploadId)).toMatchObject({ offset: bytes.length, complete: false });
          const done = await send(await start(), uploadId, bytes.length, pattern(0), { complete: true });
          expect(done.result?.entry.path).toBe(path);
          expect(await read(registry, packageId, path)).toEqual(bytes);
          expect((await held(storage)).uploads).toBe(0);
        }
        expect((await held(storage)).keys).toBe(2);
      }, 60_000);

      test("a hundred uploads are open at most, and those whose time is over are freed", async () => {
        const { registry, packageId, storage, clock } = await world();
        const first = await begin(registry, packageId);
        await send(registry, first, 0, pattern(6 * MIB));
        for (let i = 1; i < 100; i++) await begin(registry, packageId, { path: `file ${i}` });
        expect(await codeOf(begin(registry, packageId, { path: "one more" }))).toBe("too_many_uploads");
        clock.time += 23 * HOUR;
        expect((await registry.resumeUpload(caller, first)).offset).toBe(6 * MIB);
        clock.time += 2 * HOUR;
        await begin(registry, packageId, { path: "one more" });
        // Its own clock was set anew by the request.
        for (let day = 1; day < 7; day++) {
          expect((await registry.resumeUpload(caller, first)).offset).toBe(6 * MIB);
          clock.time += 23 * HOUR;
        }
        clock.time += 5 * HOUR;
        expect(await codeOf(registry.resumeUpload(caller, first))).toBe("upload_not_found");
        expect((await held(storage)).uploads).toBe(1);
        await begin(registry, packageId, { path: "the next" });
        for (let i = 0; i < 5; i++) await begin(registry, packageId, { path: `sweeps ${i}` });
        expect((await held(storage)).uploads).toBe(0);
      }, 60_000);

      test("doctor leaves a live upload alone at any age and takes what no session knows", async () => {
        const { registry, packageId, storage, clock } = await world();
        const live = await begin(registry, packageId);
        await send(registry, live, 0, pattern(6 * MIB));
        const lost = await storage.openUpload(crypto.randomUUID());
        await lost.write(pattern(6 * MIB));
        await lost.sync();
        await lost.close();
        // The store told its age by its own clock, however long the lines above took.
        clock.time = Date.now() + 1000;
        const fixed = await registry.fix(caller, { grace: 0, holder: "test" });
        expect(fixed.removed_staged).toBe(1);
        expect((await held(storage)).uploads).toBe(1);
        await send(registry, live, 6 * MIB, pattern(10), { complete: true });
        const idle = await begin(registry, packageId, { path: "idle" });
        await send(registry, idle, 0, pattern(6 * MIB));
        clock.time += 25 * HOUR;
        expect((await registry.fix(caller, { grace: 0, holder: "test" })).report.healthy).toBe(true);
        expect(await held(storage)).toEqual({ keys: 1, uploads: 0 });
      });
    });
  }
});
