import { afterEach, describe, expect, test } from "bun:test";
import { DEFAULT_RETENTION_CLASSES, decodeCbor } from "../../../core/mod.ts";
import { forEachDatabase } from "../../support/postgres.ts";
import {
  caller,
  closeFixtures,
  codeOf,
  failureOf,
  newPackage,
  openFixture,
  settableClock,
  wholeLog,
} from "../../support/registry_fixture.ts";

const DAY = 24 * 60 * 60 * 1000;

afterEach(closeFixtures);

forEachDatabase((_, open) => {
  describe("retention classes", () => {
    test("five are seeded, by events, and seeding again adds none", async () => {
      const database = await open();
      const { registry } = await openFixture({ database });
      await openFixture({ database });
      const seeded = (await wholeLog(registry)).filter((e) => e.type === "v1.retention_class.registered");
      expect(seeded.map((e) => decodeCbor(e.payload as Uint8Array))).toEqual([...DEFAULT_RETENTION_CLASSES] as never);
      expect(seeded.map((e) => decodeCbor(e.payload as Uint8Array))).toEqual([
        { name: "transient", duration_days: 7, mode: "none" },
        { name: "working", duration_days: 90, mode: "none" },
        { name: "standard-evidence", duration_days: 365, mode: "governance" },
        { name: "release-evidence", duration_days: 2555, mode: "governance" },
        { name: "permanent-record", duration_days: null, mode: "governance" },
      ]);
      const rows = await database.read.selectFrom("retention_classes").selectAll().execute();
      expect(rows).toHaveLength(5);
    });

    test("decide when a package expires, counted from its creation; a permanent record never does", async () => {
      const clock = settableClock();
      const { registry } = await openFixture({ database: await open(), clock });
      for (const { name, duration_days, mode } of DEFAULT_RETENTION_CLASSES) {
        clock.time += 123_456;
        const made = await newPackage(registry, { retentionClass: name });
        const expires = duration_days === null ? null : new Date(clock.time + duration_days * DAY).toISOString();
        expect(made).toMatchObject({ retention_class: name, retention_mode: mode, expires_at: expires });
        const [created, applied] = (await wholeLog(registry)).slice(-2);
        expect(created?.type).toBe("v1.package.created");
        expect(applied).toMatchObject({ type: "v1.retention.default_applied", subject: made.package_id });
        expect(decodeCbor(applied?.payload as Uint8Array)).toEqual({
          retention_class: name,
          mode,
          expires_at: expires,
        });
        clock.time += 10 * DAY;
        const finalized = await registry.finalizePackage(caller, made.package_id);
        expect(finalized).toMatchObject({ retention_mode: mode, expires_at: expires });
        const manifest = JSON.parse(
          new TextDecoder().decode(await registry.getManifestBytes(caller, made.package_id, "jcs")),
        );
        expect(manifest.retention_summary).toEqual({ retention_class: name, mode, expires_at: expires });
      }
    });

    test("of a name that nobody registered are refused, with the ones there are", async () => {
      const { registry } = await openFixture({ database: await open() });
      for (const retentionClass of ["", "Working", "working ", "none", "x".repeat(10_000), "a\0b", "\ud800"]) {
        const error = await failureOf(newPackage(registry, { retentionClass }));
        expect({ retentionClass, code: error?.code }).toEqual({ retentionClass, code: "unknown_retention_class" });
        expect(error?.message).toContain("release-evidence");
        expect(error?.message.length).toBeLessThan(500);
      }
      expect((await registry.listPackages(caller)).items).toEqual([]);
      expect(await codeOf(newPackage(registry))).toBeUndefined();
    });
  });
});
