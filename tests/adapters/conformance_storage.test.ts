import { afterAll, describe, expect, test } from "bun:test";
import { runStorageCase, runStorageConformance, storageCases } from "../../adapters/conformance/mod.ts";
import { createFsStorage } from "../../adapters/storage-fs/mod.ts";
import { createMemoryStorage } from "../../adapters/storage-memory/mod.ts";
import { parseContentAddress, type StorageBackend } from "../../core/spi/mod.ts";
import { temporaryDirectory } from "../support/storage_temporary.ts";

const directory = temporaryDirectory("conformance");
afterAll(directory.remove);

const backends: readonly (readonly [string, () => StorageBackend])[] = [
  ["fs", () => createFsStorage({ root: `${directory.path}/objects` })],
  ["memory, simple", () => createMemoryStorage({ mode: "simple" })],
  ["memory, as an object store", () => createMemoryStorage({ mode: "object-store" })],
];

for (const [name, factory] of backends) {
  const { capabilities } = factory();
  describe(`storage kit: ${name}`, () => {
    for (const one of storageCases) {
      const reason = one.needs?.(capabilities);
      if (reason !== undefined) console.log(`skipped: ${name}: ${one.name}: ${reason}`);
      test.skipIf(reason !== undefined)(one.name, async () => {
        expect(await runStorageCase(one, factory)).toMatchObject({ outcome: "passed" });
      });
    }
  });
}

test("the storage kit leaves an fs store as empty as it found it", async () => {
  const storage = createFsStorage({ root: `${directory.path}/objects` });
  expect(await storage.list({ limit: 10 })).toEqual({ items: [] });
  expect(await storage.listStaged(Date.now() + 1000)).toEqual([]);
});

test("the storage kit passes a store that holds other objects already", async () => {
  const root = `${directory.path}/used`;
  const storage = createFsStorage({ root });
  for (let i = 0; i < 5; i++) {
    const staged = await storage.stage();
    await staged.write(Uint8Array.of(i));
    await staged.publish(parseContentAddress(`sha256:${String(i).repeat(64)}`), 0);
  }
  const report = await runStorageConformance(() => createFsStorage({ root }));
  expect(report.results.filter(({ outcome }) => outcome === "failed")).toEqual([]);
  expect(report.ok).toBe(true);
  expect((await storage.list({ limit: 10 })).items).toHaveLength(5);
}, 300_000);
