/** Leftovers that the kill loop found doctor to handle badly, or not at all. */
import { afterAll, expect, test } from "bun:test";
import { join } from "node:path";
import { openSqliteDatabase } from "../../../adapters/database-sqlite/mod.ts";
import { createFsStorage } from "../../../adapters/storage-fs/mod.ts";
import { parseContentAddress } from "../../../core/mod.ts";
import { forEachDatabase } from "../../support/postgres.ts";
import { caller, hasher, ingest, newPackage, openFixture, text } from "../../support/registry_fixture.ts";
import { temporaryDirectory } from "../../support/storage_temporary.ts";

const directory = temporaryDirectory("leftovers");
afterAll(directory.remove);

// Found by tests/soak/kill, seed 1117405411.
test("content can be stored again after doctor has collected what a crashed push of it left, more than once", async () => {
  const database = await openSqliteDatabase({ path: join(directory.path, "registry.db") });
  const storage = createFsStorage({ root: join(directory.path, "objects") });
  const { registry } = await openFixture({ database, storage });
  const content = text("pushed, published, never recorded");
  const state = hasher.create("blake3");
  state.update(content);
  const address = parseContentAddress(`blake3:${Buffer.from(state.digest()).toString("hex")}`);

  for (const generation of [0, 1]) {
    const staged = await storage.stage();
    await staged.write(content);
    await staged.publish(address, generation);
    expect(await registry.fix(caller, { grace: 0, holder: "test" })).toMatchObject({ removed_orphans: 1 });
  }
  const { package_id: packageId } = await newPackage(registry);
  expect(await ingest(registry, packageId, "file", content)).toMatchObject({ deduplicated: false });
  expect((await registry.verifyPackage(caller, packageId)).ok).toBe(true);
  expect(await registry.inspect(caller, { grace: 0 })).toMatchObject({ healthy: true, orphans: [] });
  await registry.close();
});

forEachDatabase((_, open) => {
  test("the database of a replay --check that was killed is reported, collected by --fix, and spared while it is young", async () => {
    const database = await open();
    const { registry } = await openFixture({ database });
    const { database: abandoned } = await database.scratch();
    await abandoned.close();
    expect((await registry.inspect(caller)).scratch).toEqual([]);
    await Bun.sleep(50); // a server notices a moment later that nobody is there
    const { scratch, healthy } = await registry.inspect(caller, { grace: 0 });
    expect({ count: scratch.length, healthy }).toEqual({ count: 1, healthy: true });
    expect(await registry.fix(caller, { grace: 0, holder: "test" })).toMatchObject({ removed_scratch: 1 });
    expect((await registry.inspect(caller, { grace: 0 })).scratch).toEqual([]);
  });
});
