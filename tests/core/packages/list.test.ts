import { afterEach, describe, expect, test } from "bun:test";
import type { CreatePackageInput, ListPackagesQuery, Registry } from "../../../core/mod.ts";
import { forEachDatabase } from "../../support/postgres.ts";
import {
  caller,
  closeFixtures,
  codeOf,
  newPackage,
  openFixture,
  settableClock,
  stranger,
} from "../../support/registry_fixture.ts";

afterEach(closeFixtures);

/** Names of all packages that a query finds, page by page. */
async function namesOf(registry: Registry, query: ListPackagesQuery): Promise<string[]> {
  const names: string[] = [];
  for (let cursor: string | undefined, more = true; more; more = cursor !== undefined) {
    const page = await registry.listPackages(caller, { ...query, ...(cursor === undefined ? {} : { cursor }) });
    names.push(...page.items.map((p) => p.name));
    cursor = page.cursor;
  }
  return names;
}

const PACKAGES: readonly Partial<CreatePackageInput>[] = [
  { name: "team/app", metadata: { build: 7, "a b": 'say "hi"', nested: { build: "8" } } },
  { name: "team/app-two", metadata: { build: "7", ok: true }, retentionClass: "transient" },
  { name: "team", metadata: { build: 77, none: null, text: '"build":7' } },
  { name: "teamwork", metadata: { build: ["7"], $dollar: "x" }, externalRefs: [{ system: "jira", id: "AS-1" }] },
  {
    name: "other",
    externalRefs: [
      { system: "git", id: "AS-1" },
      { system: "jira", id: "AS-12", url: "https://jira.example/AS-12" },
    ],
  },
];

