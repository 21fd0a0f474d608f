/** Damage is found, named, kept from readers, and ends when good bytes are there again (DESIGN 5). */
import { afterEach, describe, expect, test } from "bun:test";
import { collect, decodeCbor, type Registry } from "../../../core/mod.ts";
import { forEachDatabase } from "../../support/postgres.ts";
import { DAMAGE, type Damageable, STORAGES } from "../../support/registry_damage.ts";
import {
  caller,
  closeFixtures,
  codeOf,
  ingest,
  newPackage,
  openFixture,
  pattern,
  wholeLog,
} from "../../support/registry_fixture.ts";

const cleanups: (() => void)[] = [];
// As tests end: at the end of the file it would be too much for one hook.
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
}, 60_000);

/** Damage events since the beginning: type and what they say. */
async function history(registry: Registry) {
  return (await wholeLog(registry))
    .filter((event) => /^v1\.object\.(damage_found|restored)$/.test(event.type))
    .map(
      (event) =>
        [
          event.type.replace("v1.object.", ""),
          decodeCbor(event.payload as Uint8Array) as Record<string, never>,
        ] as const,
    );
}

afterEach(closeFixtures);

forEachDatabase((_, open) => {
  for (const [kind, create] of Object.entries(STORAGES)) {
    describe(`over ${kind}`, () => {
      /** A finalised package whose paths "a" and "dir/copy" have the bytes, and an innocent neighbour. */
      const scene = async (bytes: Uint8Array) => {
        const damageable: Damageable = create();
        cleanups.push(() => damageable.remove());
        const fixture = await openFixture({ database: await open(), storage: damageable.storage });
        const { registry, database } = fixture;
        const { package_id: packageId } = await newPackage(registry);
        const { entry } = await ingest(registry, packageId, "dir/copy", bytes);
        await ingest(registry, packageId, "a", bytes);
        await ingest(registry, packageId, "innocent", "innocent");
        await registry.finalizePackage(caller, packageId);
        const location = async () =>
          await database.read
            .selectFrom("storage_locations")
            .selectAll()
            .where("content_address", "=", entry.content_address)
            .executeTakeFirstOrThrow();
        const read = async (path = "a") =>
          await collect((await registry.getFile(caller, { package: packageId, path })).body, 1e8);
        return { ...fixture, damageable, packageId, entry, location, read, key: (await location()).storage_key };
      };

      for (const [how, damage] of Object.entries(DAMAGE)) {
        test(`a read finds that ${how}: recorded, quarantined, verify names the paths, a push heals`, async () => {
          const bytes = pattern(300_000);
          const { registry, damageable, packageId, entry, read, location, key } = await scene(bytes);
          damageable.put(key, damage(bytes));
          const code = damage(bytes) === undefined ? "object_missing" : "object_corrupt";
          expect(await codeOf(read())).toBe(code);
          expect(await history(registry)).toEqual([
            [
              "damage_found",
              {
                backend_id: damageable.storage.id,
                key,
                problem: expect.stringMatching(/^(missing|size|digest)$/),
              } as never,
            ],
          ]);
          // Known to be bad: nobody is handed those bytes again, by any path, and it is recorded once.
          for (const path of ["a", "dir/copy"]) expect(await codeOf(read(path))).toBe("object_corrupt");
          expect(
            await collect((await registry.getFile(caller, { package: packageId, path: "innocent" })).body, 100),
          ).toHaveLength(8);
          const report = await registry.verifyPackage(caller, packageId);
          const found = damage(bytes);
          const problem = found === undefined ? "missing" : found.length === bytes.length ? "digest" : "size";
          expect(report).toMatchObject({ ok: false, objects: 2, manifest_ok: true });
          expect(report.damaged).toEqual([
            { content_address: entry.content_address, problem, paths: ["a", "dir/copy"] },
          ]);
          expect((await registry.inspect(caller)).quarantined).toEqual([entry.content_address]);
          expect(await history(registry)).toHaveLength(1);

          const other = await newPackage(registry);
          const again = await ingest(registry, other.package_id, "pushed again", bytes);
          expect(again.deduplicated).toBe(false);
          const healed = await location();
          expect(healed.storage_key).not.toBe(key);
          expect(healed.generation).toBe(1);
          expect((await history(registry)).map(([type]) => type)).toEqual(["damage_found", "restored"]);
          for (const path of ["a", "dir/copy"]) expect(await read(path)).toEqual(bytes as never);
          expect(await registry.verifyPackage(caller, packageId)).toMatchObject({ ok: true, damaged: [] });
          expect(await registry.inspect(caller)).toMatchObject({ healthy: true, quarantined: [], missing: [] });
          expect((await registry.checkReplay(caller)).differing).toEqual([]);
        });
      }

      test("verify finds damage that nobody has read, in large objects too, and tells of its progress", async () => {
        const bytes = pattern(6 * 1024 * 1024);
        const { registry, damageable, packageId, entry, key } = await scene(bytes);
        damageable.put(key, DAMAGE["a bit in the middle flips"]?.(bytes));
        const progress: unknown[] = [];
        const report = await registry.verifyPackage(caller, packageId, (done) => progress.push({ ...done }));
        expect(report.damaged).toEqual([
          { content_address: entry.content_address, problem: "digest", paths: ["a", "dir/copy"] },
        ]);
        expect(progress.at(-1)).toEqual({ objects: 2, bytes: bytes.length + 8 });
        expect((await history(registry)).map(([type, { problem }]) => [type, problem])).toEqual([
          ["damage_found", "digest"],
        ] as never);
        expect((await registry.verifyPackage(caller, packageId)).ok).toBe(false);
        expect(await history(registry)).toHaveLength(1);
      });

      test("bytes that an operator brings back are good again once verify has seen them", async () => {
        const bytes = pattern(10_000);
        const { registry, damageable, packageId, read, key, location } = await scene(bytes);
        damageable.put(key, undefined);
        expect(await codeOf(read())).toBe("object_missing");
        damageable.put(key, bytes);
        // Not on trust: only a verification ends the quarantine.
        expect(await codeOf(read())).toBe("object_corrupt");
        expect((await registry.verifyPackage(caller, packageId)).ok).toBe(true);
        expect(await read()).toEqual(bytes as never);
        expect((await location()).storage_key).toBe(key);
        expect((await history(registry)).map(([type]) => type)).toEqual(["damage_found", "restored"]);
        expect((await registry.checkReplay(caller)).ok).toBe(true);
      });

      test("a push heals what nobody had noticed to be missing", async () => {
        const bytes = pattern(10_000);
        const { registry, damageable, read, key } = await scene(bytes);
        damageable.put(key, undefined);
        const { package_id } = await newPackage(registry);
        expect((await ingest(registry, package_id, "x", bytes)).deduplicated).toBe(false);
        expect(await read()).toEqual(bytes as never);
        expect((await history(registry)).map(([type]) => type)).toEqual(["restored"]);
      });

      test("many pushes at once heal once, and what they leave over is an orphan at most", async () => {
        const bytes = pattern(10_000);
        const { registry, damageable, read, key, packageId } = await scene(bytes);
        damageable.put(key, DAMAGE["it is zeroed"]?.(bytes));
        expect(await codeOf(read())).toBe("object_corrupt");
        const { package_id } = await newPackage(registry);
        await Promise.all(Array.from({ length: 12 }, (_, i) => ingest(registry, package_id, `f${i}`, bytes)));
        expect((await history(registry)).filter(([type]) => type === "restored")).toHaveLength(1);
        expect(await read()).toEqual(bytes as never);
        await registry.fix(caller, { holder: "test", grace: 0 });
        expect(await read()).toEqual(bytes as never);
        expect((await registry.verifyPackage(caller, packageId)).ok).toBe(true);
        expect((await registry.verifyPackage(caller, package_id)).ok).toBe(true);
      });

      test("damage again after healing makes yet another generation", async () => {
        const bytes = pattern(10_000);
        const { registry, damageable, read, location } = await scene(bytes);
        const keys = new Set<string>();
        for (let round = 0; round < 3; round++) {
          const { storage_key, generation } = await location();
          keys.add(storage_key);
          expect(generation).toBe(round);
          damageable.put(storage_key, DAMAGE["it is zeroed"]?.(bytes));
          expect(await codeOf(read())).toBe("object_corrupt");
          const { package_id } = await newPackage(registry);
          await ingest(registry, package_id, "x", bytes);
          expect(await read()).toEqual(bytes as never);
        }
        expect(keys.size).toBe(3);
        expect((await registry.checkReplay(caller)).ok).toBe(true);
      });

      test("a slow reader of the old copy does not condemn the one that took its place", async () => {
        const bytes = pattern(6 * 1024 * 1024);
        const { registry, damageable, packageId, read, key } = await scene(bytes);
        damageable.put(key, DAMAGE["the last bit flips"]?.(bytes));
        const slow = (await registry.getFile(caller, { package: packageId, path: "a" })).body[Symbol.asyncIterator]();
        await slow.next();
        expect((await registry.verifyPackage(caller, packageId)).ok).toBe(false);
        const { package_id } = await newPackage(registry);
        await ingest(registry, package_id, "x", bytes);
        const rest = async () => {
          while ((await slow.next()).done !== true);
        };
        expect(await codeOf(rest())).toBe("object_corrupt");
        expect(await read()).toEqual(bytes as never);
        expect((await registry.inspect(caller)).quarantined).toEqual([]);
      });
    });
  }

  test("damage to the stored manifest is told by verify", async () => {
    const { registry, database } = await openFixture({ database: await open() });
    const { package_id } = await newPackage(registry);
    await registry.finalizePackage(caller, package_id);
    await database.write((trx) =>
      trx
        .updateTable("artifact_packages")
        .set({ manifest_digest: `blake3:${"0".repeat(64)}` })
        .execute(),
    );
    expect(await registry.verifyPackage(caller, package_id)).toMatchObject({
      ok: false,
      manifest_ok: false,
      damaged: [],
    });
  });
});
