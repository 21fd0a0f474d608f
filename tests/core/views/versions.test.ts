/** Views whose reducer changed are rebuilt when a program opens the database; one that is newer is refused. */
import { afterEach, describe, expect, test } from "bun:test";
import { bringUpToDate } from "../../../adapters/local.ts";
import { digestViews, staleViews } from "../../../core/ledger/mod.ts";
import { VIEWS } from "../../../core/views/mod.ts";
import { forEachDatabase, openTarget } from "../../support/postgres.ts";
import {
  caller,
  closeFixtures,
  codeOf,
  hasher,
  ingest,
  newPackage,
  openFixture,
} from "../../support/registry_fixture.ts";

afterEach(closeFixtures);

forEachDatabase((_, open, target) => {
  describe("on opening", () => {
    test("a view of an older version, or one that is not there yet, is rebuilt, and only that one", async () => {
      const { registry, database } = await openFixture({ database: await open() });
      const { package_id } = await newPackage(registry);
      await ingest(registry, package_id, "a", "content");
      const good = await digestViews(database.read, hasher);
      expect(await staleViews(database.read)).toEqual([]);
      // As an older reducer would have left it: other rows, an older version.
      await database.write(async (trx) => {
        await trx.updateTable("artifact_files").set({ media_type: "old/reducer" }).execute();
        await trx.updateTable("view_state").set({ view_version: 0 }).where("view", "=", "artifact_files").execute();
        await trx.deleteFrom("tenants").execute();
        await trx.deleteFrom("view_state").where("view", "=", "tenants").execute();
        await trx.updateTable("retention_state").set({ mode: "untouched" }).execute();
      });
      expect((await staleViews(database.read)).map((view) => view.name)).toEqual(["tenants", "artifact_files"]);
      expect((await registry.inspect(caller)).stale_views).toEqual(["artifact_files", "tenants"]);
      await bringUpToDate(database, hasher);
      const rebuilt = await digestViews(database.read, hasher);
      expect(rebuilt.tables.artifact_files).toEqual(good.tables.artifact_files as never);
      expect(rebuilt.tables.tenants).toEqual(good.tables.tenants as never);
      expect(rebuilt.tables.retention_state).not.toEqual(good.tables.retention_state as never);
      const head = await registry.ledger.head();
      const positions = await database.read.selectFrom("view_state").selectAll().orderBy("view").execute();
      expect(positions.map((row) => row.view)).toEqual(VIEWS.map((view) => view.name).toSorted());
      const versions = Object.fromEntries(VIEWS.map((view) => [view.name, view.version]));
      for (const { view, view_version, applied_sequence } of positions) {
        expect([view, view_version, Number(applied_sequence)]).toEqual([view, versions[view] as number, head.sequence]);
      }
    });

    test("a view of a newer version is refused, and nothing is touched", async () => {
      const { registry, database } = await openFixture({ database: await open() });
      await newPackage(registry);
      const before = await digestViews(database.read, hasher);
      await database.write((trx) =>
        trx.updateTable("view_state").set({ view_version: 99 }).where("view", "=", "objects").execute(),
      );
      expect(await codeOf(bringUpToDate(database, hasher))).toBe("schema_too_new");
      expect(await digestViews(database.read, hasher)).toEqual(before);
    });

    test("a program that keeps running while a newer one rebuilds the views commits nothing more", async () => {
      const { registry, database } = await openFixture({ database: await open() });
      await newPackage(registry);
      await database.write((trx) =>
        trx.updateTable("view_state").set({ view_version: 99 }).where("view", "=", "objects").execute(),
      );
      const head = await registry.ledger.head();
      expect(await codeOf(newPackage(registry))).toBe("schema_too_new");
      expect(await registry.ledger.head()).toEqual(head);
    });

    test("many registries at once over one empty database all succeed, and seed it once", async () => {
      const where = await target();
      const databases = await Promise.all(Array.from({ length: 4 }, () => openTarget(where)));
      const fixtures = await Promise.all(databases.map((database) => openFixture({ database })));
      const [first] = fixtures;
      const classes = await first?.database.read.selectFrom("retention_classes").select("name").execute();
      expect(classes?.map((row) => row.name).toSorted()).toEqual([
        "permanent-record",
        "release-evidence",
        "standard-evidence",
        "transient",
        "working",
      ]);
      expect((await first?.registry.ledger.head())?.sequence).toBe(6);
      for (const { registry } of fixtures) await newPackage(registry);
      for (const database of databases) await database.close();
    });
  });
});