forEachDatabase((_, open) => {
  describe("listPackages() with filters", () => {
    const start = async () => {
      const clock = settableClock();
      const { registry } = await openFixture({ database: await open(), clock });
      for (const over of PACKAGES) {
        await newPackage(registry, over);
        clock.time += 1000;
      }
      return registry;
    };

    test("finds exactly what matches, on pages of any size", async () => {
      const registry = await start();
      const [p1 = "", p2 = "", , p4 = ""] = (await registry.listPackages(caller)).items
        .map((p) => p.created_at)
        .toReversed();
      const wanted: readonly [ListPackagesQuery, readonly string[]][] = [
        [{ namePrefix: "team" }, ["teamwork", "team", "team/app-two", "team/app"]],
        [{ namePrefix: "team/" }, ["team/app-two", "team/app"]],
        [{ namePrefix: "team/app-" }, ["team/app-two"]],
        [{ namePrefix: "team", retentionClass: "transient" }, ["team/app-two"]],
        [{ namePrefix: "Team" }, []],
        [{ namePrefix: "%" }, []],
        [{ retentionClass: "working" }, ["other", "teamwork", "team", "team/app"]],
        [{ createdAfter: p2, createdBefore: p4 }, ["team", "team/app-two"]],
        [{ createdBefore: p1 }, []],
        [{ createdBefore: p2.replace("Z", "+00:00") }, ["team/app"]],
        [{ metadata: [{ key: "build", value: "7" }] }, ["team/app-two", "team/app"]],
        [{ metadata: [{ key: "build", value: "8" }] }, []],
        [{ metadata: [{ key: "a b", value: 'say "hi"' }] }, ["team/app"]],
        [{ metadata: [{ key: "ok", value: "true" }] }, ["team/app-two"]],
        [{ metadata: [{ key: "none", value: "null" }] }, ["team"]],
        [{ metadata: [{ key: "$dollar", value: "x" }] }, ["teamwork"]],
        [{ metadata: [{ key: "toString", value: "x" }] }, []],
        [
          {
            metadata: [
              { key: "build", value: "7" },
              { key: "ok", value: "true" },
            ],
          },
          ["team/app-two"],
        ],
        [{ externalRef: { system: "jira" } }, ["other", "teamwork"]],
        [{ externalRef: { system: "jira", id: "AS-1" } }, ["teamwork"]],
        [{ externalRef: { system: "git", id: "AS-12" } }, []],
        [{ externalRef: { system: "jira", id: "AS-12" }, state: "open" }, ["other"]],
        [{ state: "finalized" }, []],
      ];
      for (const [query, names] of wanted) {
        for (const limit of [1, 2, 100]) {
          expect({ query, names: await namesOf(registry, { ...query, limit }) }).toEqual({ query, names: [...names] });
        }
      }
      expect((await registry.listPackages(stranger)).items).toEqual([]);
    });

    test("looks at a bounded number of packages a call, and the cursor goes on from there", async () => {
      const registry = await start();
      for (let at = 0; at < 1100; at += 100) {
        await Promise.all(Array.from({ length: 100 }, () => newPackage(registry, { name: "noise" })));
      }
      const query = { metadata: [{ key: "ok", value: "true" }] };
      const first = await registry.listPackages(caller, query);
      expect([first.items.length, first.cursor === undefined]).toEqual([0, false]);
      expect(await namesOf(registry, query)).toEqual(["team/app-two"]);
      expect(await namesOf(registry, { retentionClass: "transient" })).toEqual(["team/app-two"]);
      expect(await namesOf(registry, { name: "noise", state: "finalized" })).toEqual([]);
    });

    test("refuses what is no time, no text, or too much", async () => {
      const registry = await start();
      const queries: readonly ListPackagesQuery[] = [
        { createdAfter: "yesterday" },
        { createdBefore: "2026-02-30" },
        { createdBefore: "2026-01-01T25:00:00Z" },
        { namePrefix: "\0" },
        { retentionClass: "\ud800" },
        { externalRef: { system: "\0" } },
        { metadata: [{ key: "k", value: "x".repeat(2049) }] },
        { metadata: Array.from({ length: 9 }, (_, i) => ({ key: `k${i}`, value: "v" })) },
      ];
      for (const query of queries) {
        expect({ query, code: await codeOf(registry.listPackages(caller, query)) }).toEqual({
          query,
          code: "invalid_argument",
        });
      }
    });
  });

  describe("findObject()", () => {
    test("finds bytes that a package of the tenant has, and says of others' what it says of none", async () => {
      const { registry } = await openFixture({ database: await open() });
      const { package_id: packageId } = await newPackage(registry);
      const source = new Blob(["shared"]).stream();
      const { entry } = await registry.ingestFile(caller, { packageId, path: "a", source });
      expect(await registry.findObject(caller, entry.content_address)).toEqual(entry);
      expect(await codeOf(registry.findObject(stranger, entry.content_address))).toBe("object_not_found");
      expect(await codeOf(registry.findObject(caller, `blake3:${"0".repeat(64)}`))).toBe("object_not_found");
      expect(await codeOf(registry.findObject(caller, `sha256:${entry.digests.sha256}`))).toBe("object_not_found");
      for (const address of ["", "x", "blake3:xyz", `BLAKE3:${"0".repeat(64)}`]) {
        expect(await codeOf(registry.findObject(caller, address))).toBe("invalid_digest");
      }
      await registry.removeFile(caller, { packageId, path: "a" });
      expect(await codeOf(registry.findObject(caller, entry.content_address))).toBe("object_not_found");
    });
  });

  test("putFile() adds, then replaces, and says which", async () => {
    const { registry } = await openFixture({ database: await open() });
    const { package_id: packageId } = await newPackage(registry);
    const put = async (content: string) => {
      const source = new Blob([content]).stream();
      const { replaced, entry } = await registry.putFile(caller, { packageId, path: "a", source });
      expect(await registry.getEntry(caller, { package: packageId, path: "a" })).toEqual(entry);
      return [replaced, entry.size];
    };
    expect(await put("one")).toEqual([false, 3]);
    expect(await put("three")).toEqual([true, 5]);
  });
});
