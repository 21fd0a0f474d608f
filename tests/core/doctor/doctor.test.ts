import { afterEach, describe, expect, test } from "bun:test";
import { createFsStorage } from "../../../adapters/storage-fs/mod.ts";
import { collect, contentAddress, createDigest, type StorageBackend } from "../../../core/mod.ts";
import { forEachDatabase, openTarget } from "../../support/postgres.ts";
import { type Damageable, STORAGES } from "../../support/registry_damage.ts";
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
} from "../../support/registry_fixture.ts";
import { temporaryDirectory } from "../../support/storage_temporary.ts";

afterEach(closeFixtures);
const cleanups: (() => void)[] = [];
// As tests end: at the end of the file it would be too much for one hook.
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
}, 60_000);

const HOUR = 60 * 60 * 1000;
const NOW = { holder: "test", grace: 0 };
const addressOf = (bytes: Uint8Array) => contentAddress(createDigest("blake3", hasher.hash("blake3", bytes)));

/** What a push leaves that dies between publishing and recording. */
async function orphan(storage: StorageBackend, bytes: Uint8Array, generation = 0) {
  const staged = await storage.stage();
  await staged.write(bytes);
  return await staged.publish(addressOf(bytes), generation);
}

const keysOf = async (storage: StorageBackend) => (await storage.list({ limit: 1000 })).items.map((item) => item.key);

