import { afterEach, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { createFsStorage } from "../../../adapters/storage-fs/mod.ts";
import { createDigest } from "../../../core/mod.ts";
import { forEachDatabase } from "../../support/postgres.ts";
import {
  caller,
  closeFixtures,
  codeOf,
  hasher,
  ingest,
  newPackage,
  openFixture,
  pattern,
  source,
  text,
} from "../../support/registry_fixture.ts";
import { temporaryDirectory } from "../../support/storage_temporary.ts";

const cleanups: (() => void)[] = [];
// As tests end: at the end of the file it would be too much for one hook.
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
}, 60_000);

const sha = (algorithm: "sha256" | "sha512", content: string) =>
  createDigest(algorithm, createHash(algorithm).update(content).digest("hex"));
const blake3 = (content: string) => createDigest("blake3", hasher.hash("blake3", text(content)));

afterEach(closeFixtures);

forEachDatabase((_, open) => {
  const fresh = async (limits = {}) => {
    const directory = temporaryDirectory("ingest");
    cleanups.push(() => directory.remove());
    const storage = createFsStorage({ root: directory.path });
    const fixture = await openFixture({ database: await open(), storage, limits });
    const { package_id: packageId } = await newPackage(fixture.registry);
    /** Files in staging, and published objects. */
    const left = async () => [
      readdirSync(directory.path).includes("staging") ? readdirSync(join(directory.path, "staging")).length : 0,
      (await storage.list({ limit: 1000 })).items.length,
    ];
    return { ...fixture, packageId, left };
  };

  describe("ingestFile()", () => {
    test("tells content address, size, digests and whether the bytes were there before", async () => {
      const { registry, packageId, left } = await fresh();
      const first = await registry.ingestFile(caller, {
        packageId,
        path: "a",
        source: source("content", 3),
        executable: true,
        mediaType: "text/plain",
        algorithms: ["sha512"],
      });
      expect(first).toEqual({
        deduplicated: false,
        replaced: false,
        entry: {
          kind: "file",
          path: "a",
          content_address: blake3("content").toString() as never,
          size: 7,
          digests: { sha256: sha("sha256", "content").hex, sha512: sha("sha512", "content").hex },
          executable: true,
          media_type: "text/plain",
        },
      });
      expect((await registry.listFiles(caller, packageId)).items).toEqual([first.entry]);
      const second = await ingest(registry, packageId, "b", "content");
      expect(second.deduplicated).toBe(true);
      expect(second.entry.content_address).toBe(first.entry.content_address);
      expect((await ingest(registry, packageId, "empty", "")).entry.size).toBe(0);
      expect(await left()).toEqual([0, 2]);
    });

    test("of equal bytes many times at once stores one object and says so to all but one", async () => {
      const { registry, packageId, left } = await fresh();
      const calls = Array.from({ length: 25 }, (_, i) => ingest(registry, packageId, `f${i}`, "the same"));
      const results = await Promise.all(calls);
      expect(results.filter((r) => !r.deduplicated)).toHaveLength(1);
      expect(await left()).toEqual([0, 1]);
      const stored = (await registry.readEvents(caller, { since: 0, limit: 1000 })).events.filter(
        (e) => e.type === "v1.object.stored",
      );
      expect(stored).toHaveLength(1);
    });

    test("takes a Web stream as well", async () => {
      const { registry, packageId } = await fresh();
      const { entry } = await registry.ingestFile(caller, { packageId, path: "a", source: new Blob(["web"]).stream() });
      expect(entry.size).toBe(3);
    });

    test("checks every expected digest and the size; a mismatch leaves nothing staged, stored or recorded", async () => {
      const { registry, packageId, left } = await fresh();
      const head = await registry.ledger.head();
      const input = { packageId, path: "a" };
      const put = (over: object) =>
        codeOf(registry.ingestFile(caller, { ...input, source: source("content"), ...over }));
      for (const wrong of [blake3("other"), sha("sha256", "other"), sha("sha512", "other")]) {
        expect(await put({ expected: [wrong] })).toBe("digest_mismatch");
        expect(await put({ expected: [blake3("content"), wrong] })).toBe("digest_mismatch");
      }
      for (const expectedSize of [0, 6, 8]) expect(await put({ expectedSize })).toBe("size_mismatch");
      expect(await left()).toEqual([0, 0]);
      expect(await registry.ledger.head()).toEqual(head);
      const expected = [blake3("content"), sha("sha256", "content"), sha("sha512", "content")];
      expect(await put({ expected, expectedSize: 7 })).toBeUndefined();
    });

    test("that is refused before the bytes travel does not ask for them", async () => {
      const { registry, packageId, left } = await fresh();
      await ingest(registry, packageId, "a", "");
      let pulled = 0;
      const untouched: AsyncIterable<Uint8Array> = {
        async *[Symbol.asyncIterator]() {
          pulled++;
          yield text("x");
        },
      };
      const put = (over: object) =>
        codeOf(registry.ingestFile(caller, { packageId, path: "b", source: untouched, ...over }));
      expect(await put({ path: "a" })).toBe("path_exists");
      expect(await put({ path: "a/b" })).toBe("path_conflict");
      expect(await put({ path: "../b" })).toBe("invalid_path");
      expect(await put({ mediaType: "nonsense" })).toBe("invalid_argument");
      expect(await put({ mediaType: "text/plain\r\nx: y" })).toBe("invalid_argument");
      expect(await put({ packageId: crypto.randomUUID() })).toBe("package_not_found");
      expect(pulled).toBe(0);
      expect(await left()).toEqual([0, 1]);
    });

    test("stops at the limit of an object's size, and of a package's entries when finalising", async () => {
      const { registry, packageId, left } = await fresh({ maxObjectBytes: 10, maxFilesPerPackage: 2 });
      let served = 0;
      const endless = async function* () {
        for (;;) {
          served++;
          yield new Uint8Array(4);
        }
      };
      expect(await codeOf(registry.ingestFile(caller, { packageId, path: "a", source: endless() }))).toBe(
        "limit_exceeded",
      );
      expect(served).toBeLessThan(6);
      expect(await left()).toEqual([0, 0]);
      for (const path of ["a", "b"]) await ingest(registry, packageId, path, "0123456789");
      await ingest(registry, packageId, "c", "");
      expect(await codeOf(registry.finalizePackage(caller, packageId))).toBe("limit_exceeded");
      await registry.removeFile(caller, { packageId, path: "c" });
      expect((await registry.finalizePackage(caller, packageId)).file_count).toBe(2);
    });

    test("that is cancelled, also while its source stalls, ends at once and leaves nothing", async () => {
      const { registry, packageId, left } = await fresh();
      const head = await registry.ledger.head();
      for (const chunksFirst of [0, 1, 5]) {
        const abort = new AbortController();
        let released = false;
        const stalls: AsyncIterable<Uint8Array> = {
          [Symbol.asyncIterator]() {
            let n = 0;
            return {
              next: () =>
                n++ < chunksFirst
                  ? Promise.resolve({ done: false, value: pattern(100_000, n) })
                  : new Promise<never>(() => setTimeout(() => abort.abort(), 5)),
              async return() {
                released = true;
                return { done: true, value: undefined };
              },
            };
          },
        };
        const call = registry.ingestFile({ ...caller, signal: abort.signal }, { packageId, path: "a", source: stalls });
        expect(await codeOf(call)).toBe("cancelled");
        expect(released).toBe(true);
        expect(await left()).toEqual([0, 0]);
      }
      const before = AbortSignal.abort();
      const call = registry.ingestFile({ ...caller, signal: before }, { packageId, path: "a", source: source("x") });
      expect(await codeOf(call)).toBe("cancelled");
      expect(await left()).toEqual([0, 0]);
      expect(await registry.ledger.head()).toEqual(head);
    });

    test("whose source fails passes the failure on and leaves nothing", async () => {
      const { registry, packageId, left } = await fresh();
      const failure = new Error("the client went away");
      const failing = async function* () {
        yield pattern(200_000);
        throw failure;
      };
      const call = registry.ingestFile(caller, { packageId, path: "a", source: failing() });
      expect(await call.catch((error) => error)).toBe(failure);
      expect(await left()).toEqual([0, 0]);
      expect((await registry.listFiles(caller, packageId)).items).toEqual([]);
    });

    test("into a package that is finalised while the bytes travel is refused", async () => {
      const { registry, packageId } = await fresh();
      const slow = async function* () {
        yield text("first ");
        await registry.finalizePackage(caller, packageId);
        yield text("second");
      };
      const call = registry.ingestFile(caller, { packageId, path: "a", source: slow() });
      expect(await codeOf(call)).toBe("package_not_open");
      const manifest = JSON.parse(new TextDecoder().decode(await registry.getManifestBytes(caller, packageId, "jcs")));
      expect(manifest.files).toEqual([]);
    });
  });
});
