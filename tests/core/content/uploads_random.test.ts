/** Any order of requests on one upload, by two processes: what is told is there, what is not told is not. */
import { afterEach, expect, test } from "bun:test";
import fc from "fast-check";
import { createFsStorage } from "../../../adapters/storage-fs/mod.ts";
import { createMemoryStorage } from "../../../adapters/storage-memory/mod.ts";
import { concatBytes } from "../../../core/base/bytes.ts";
import { collect, createDigest, type Registry, type StorageBackend } from "../../../core/mod.ts";
import {
  caller,
  closeFixtures,
  codeOf,
  hasher,
  newPackage,
  openFixture,
  pattern,
  source,
  text,
} from "../../support/registry_fixture.ts";
import { temporaryDirectory } from "../../support/storage_temporary.ts";
import { openTarget } from "../../support/targets.ts";

const cleanups: (() => void)[] = [];
afterEach(async () => {
  await closeFixtures();
  for (const cleanup of cleanups.splice(0)) cleanup();
}, 60_000);

/** One request: by whom, how many bytes, and how it ends. */
interface Request {
  readonly process: number;
  readonly size: number;
  readonly end: "whole" | "breaks" | "hangs" | "digest is wrong";
}
const request: fc.Arbitrary<Request> = fc.record({
  process: fc.nat({ max: 1 }),
  size: fc.oneof(fc.nat({ max: 70_000 }), fc.constantFrom(0, 65_536, 131_072, 6_000_000)),
  end: fc.constantFrom("whole", "breaks", "hangs", "digest is wrong"),
});

const STORAGES: Readonly<Record<string, (path: string) => () => StorageBackend>> = {
  fs: (path) => () => createFsStorage({ root: `${path}/objects` }),
  "an object store": () => {
    const storage = createMemoryStorage({ mode: "object-store" });
    return () => ({ ...storage, close: async () => {} });
  },
};

for (const [kind, makeStore] of Object.entries(STORAGES)) {
  test(`over ${kind}, requests of any kind in any order end in exactly the bytes that were told`, async () => {
    const directory = temporaryDirectory("random");
    cleanups.push(() => directory.remove());
    const openStore = makeStore(directory.path);
    const where = { kind: "sqlite", url: `${directory.path}/registry.db` } as const;
    const open = async () => (await openFixture({ database: await openTarget(where), storage: openStore() })).registry;
    const processes = [await open(), await open()] as const;
    const { package_id: packageId } = await newPackage(processes[0]);
    const watch = openStore();
    let files = 0;

    const run = async (requests: readonly Request[]) => {
      const path = `file ${files++}`;
      const { upload_id: uploadId } = await processes[0].createUpload(caller, { packageId, path });
      /** What was told to be durable. */
      let told = new Uint8Array(0);
      const hanging: { go(): void; outcome: Promise<unknown> }[] = [];
      for (const [i, { process, size, end }] of requests.entries()) {
        const registry = processes[process] as Registry;
        const { offset } = await registry.resumeUpload(caller, uploadId);
        // A request that hung may have had its bytes kept when it was ended by one of its own process.
        expect(offset).toBeGreaterThanOrEqual(told.length);
        const bytes = pattern(size, i + 2);
        if (offset > told.length) told = concatBytes([told, pattern(offset - told.length, i + 1)]);
        const append = (chunks: AsyncIterable<Uint8Array>, more = {}) =>
          codeOf(registry.appendUpload(caller, { uploadId, offset, source: chunks, complete: false, ...more }));
        if (end === "whole") expect(await append(source(bytes))).toBeUndefined();
        if (end === "digest is wrong") {
          const wrong = createDigest("sha256", hasher.hash("sha256", text("something else")));
          expect(await append(source(bytes), { expectedHere: [wrong] })).toBe("digest_mismatch");
          continue;
        }
        if (end === "breaks") await expect(append(breaking(bytes))).rejects.toThrow("broken");
        if (end === "hangs") {
          const { promise, resolve: go } = Promise.withResolvers<void>();
          const { promise: reached, resolve: reach } = Promise.withResolvers<void>();
          hanging.push({ go, outcome: append(stalling(bytes, reach, promise)) });
          await reached;
          continue;
        }
        told = concatBytes([told, bytes]);
      }
      const last = processes[files % 2] as Registry;
      const { offset } = await last.resumeUpload(caller, uploadId);
      if (offset > told.length) told = concatBytes([told, pattern(offset - told.length, requests.length + 1)]);
      const done = await last.appendUpload(caller, { uploadId, offset, source: source("end"), complete: true });
      // Late writers write now.
      for (const { go } of hanging) go();
      for (const { outcome } of hanging) expect(await outcome).toBe("upload_superseded");
      const { body } = await last.getFile(caller, { package: packageId, path });
      const wanted = concatBytes([told, text("end")]);
      expect(done.result?.entry.size).toBe(wanted.length);
      expect(Buffer.compare(await collect(body, 1e9), wanted)).toBe(0);
      expect(await watch.listUploads(Date.now() + 86_400_000)).toEqual([]);
    };
    await fc.assert(fc.asyncProperty(fc.array(request, { maxLength: 8 }), run), { numRuns: 40 });
  }, 120_000);
}

async function* breaking(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield* source(bytes);
  throw new Error("broken");
}

/** The bytes, then a wait, then bytes that must never count. */
async function* stalling(bytes: Uint8Array, reach: () => void, go: Promise<void>): AsyncGenerator<Uint8Array> {
  yield* source(bytes);
  reach();
  await go;
  yield* source(pattern(300_000, 999));
}