forEachDatabase((_, open, target) => {
  for (const [kind, create] of Object.entries(STORAGES)) {
    describe(`doctor over ${kind}`, () => {
      const fresh = async () => {
        const damageable: Damageable = create();
        cleanups.push(() => damageable.remove());
        const { storage } = damageable;
        const fixture = await openFixture({ database: await open(), storage });
        const { package_id: packageId } = await newPackage(fixture.registry);
        await ingest(fixture.registry, packageId, "kept", "kept content");
        return { ...fixture, damageable, storage, packageId };
      };

      test("finds nothing wrong with what is whole, and counts open packages", async () => {
        const { registry } = await fresh();
        expect(await registry.inspect(caller, { grace: 0 })).toEqual({
          healthy: true,
          staged: [],
          scratch: [],
          orphans: [],
          missing: [],
          quarantined: [],
          stale_views: [],
          open_packages: 1,
        });
      });

      test("reports leftovers that are older than the grace, and inspecting touches nothing", async () => {
        const { registry, storage } = await fresh();
        const left = await orphan(storage, pattern(1000));
        const unfinished = await storage.stage();
        await unfinished.write(pattern(3_000_000));
        await new Promise((done) => setTimeout(done, 5));
        expect(await registry.inspect(caller)).toMatchObject({ staged: [], orphans: [] });
        expect(await registry.inspect(caller, { grace: HOUR })).toMatchObject({ staged: [], orphans: [] });
        const report = await registry.inspect(caller, { grace: 0 });
        expect(report.healthy).toBe(true);
        expect(report.orphans).toMatchObject([{ backend_id: storage.id, key: left.key, size: 1000 }]);
        expect(report.staged).toHaveLength(1);
        expect(await keysOf(storage)).toContain(left.key);
        await unfinished.abort();
      });

      test("fix removes leftovers and nothing that a name points at, and says how much", async () => {
        const { registry, storage, packageId } = await fresh();
        const [kept] = await keysOf(storage);
        for (let i = 0; i < 5; i++) await orphan(storage, pattern(1000, i));
        const unfinished = await storage.stage();
        await unfinished.write(pattern(3_000_000));
        await new Promise((done) => setTimeout(done, 5));
        expect(await registry.fix(caller, { holder: "test" })).toMatchObject({ removed_orphans: 0, removed_staged: 0 });
        const fixed = await registry.fix(caller, NOW);
        expect(fixed).toMatchObject({ removed_orphans: 5, removed_staged: 1 });
        expect(fixed.freed_bytes).toBeGreaterThanOrEqual(5000);
        expect(fixed.report.orphans).toHaveLength(5);
        expect(await keysOf(storage)).toEqual([kept as string]);
        expect(await registry.fix(caller, NOW)).toMatchObject({
          removed_orphans: 0,
          removed_staged: 0,
          freed_bytes: 0,
        });
        expect((await registry.verifyPackage(caller, packageId)).ok).toBe(true);
      });

      const pushWhileCollected = async ({ registry, packageId }: Awaited<ReturnType<typeof fresh>>) => {
        let removed = 0;
        const slow = async function* () {
          yield pattern(200_000);
          await new Promise((done) => setTimeout(done, 5));
          removed = (await registry.fix(caller, NOW)).removed_staged;
          yield pattern(200_000, 2);
        };
        const code = await codeOf(registry.ingestFile(caller, { packageId, path: "slow", source: slow() }));
        return { code, removed };
      };

      test("a push whose staged bytes were collected fails, and can be made again", async () => {
        const fixture = await fresh();
        const { registry, packageId } = fixture;
        const { code, removed } = await pushWhileCollected(fixture);
        expect(removed).toBe(1);
        expect(code).toBe("storage_failed");
        expect((await registry.listFiles(caller, packageId)).items).toHaveLength(1);
        await ingest(registry, packageId, "slow", pattern(400_000));
        expect((await registry.verifyPackage(caller, packageId)).ok).toBe(true);
      });

      test("names recorded objects that are missing or have another length, and repairs nothing away", async () => {
        const { registry, database, damageable, packageId } = await fresh();
        const { entry } = await ingest(registry, packageId, "gone", "gone content");
        const long = await ingest(registry, packageId, "long", "grown content");
        const short = await ingest(registry, packageId, "short", "shrunk content");
        const rows = await database.read
          .selectFrom("storage_locations")
          .select(["content_address", "storage_key"])
          .execute();
        const keyOf = (address: string) => rows.find((row) => row.content_address === address)?.storage_key as string;
        damageable.put(keyOf(entry.content_address), undefined);
        damageable.put(keyOf(long.entry.content_address), pattern(500));
        damageable.put(keyOf(short.entry.content_address), pattern(3));
        const report = await registry.inspect(caller, { grace: 0 });
        expect(report.healthy).toBe(false);
        const wanted = [
          [entry.content_address, "missing"],
          [long.entry.content_address, "size"],
          [short.entry.content_address, "size"],
        ] as const;
        const found = report.missing.map((m) => [m.content_address, m.problem] as const);
        expect(found.toSorted()).toEqual(wanted.toSorted() as never);
        const fixed = await registry.fix(caller, NOW);
        expect(fixed).toMatchObject({ removed_orphans: 0 });
        expect(fixed.report.missing).toHaveLength(3);
        expect((await registry.listFiles(caller, packageId)).items).toHaveLength(4);
      });

      test("walks more objects than a page holds, with leftovers among them", async () => {
        const { registry, storage, packageId } = await fresh();
        await Promise.all(Array.from({ length: 1100 }, (_, i) => ingest(registry, packageId, `f${i}`, `content ${i}`)));
        const left = new Set<string>();
        for (let i = 0; i < 30; i++) left.add((await orphan(storage, pattern(100, 5000 + i))).key);
        await new Promise((done) => setTimeout(done, 5));
        const report = await registry.inspect(caller, { grace: 0 });
        expect(report.missing).toEqual([]);
        expect(new Set(report.orphans.map((o) => o.key))).toEqual(left);
        expect((await registry.fix(caller, NOW)).removed_orphans).toBe(30);
        expect((await registry.verifyPackage(caller, packageId)).ok).toBe(true);
      }, 60_000);

      test("stops when its signal aborts", async () => {
        const { registry } = await fresh();
        expect(await codeOf(registry.inspect(caller, { signal: AbortSignal.abort() }))).toBe("cancelled");
        expect(await codeOf(registry.fix(caller, { ...NOW, signal: AbortSignal.abort() }))).toBe("cancelled");
        await registry.fix(caller, NOW);
      });

      test("racing ingests of the same few contents, 25 rounds: no acknowledged file is lost", async () => {
        const where = await target();
        const damageable: Damageable = create();
        cleanups.push(() => damageable.remove());
        const { storage } = damageable;
        const [a, b] = await Promise.all([openTarget(where), openTarget(where)]);
        const pusher = await openFixture({ database: a, storage });
        const doctor = await openFixture({ database: b, storage });
        let collected = 0;
        for (let round = 0; round < 25; round++) {
          const { package_id: packageId } = await newPackage(pusher.registry);
          // Some contents lie there as leftovers of pushes that died, so that doctor has something to take.
          const contents = Array.from({ length: 6 }, (_, i) => pattern(500 + i, round * 10 + i));
          for (const bytes of contents.slice(0, 3)) await orphan(storage, bytes);
          const acknowledged: [string, Uint8Array][] = [];
          let pushing = true;
          const first = doctor.registry.fix(caller, NOW).then((fixed) => {
            collected += fixed.removed_orphans;
          });
          // Pushes come at any moment of its walk; once in five rounds after it.
          await (round % 5 === 4 ? first : new Promise((done) => setTimeout(done, round % 5)));
          const push = async (path: string, bytes: Uint8Array) => {
            for (let attempt = 0; attempt < 20; attempt++) {
              const code = await codeOf(pusher.registry.ingestFile(caller, { packageId, path, source: source(bytes) }));
              if (code === undefined) return void acknowledged.push([path, bytes]);
              // Its key was put out of use, or its staged bytes were collected: said so, and to be tried again.
              expect(["conflict", "storage_failed", "invalid_argument", "object_missing"]).toContain(code);
            }
          };
          const pushes = Promise.all(
            contents.flatMap((bytes, i) => [push(`a${i}`, bytes), push(`b${i}`, bytes)]),
          ).finally(() => {
            pushing = false;
          });
          await first;
          while (pushing) collected += (await doctor.registry.fix(caller, NOW)).removed_orphans;
          await pushes;
          expect(acknowledged.length).toBeGreaterThan(0);
          for (const [path, bytes] of acknowledged) {
            const { body } = await pusher.registry.getFile(caller, { package: packageId, path });
            expect(await collect(body, 1e6)).toEqual(bytes as never);
          }
        }
        expect(collected).toBeGreaterThan(0);
        await doctor.registry.fix(caller, NOW);
        const end = await doctor.registry.inspect(caller, { grace: 0 });
        expect(end).toMatchObject({ healthy: true, orphans: [], staged: [], missing: [] });
        expect((await doctor.registry.checkReplay(caller)).ok).toBe(true);
      }, 120_000);
    });
  }

  describe("content whose leftover was collected", () => {
    test("gets the next generation, also while the key is only put out of use and the bytes are still there", async () => {
      const directory = temporaryDirectory("doctor");
      cleanups.push(() => directory.remove());
      const storage = createFsStorage({ root: directory.path });
      const { registry, database } = await openFixture({ database: await open(), storage });
      const bytes = pattern(5000);
      const { key } = await orphan(storage, bytes);
      await new Promise((done) => setTimeout(done, 5));
      await registry.fix(caller, NOW);
      // A late publisher that chose its key before: what it brings is a leftover again, never named.
      await orphan(storage, bytes);
      const { package_id: packageId } = await newPackage(registry);
      expect(await ingest(registry, packageId, "a", bytes)).toMatchObject({ deduplicated: false });
      expect(await keysOf(storage)).toEqual([key, `${key}.1`]);
      const row = await database.read.selectFrom("storage_locations").selectAll().executeTakeFirstOrThrow();
      expect(row).toMatchObject({ storage_key: `${key}.1`, generation: 1 });
      await new Promise((done) => setTimeout(done, 5));
      expect(await registry.fix(caller, NOW)).toMatchObject({ removed_orphans: 1 });
      expect(await keysOf(storage)).toEqual([`${key}.1`]);
      expect((await registry.verifyPackage(caller, packageId)).ok).toBe(true);
      expect(await ingest(registry, packageId, "b", bytes)).toMatchObject({ deduplicated: true });
    });

    test("a push that published before its key was put out of use is refused, not recorded", async () => {
      const directory = temporaryDirectory("doctor");
      cleanups.push(() => directory.remove());
      const fs = createFsStorage({ root: directory.path });
      let published = () => {};
      let mayGoOn = Promise.resolve();
      /** Holds the push between publishing and recording. */
      const storage: StorageBackend = {
        ...fs,
        async stage(options) {
          const staged = await fs.stage(options);
          return {
            get bytes_written() {
              return staged.bytes_written;
            },
            write: (chunk) => staged.write(chunk),
            abort: () => staged.abort(),
            async publish(address, generation) {
              const location = await staged.publish(address, generation);
              published();
              await mayGoOn;
              return location;
            },
          };
        },
      };
      const { registry } = await openFixture({ database: await open(), storage });
      const { package_id: packageId } = await newPackage(registry);
      let release = () => {};
      mayGoOn = new Promise((done) => {
        release = done;
      });
      const reached = new Promise<void>((done) => {
        published = done;
      });
      const push = codeOf(ingest(registry, packageId, "a", "content"));
      await reached;
      await new Promise((done) => setTimeout(done, 5));
      expect(await registry.fix(caller, NOW)).toMatchObject({ removed_orphans: 1 });
      release();
      expect(await push).toBe("conflict");
      expect((await registry.listFiles(caller, packageId)).items).toEqual([]);
      mayGoOn = Promise.resolve();
      await ingest(registry, packageId, "a", "content");
      expect((await registry.verifyPackage(caller, packageId)).ok).toBe(true);
    });
  });
});
