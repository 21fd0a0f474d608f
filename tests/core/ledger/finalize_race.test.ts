/** Finalising against adding, from different connections, registries and processes (DESIGN 4: the head is locked first). */
import { afterEach, describe, expect, test } from "bun:test";
import { decodeManifest, type Registry } from "../../../core/mod.ts";
import { forEachDatabase, openTarget } from "../../support/postgres.ts";
import {
  caller,
  closeFixtures,
  codeOf,
  ingest,
  newPackage,
  openFixture,
  wholeLog,
} from "../../support/registry_fixture.ts";
import { runChild } from "../../support/registry_process.ts";
import { rounds } from "../../support/rounds.ts";

const ENTRY_EVENTS = /^v1\.package\.file_(ingested|replaced|removed)$/;

/** Nothing after `finalized`; the manifest is what the rows say; every acknowledged path is in it. */
async function expectSealed(registry: Registry, packageId: string, acknowledged: readonly string[]): Promise<void> {
  const own = (await wholeLog(registry)).filter((event) => event.subject === packageId);
  const types = own.map((event) => event.type as string);
  const end = types.indexOf("v1.package.finalized");
  expect(end).toBeGreaterThan(0);
  expect(types.slice(end + 1)).toEqual([]);
  expect(types.filter((type) => ENTRY_EVENTS.test(type))).toHaveLength(acknowledged.length);
  const manifest = decodeManifest(await registry.getManifestBytes(caller, packageId, "cbor"));
  const { items } = await registry.listFiles(caller, packageId, { limit: 1000 });
  expect(manifest.files.map((file) => file.path).toSorted()).toEqual(items.map((item) => item.path).toSorted());
  expect(manifest.files).toEqual(items as never);
  expect(manifest.files.map((file) => file.path).toSorted()).toEqual(acknowledged.toSorted());
}

afterEach(closeFixtures);

forEachDatabase((_, __, target) => {
  describe("finalise against add", () => {
    test("from two registries with connections of their own", async () => {
      const where = await target();
      const databases = [await openTarget(where), await openTarget(where)] as const;
      const [adder, finaliser] = await Promise.all(databases.map((database) => openFixture({ database })));
      if (adder === undefined || finaliser === undefined) throw new Error("unreachable");
      let refused = 0;
      for (let round = 0; round < rounds(6, 30); round++) {
        const { package_id: packageId } = await newPackage(adder.registry);
        const acknowledged: string[] = [];
        let over = false;
        const add = async (path: string) => {
          const code = await codeOf(
            round % 2 === 0
              ? adder.registry.addDirectory(caller, { packageId, path })
              : ingest(adder.registry, packageId, path, path),
          );
          if (code === undefined) acknowledged.push(path);
          else {
            expect(code).toBe("package_not_open");
            refused++;
            over = true;
          }
        };
        const adding = Promise.all(
          Array.from({ length: 3 }, async (_, worker) => {
            for (let i = 0; i < 80 && !over; i++) {
              await add(`${worker}-${i}`);
              await new Promise((done) => setTimeout(done, Math.random() * 6));
            }
          }),
        );
        await new Promise((done) => setTimeout(done, Math.random() * 8));
        // Adding without pause may win ten times in a row; then nothing was finalised, and it is said so.
        while ((await codeOf(finaliser.registry.finalizePackage(caller, packageId))) === "conflict");
        await adding;
        await expectSealed(finaliser.registry, packageId, acknowledged);
      }
      expect(refused).toBeGreaterThan(0);
      expect((await finaliser.registry.ledger.verify()).ok).toBe(true);
      await Promise.all(databases.map((database) => database.close()));
    }, 600_000);

    test("from one registry, in one group", async () => {
      const database = await openTarget(await target());
      const { registry } = await openFixture({ database });
      for (let round = 0; round < 20; round++) {
        const { package_id: packageId } = await newPackage(registry);
        const acknowledged: string[] = [];
        const calls = Array.from({ length: 10 }, async (_, i) => {
          const code = await codeOf(registry.addDirectory(caller, { packageId, path: `d${i}` }));
          if (code === undefined) acknowledged.push(`d${i}`);
        });
        const results = await Promise.all([
          registry.finalizePackage(caller, packageId),
          registry.finalizePackage(caller, packageId),
          ...calls,
        ]);
        expect(results[0]).toEqual(results[1]);
        await expectSealed(registry, packageId, acknowledged);
      }
      await database.close();
    });

    test("from two processes", async () => {
      const where = await target();
      const database = await openTarget(where);
      const { registry } = await openFixture({ database });
      const { package_id: packageId } = await newPackage(registry);
      const child = runChild<{ acknowledged: string[]; refused?: string }>(where, "add", packageId, "900");
      while ((await registry.listFiles(caller, packageId)).items.length === 0) {
        await new Promise((done) => setTimeout(done, 2));
      }
      while ((await codeOf(registry.finalizePackage(caller, packageId))) === "conflict");
      const { acknowledged, refused } = await child;
      expect(refused).toBe("package_not_open");
      await expectSealed(registry, packageId, acknowledged);
      await database.close();
    }, 300_000);
  });
});
