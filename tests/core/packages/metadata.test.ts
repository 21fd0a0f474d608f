import { afterEach, describe, expect, test } from "bun:test";
import { decodeManifest, manifestFromJcs } from "../../../core/mod.ts";
import { forEachDatabase } from "../../support/postgres.ts";
import {
  caller,
  closeFixtures,
  codeOf,
  failureOf,
  newPackage,
  openFixture,
  stranger,
} from "../../support/registry_fixture.ts";

afterEach(closeFixtures);

forEachDatabase((_, open) => {
  const fresh = async (limits = {}) => (await openFixture({ database: await open(), limits })).registry;

  describe("metadata", () => {
    test("is kept as JSON and comes back equal, in the package and in its manifest", async () => {
      const registry = await fresh();
      const metadata = {
        z: 1,
        a: [true, null, 1.5, -7, "", { deep: {} }],
        $ref: "not a reference",
        $$: { $bytes: "text" },
        "": "empty key",
        "\u0000": "\u0000",
        é: "e\u0301",
        big: Number.MAX_SAFE_INTEGER,
        tiny: 5e-324,
        zero: -0,
      };
      // As JSON.parse makes it: an own property.
      Object.defineProperty(metadata, "__proto__", {
        value: { x: 1 },
        enumerable: true,
        configurable: true,
        writable: true,
      });
      const { package_id } = await newPackage(registry, { metadata });
      const wanted = { ...JSON.parse(JSON.stringify(metadata)) };
      const found = await registry.getPackage(caller, package_id);
      expect(JSON.stringify(sorted(found.metadata))).toBe(JSON.stringify(sorted(wanted)));
      await registry.finalizePackage(caller, package_id);
      const cbor = decodeManifest(await registry.getManifestBytes(caller, package_id, "cbor"));
      expect(JSON.stringify(sorted(cbor.package.metadata))).toBe(JSON.stringify(sorted(wanted)));
      const jcs = manifestFromJcs(await registry.getManifestBytes(caller, package_id, "jcs"));
      expect(JSON.stringify(sorted(jcs.package.metadata))).toBe(JSON.stringify(sorted(wanted)));
      expect((await registry.checkReplay(caller)).ok).toBe(true);
    });

    test("that is no JSON object is refused", async () => {
      const registry = await fresh();
      let deep: unknown = 1;
      for (let i = 0; i < 100; i++) deep = [deep];
      const cycle: Record<string, unknown> = {};
      cycle.self = cycle;
      for (const metadata of [
        ...[1, "text", [], [1], true],
        ...[{ a: undefined }, { a: Number.NaN }, { a: Number.POSITIVE_INFINITY }, { a: 2 ** 53 }, { a: 1n }],
        ...[{ a: new Uint8Array(1) }, { a: new Date(0) }, { a: new Map() }, { a: () => 1 }, { a: Symbol("s") }],
        ...[{ a: "\ud800" }, { "\ud800": 1 }, { a: deep }, cycle],
      ]) {
        const code = await codeOf(newPackage(registry, { metadata: metadata as never }));
        expect({ metadata: String(metadata), code }).toEqual({ metadata: String(metadata), code: "invalid_metadata" });
      }
    });

    test("has a limit in bytes of canonical JSON", async () => {
      const registry = await fresh({ maxMetadataBytes: 100 });
      const frame = '{"a":""}'.length;
      expect(await codeOf(newPackage(registry, { metadata: { a: "x".repeat(100 - frame) } }))).toBeUndefined();
      expect(await codeOf(newPackage(registry, { metadata: { a: "x".repeat(101 - frame) } }))).toBe("limit_exceeded");
      expect(await codeOf(newPackage(registry, { metadata: { a: "ä".repeat(50) } }))).toBe("limit_exceeded");
    });

    test("is what it was when the call was made, whatever the caller does to it meanwhile", async () => {
      const registry = await fresh();
      const metadata: Record<string, unknown> = { a: { b: 1 } };
      const call = newPackage(registry, { metadata });
      (metadata.a as Record<string, unknown>).b = "\ud800";
      metadata.c = Number.NaN;
      const { package_id, metadata: answered } = await call;
      expect(answered).toEqual({ a: { b: 1 } });
      expect((await registry.getPackage(caller, package_id)).metadata).toEqual({ a: { b: 1 } });
    });
  });

  describe("a metadata schema", () => {
    const schema = {
      $schema: "https://json-schema.org/draft/2020-12/schema",
      type: "object",
      required: ["commit"],
      properties: { commit: { $ref: "#/$defs/hash" }, count: { type: "integer", minimum: 0 } },
      additionalProperties: false,
      $defs: { hash: { type: "string", pattern: "^[0-9a-f]{4,40}$" } },
    };

    test("that a package names decides over its metadata, references included", async () => {
      const registry = await fresh();
      await registry.registerMetadataSchema(caller, { schemaId: "build", schema });
      const create = (metadata: object) =>
        failureOf(newPackage(registry, { metadata: metadata as never, metadataSchema: "build" }));
      expect(await create({ commit: "9f3c" })).toBeUndefined();
      expect(await create({ commit: "9f3c", count: 0 })).toBeUndefined();
      for (const bad of [
        {},
        { commit: 1 },
        { commit: "XYZ!" },
        { commit: "9f3c", count: -1 },
        { commit: "9f3c", more: 1 },
      ]) {
        const error = await create(bad);
        expect({ bad, code: error?.code }).toEqual({ bad, code: "invalid_metadata" });
        expect(error?.message).toContain("build");
      }
      const { metadata_schema, package_id } = await newPackage(registry, {
        metadata: { commit: "9f3c" },
        metadataSchema: "build",
      });
      expect(metadata_schema).toBe("build");
      await registry.finalizePackage(caller, package_id);
      const manifest = JSON.parse(new TextDecoder().decode(await registry.getManifestBytes(caller, package_id, "jcs")));
      expect(manifest.package.metadata_schema).toBe("build");
    });

    test("must be registered, in the caller's tenant", async () => {
      const registry = await fresh();
      expect(await codeOf(newPackage(registry, { metadataSchema: "build" }))).toBe("unknown_metadata_schema");
      await registry.registerMetadataSchema(caller, { schemaId: "build", schema });
      const theirs = { name: "x", retentionClass: "working", metadata: { commit: "9f3c" }, metadataSchema: "build" };
      expect(await codeOf(registry.createPackage(stranger, theirs))).toBe("unknown_metadata_schema");
      await registry.registerMetadataSchema(stranger, { schemaId: "build", schema: {} });
      expect(await codeOf(registry.createPackage(stranger, { ...theirs, metadata: {} }))).toBeUndefined();
      expect(await codeOf(newPackage(registry, { metadataSchema: "build", metadata: {} }))).toBe("invalid_metadata");
    });

    test("never changes: the same again is fine, another under the same id is a conflict", async () => {
      const registry = await fresh();
      await registry.registerMetadataSchema(caller, { schemaId: "s", schema: { type: "object", required: ["a"] } });
      const head = await registry.ledger.head();
      await registry.registerMetadataSchema(caller, { schemaId: "s", schema: { required: ["a"], type: "object" } });
      expect(await registry.ledger.head()).toEqual(head);
      expect(await codeOf(registry.registerMetadataSchema(caller, { schemaId: "s", schema: {} }))).toBe("conflict");
      const race = [1, 2, 3, 4].map((n) =>
        codeOf(registry.registerMetadataSchema(caller, { schemaId: "r", schema: { minProperties: n } })),
      );
      expect((await Promise.all(race)).filter((code) => code === undefined)).toHaveLength(1);
    });

    test("that cannot be used is refused when it is registered, or at the latest when it is met", async () => {
      const registry = await fresh({ maxMetadataBytes: 500 });
      const register = (schemaId: string, schema: unknown) =>
        codeOf(registry.registerMetadataSchema(caller, { schemaId, schema: schema as never }));
      for (const schema of [null, [], "x", { $ref: "#/nowhere" }, { a: Number.NaN }]) {
        expect({ schema, code: await register("bad", schema) }).toEqual({ schema, code: "invalid_metadata" });
      }
      expect(await register("big", { description: "x".repeat(500) })).toBe("limit_exceeded");
      for (const id of ["", " ", "a b", "-a", "é", "a".repeat(201), "a\0"])
        expect(await register(id, {})).toBe("invalid_argument");
      // Dangling and broken parts that an empty document does not meet.
      for (const [id, part] of [
        ["dangling", { $ref: "#/nowhere" }],
        ["broken", { pattern: "(" }],
      ] as const) {
        const code = await register(id, { properties: { a: part } });
        if (code !== undefined) {
          expect(code).toBe("invalid_metadata");
          continue;
        }
        expect(await codeOf(newPackage(registry, { metadata: { a: "x" }, metadataSchema: id }))).toBe(
          "invalid_metadata",
        );
      }
    });
  });

  describe("external references", () => {
    test("come back in the order given, without a url where there is none", async () => {
      const registry = await fresh();
      const externalRefs = [
        { system: "tracker", id: "AS-2", url: "https://example.org/AS-2?x=1#y" },
        { system: "ci", id: "build 7" },
        { system: "ci", id: "build 8", url: null },
      ];
      const { package_id } = await newPackage(registry, { externalRefs });
      const wanted = externalRefs.map((ref) => ({ url: null, ...ref }));
      expect((await registry.getPackage(caller, package_id)).external_refs).toEqual(wanted);
      await registry.finalizePackage(caller, package_id);
      const manifest = JSON.parse(new TextDecoder().decode(await registry.getManifestBytes(caller, package_id, "jcs")));
      expect(manifest.package.external_refs).toEqual(wanted);
    });

    test("are text with an http address, and not too many", async () => {
      const registry = await fresh({ maxExternalRefs: 2 });
      const good = { system: "a", id: "b" };
      const refs = (...externalRefs: unknown[]) =>
        codeOf(newPackage(registry, { externalRefs: externalRefs as never }));
      expect(await refs(good, good)).toBeUndefined();
      expect(await refs(good, good, good)).toBe("limit_exceeded");
      for (const bad of [
        ...[
          { system: "", id: "b" },
          { system: "a", id: "" },
          { system: "a" },
          { system: 1, id: "b" },
          { system: "\ud800", id: "b" },
        ],
        ...["javascript:alert(1)", "ftp://x", "/relative", "", "https://", `https://x/${"y".repeat(3000)}`].map(
          (url) => ({ ...good, url }),
        ),
        { system: "x".repeat(3000), id: "b" },
      ]) {
        expect({ bad, code: await refs(bad) }).toEqual({ bad, code: "invalid_metadata" });
      }
    });
  });
});

/** Keys in order, at every level, so that texts can be compared. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.keys(value)
    .sort()
    .map((key) => [key, sorted((value as Record<string, unknown>)[key])]);
}
