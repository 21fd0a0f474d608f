/** Manifests of more than a megabyte: the same bytes in pieces, by a worker or without, and never more than the limit. */
import { afterEach, describe, expect, test } from "bun:test";
import { createManifestProjector } from "../../../adapters/manifest-worker/mod.ts";
import { concatBytes } from "../../../core/base/bytes.ts";
import { DEFAULT_LIMITS, decodeManifest, manifestToJcs, type Registry } from "../../../core/mod.ts";
import { getManifest } from "../../../core/packages/read_manifest.ts";
import type { PackageDeps } from "../../../core/packages/types.ts";
import { forEachDatabase } from "../../support/postgres.ts";
import { caller, closeFixtures, failureOf, newPackage, openFixture } from "../../support/registry_fixture.ts";

afterEach(closeFixtures);

/** A manifest of 1.3 MB or so. */
async function closed(registry: Registry): Promise<string> {
  const { package_id: packageId } = await newPackage(registry, {});
  const paths = Array.from({ length: 5000 }, (_, i) => `${i}/${"long".repeat(60)}`);
  await Promise.all(paths.map((path) => registry.addDirectory(caller, { packageId, path })));
  await registry.finalizePackage(caller, packageId);
  return packageId;
}

forEachDatabase((_, open) => {
  describe("getManifest()", () => {
    test("gives both forms in pieces, with their length, as getManifestBytes() does", async () => {
      for (const projectManifest of [undefined, createManifestProjector()]) {
        const database = await open();
        const { registry } = await openFixture({ database, ...(projectManifest && { projectManifest }) });
        const packageId = await closed(registry);
        const cbor = await registry.getManifestBytes(caller, packageId, "cbor");
        expect(cbor.length).toBeGreaterThan(1024 * 1024);
        const json = manifestToJcs(decodeManifest(cbor));
        for (const [form, wanted] of [
          ["cbor", cbor],
          ["jcs", json],
        ] as const) {
          const { length, body } = await registry.getManifest(caller, packageId, form);
          const pieces: Uint8Array[] = [];
          for await (const piece of body) pieces.push(piece);
          expect([length, pieces.length > 1]).toEqual([wanted.length, true]);
          expect(Bun.hash(concatBytes(pieces))).toBe(Bun.hash(wanted));
          expect(Bun.hash(await registry.getManifestBytes(caller, packageId, form))).toBe(Bun.hash(wanted));
        }
      }
    });

    test("reads what is very long in parts, whatever their length", async () => {
      const database = await open();
      const { registry } = await openFixture({ database });
      const packageId = await closed(registry);
      const wanted = await registry.getManifestBytes(caller, packageId, "cbor");
      const deps = { database, ledger: registry.ledger, limits: DEFAULT_LIMITS } as unknown as PackageDeps;
      for (const part of [300_000, Math.ceil(wanted.length / 2), wanted.length - 1, wanted.length]) {
        for (const [form, bytes] of [
          ["cbor", wanted],
          ["jcs", manifestToJcs(decodeManifest(wanted))],
        ] as const) {
          const { length, body } = await getManifest(deps, caller, packageId, form, part);
          const pieces: Uint8Array[] = [];
          for await (const piece of body) pieces.push(piece);
          expect([part, length, Bun.hash(concatBytes(pieces))]).toEqual([part, bytes.length, Bun.hash(bytes)]);
        }
      }
    });

    test("refuses JSON of a manifest above the limit, and names the form that works", async () => {
      const database = await open();
      const { registry } = await openFixture({ database });
      const packageId = await closed(registry);
      const { length } = await registry.getManifestBytes(caller, packageId, "cbor");
      const narrow = await openFixture({ database, limits: { maxManifestBytes: length - 1 } });
      const refused = await failureOf(narrow.registry.getManifest(caller, packageId, "jcs"));
      expect(refused).toMatchObject({ code: "limit_exceeded", data: { limit: length - 1, bytes: length } });
      expect(refused?.message).toContain("application/cbor");
      expect(await narrow.registry.getManifestBytes(caller, packageId, "cbor")).toHaveLength(length);
      const exact = await openFixture({ database, limits: { maxManifestBytes: length } });
      expect((await exact.registry.getManifestBytes(caller, packageId, "jcs")).length).toBeGreaterThan(length);
    });
  });
});
