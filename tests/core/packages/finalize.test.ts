import { afterEach, describe, expect, test } from "bun:test";
import { decodeManifest, encodeManifest, manifestDigest, manifestFromJcs } from "../../../core/mod.ts";
import { forEachDatabase } from "../../support/postgres.ts";
import {
  caller,
  closeFixtures,
  codeOf,
  hasher,
  ingest,
  newPackage,
  openFixture,
  settableClock,
  source,
  wholeLog,
} from "../../support/registry_fixture.ts";
import { deletePackage } from "../../support/registry_tamper.ts";

afterEach(closeFixtures);

forEachDatabase((_, open) => {
  const filled = async (over: Parameters<typeof newPackage>[1] = {}) => {
    const clock = settableClock();
    const fixture = await openFixture({ database: await open(), clock });
    const { registry } = fixture;
    const { package_id: packageId } = await newPackage(registry, over);
    await ingest(registry, packageId, "b", "bytes");
    await ingest(registry, packageId, "c/d", "bytes");
    await registry.ingestFile(caller, { packageId, path: "a", source: source("other"), executable: true });
    await registry.addDirectory(caller, { packageId, path: "empty" });
    await registry.addSymlink(caller, { packageId, path: "link", target: "c/d" });
    clock.time += 5000;
    return { ...fixture, packageId, clock };
  };

  describe("finalizePackage()", () => {
    test("writes the manifest as the event's payload: counts, digest, both forms", async () => {
      const { registry, packageId } = await filled({ version: "1.0", metadata: { build: 7 } });
      const finalized = await registry.finalizePackage(caller, packageId);
      const bytes = await registry.getManifestBytes(caller, packageId, "cbor");
      expect(finalized).toMatchObject({
        state: "finalized",
        file_count: 3,
        total_bytes: 15,
        manifest_digest: manifestDigest(bytes, hasher),
        finalized_by: "local:tester",
        finalized_at: "2026-01-02T03:04:10.006Z",
        created_at: "2026-01-02T03:04:05.006Z",
      });
      const manifest = decodeManifest(bytes);
      expect(manifest.files.map((entry) => [entry.path, entry.kind])).toEqual([
        ["a", "file"],
        ["b", "file"],
        ["c/d", "file"],
        ["empty", "directory"],
        ["link", "symlink"],
      ]);
      expect(manifest.storage_receipts).toHaveLength(2);
      expect(Object.keys(manifest.storage_receipts[0] ?? {}).toSorted()).toEqual([
        "backend_id",
        "content_address",
        "size",
        "stored_at",
      ]);
      expect(manifest.provenance).toEqual({
        created_by: "local:tester",
        finalized_by: "local:tester",
        finalized_at: "2026-01-02T03:04:10.006Z",
      });
      expect(manifest.package).toMatchObject({ package_id: packageId, version: "1.0", metadata: { build: 7 } });
      const event = (await wholeLog(registry)).at(-1);
      expect(event).toMatchObject({ type: "v1.package.finalized", subject: packageId });
      expect(event?.payload).toEqual(bytes);
      const jcs = await registry.getManifestBytes(caller, packageId, "jcs");
      expect(encodeManifest(manifestFromJcs(jcs))).toEqual(bytes as Uint8Array<ArrayBuffer>);
      expect({ ...(await registry.getPackage(caller, packageId)), warnings: [] }).toEqual(finalized as never);
    });

    test("again, later and at once, gives the same result and no further event", async () => {
      const { registry, packageId, clock } = await filled();
      const [a, b, c] = await Promise.all([1, 2, 3].map(() => registry.finalizePackage(caller, packageId)));
      const head = await registry.ledger.head();
      clock.time += 1e6;
      expect(await registry.finalizePackage(caller, packageId)).toEqual(a as never);
      expect([b, c] as unknown).toEqual([a, a]);
      expect(await registry.ledger.head()).toEqual(head);
      expect((await wholeLog(registry)).filter((e) => e.type === "v1.package.finalized")).toHaveLength(1);
    });

    test("closes an empty package too", async () => {
      const { registry } = await openFixture({ database: await open() });
      const { package_id } = await newPackage(registry);
      expect(await registry.finalizePackage(caller, package_id)).toMatchObject({ file_count: 0, total_bytes: 0 });
      expect(decodeManifest(await registry.getManifestBytes(caller, package_id, "cbor")).files).toEqual([]);
      expect(await registry.verifyPackage(caller, package_id)).toMatchObject({
        ok: true,
        objects: 0,
        manifest_ok: true,
      });
    });

    test("keeps paths apart that differ only in case, and says so, each time", async () => {
      const { registry } = await openFixture({ database: await open() });
      const { package_id: packageId } = await newPackage(registry);
      // The last four: Strasse in upper case, the two small sigmas, a long s, and what only looks alike.
      const sets = [
        ["A.txt", "a.TXT", "a.txt"],
        ["STRASSE/x", "Straße/x"],
        ["ος", "οσ"],
        ["ſ", "s"],
        ["b", "в"],
      ];
      for (const path of [...sets.flat(), "other", "Other/a", "other2"]) await ingest(registry, packageId, path, path);
      const { warnings } = await registry.finalizePackage(caller, packageId);
      expect(warnings).toMatchObject([{ code: "case_clash", count: 4 }]);
      const found = warnings[0]?.examples.map((set) => set.toSorted());
      expect(found?.toSorted()).toEqual(
        sets
          .slice(0, 4)
          .map((set) => set.toSorted())
          .toSorted(),
      );
      expect(warnings[0]?.message).toContain("4 places");
      expect((await registry.finalizePackage(caller, packageId)).warnings).toEqual(warnings);
      expect(decodeManifest(await registry.getManifestBytes(caller, packageId, "cbor")).files).toHaveLength(14);
    });

    test("tells of ten clashes with four paths each at most, however many there are", async () => {
      const { registry } = await openFixture({ database: await open() });
      const { package_id: packageId } = await newPackage(registry);
      const cases = ["abc", "abC", "aBc", "Abc", "ABC"];
      const paths = Array.from({ length: 12 }, (_, i) => cases.map((name) => `${name}${i}`)).flat();
      await Promise.all(paths.map((path) => registry.addDirectory(caller, { packageId, path })));
      const [warning] = (await registry.finalizePackage(caller, packageId)).warnings;
      expect(warning?.count).toBe(12);
      expect(warning?.examples.map((set) => set.length)).toEqual(Array.from({ length: 10 }, () => 4));
    });

    test("takes as many entries and as long a manifest as the limits say, and no more", async () => {
      const database = await open();
      const sizes: number[] = [];
      const closed = async (limits: object) => {
        const { registry } = await openFixture({ database, limits });
        const { package_id: packageId } = await newPackage(registry);
        for (const path of ["a", "b", "c"]) await registry.addDirectory(caller, { packageId, path });
        const code = await codeOf(registry.finalizePackage(caller, packageId));
        if (code === undefined) sizes.push((await registry.getManifestBytes(caller, packageId, "cbor")).length);
        else expect((await registry.getPackage(caller, packageId)).state).toBe("open");
        return code;
      };
      expect(await closed({ maxFilesPerPackage: 3 })).toBeUndefined();
      expect(await closed({ maxFilesPerPackage: 2 })).toBe("limit_exceeded");
      expect(await closed({ maxManifestBytes: sizes[0] })).toBeUndefined();
      expect(await closed({ maxManifestBytes: (sizes[0] as number) - 1 })).toBe("limit_exceeded");
    });

    test("of what was never opened, or is open no more, is refused", async () => {
      const { registry } = await openFixture({ database: await open() });
      for (const ref of ["", "x", crypto.randomUUID(), "demo@1", "a\0@1", "demo@\0", "\ud800"]) {
        expect({ ref, code: await codeOf(registry.finalizePackage(caller, ref)) }).toEqual({
          ref,
          code: "package_not_found",
        });
      }
      const { package_id } = await newPackage(registry);
      expect(await codeOf(registry.getManifestBytes(caller, package_id, "cbor"))).toBe("package_not_finalized");
      await deletePackage(registry, caller, package_id);
      expect(await codeOf(registry.finalizePackage(caller, package_id))).toBe("package_not_found");
    });

    test("of thousands of entries pages through them and keeps byte order, astral characters included", async () => {
      const { registry } = await openFixture({ database: await open() });
      const { package_id: packageId } = await newPackage(registry);
      // U+FF5E sorts before U+1F600 by bytes and after it by UTF-16 units.
      const paths = Array.from({ length: 2100 }, (_, i) => `d${String(i).padStart(5, "0")}`).concat(
        "\uff5e",
        "\u{1f600}",
        "z",
      );
      await Promise.all(paths.map((path) => registry.addDirectory(caller, { packageId, path })));
      await registry.finalizePackage(caller, packageId);
      const manifest = decodeManifest(await registry.getManifestBytes(caller, packageId, "cbor"));
      expect(manifest.files.map((entry) => entry.path)).toEqual([...paths.slice(0, 2100), "z", "\uff5e", "\u{1f600}"]);
      const listed: string[] = [];
      for (let cursor: string | undefined, more = true; more; more = cursor !== undefined) {
        const page = await registry.listFiles(caller, packageId, {
          limit: 1000,
          ...(cursor === undefined ? {} : { cursor }),
        });
        listed.push(...page.items.map((entry) => entry.path));
        cursor = page.cursor;
      }
      expect(listed).toEqual(manifest.files.map((entry) => entry.path));
    });
  });

  describe("name@version", () => {
    test("finds the finalised package everywhere where an id does", async () => {
      const { registry, packageId } = await filled({ name: "team/demo", version: "1.0" });
      expect(await codeOf(registry.getPackage(caller, "team/demo@1.0"))).toBe("package_not_found");
      const finalized = await registry.finalizePackage(caller, packageId);
      const ref = "team/demo@1.0";
      expect({ ...(await registry.getPackage(caller, ref)), warnings: [] }).toEqual(finalized as never);
      expect((await registry.listFiles(caller, ref)).items).toHaveLength(5);
      expect(await registry.getManifestBytes(caller, ref, "cbor")).toEqual(
        await registry.getManifestBytes(caller, packageId, "cbor"),
      );
      expect((await registry.getFile(caller, { package: ref, path: "b" })).length).toBe(5);
      expect((await registry.verifyPackage(caller, ref)).ok).toBe(true);
      expect(await registry.finalizePackage(caller, ref)).toEqual(finalized);
      for (const other of [
        "team/demo@1",
        "team/demo@1.0.0",
        "demo@1.0",
        "team/demo@",
        "@1.0",
        "team/demo",
        "team/demo@1.0 ",
      ]) {
        expect(await codeOf(registry.getPackage(caller, other))).toBe("package_not_found");
      }
    });

    test("is taken once finalised: another cannot be opened or finalised, an unversioned one can", async () => {
      const { registry } = await openFixture({ database: await open() });
      const [first, second] = [
        await newPackage(registry, { version: "1" }),
        await newPackage(registry, { version: "1" }),
      ];
      await registry.finalizePackage(caller, first.package_id);
      expect(await codeOf(registry.finalizePackage(caller, second.package_id))).toBe("version_exists");
      expect(await codeOf(newPackage(registry, { version: "1" }))).toBe("version_exists");
      for (const over of [{ version: "2" }, {}, {}, { name: "other", version: "1" }]) {
        const { package_id } = await newPackage(registry, over);
        expect((await registry.finalizePackage(caller, package_id)).state).toBe("finalized");
      }
      expect((await registry.getPackage(caller, "demo@1")).package_id).toBe(first.package_id);
    });

    test("belongs to a tenant: another may use the same", async () => {
      const { registry } = await openFixture({ database: await open() });
      const theirs = { principal: { ...caller.principal, tenants: ["elsewhere"] }, tenant: "elsewhere" };
      const input = { name: "demo", version: "1", retentionClass: "working" };
      const a = await registry.createPackage(caller, input);
      const b = await registry.createPackage(theirs, input);
      await registry.finalizePackage(caller, a.package_id);
      await registry.finalizePackage(theirs, b.package_id);
      expect((await registry.getPackage(caller, "demo@1")).package_id).toBe(a.package_id);
      expect((await registry.getPackage(theirs, "demo@1")).package_id).toBe(b.package_id);
    });
  });
});
