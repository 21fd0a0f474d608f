/** A database that fails under a read is told apart from a bug, whichever use case reads. */
import { afterAll, expect, test } from "bun:test";
import { truncateSync } from "node:fs";
import { join } from "node:path";
import { openSqliteDatabase } from "../../../adapters/database-sqlite/mod.ts";
import { codedError } from "../../../core/mod.ts";
import { caller, codeOf, newPackage, openFixture } from "../../support/registry_fixture.ts";
import { temporaryDirectory } from "../../support/storage_temporary.ts";

const directory = temporaryDirectory("faults");
afterAll(directory.remove);

test("every use case that reads rejects with database_failed when the file under the database is damaged", async () => {
  const path = join(directory.path, "registry.db");
  const before = await openFixture({ database: await openSqliteDatabase({ path }) });
  const { package_id: packageId } = await newPackage(before.registry);
  await before.registry.close(); // which empties the WAL: what is read next lies in the file

  const database = await openSqliteDatabase({ path });
  const { registry } = await openFixture({ database });
  truncateSync(path, 8192);
  const reads = {
    getPackage: () => registry.getPackage(caller, packageId),
    listPackages: () => registry.listPackages(caller, { name: "other" }),
    listFiles: () => registry.listFiles(caller, packageId),
    verifyPackage: () => registry.verifyPackage(caller, packageId),
    readEvents: () => registry.readEvents(caller, { since: 0, limit: 10 }),
    tailEvents: () => registry.tailEvents(caller, { since: 0, follow: false }).next(),
    verifyEvents: () => registry.verifyEvents(caller),
    inspect: () => registry.inspect(caller),
    ingestFile: () => registry.ingestFile(caller, { packageId, path: "a", source: new ReadableStream() }),
  };
  for (const [name, read] of Object.entries(reads)) {
    expect(`${name}: ${await codeOf(read())}`).toBe(`${name}: database_failed`);
  }
  await registry.close().catch(() => {});
});

test("what the database does not know passes unchanged", () => {
  const bug = new TypeError("not a function");
  expect(codedError({ fault: () => "other" }, bug)).toBe(bug);
});
