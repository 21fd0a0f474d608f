import { afterEach, describe, expect, test } from "bun:test";
import { collect, type Package } from "../../../core/mod.ts";
import { forEachDatabase } from "../../support/postgres.ts";
import {
  caller,
  closeFixtures,
  codeOf,
  ingest,
  newPackage,
  openFixture,
  pattern,
} from "../../support/registry_fixture.ts";

afterEach(closeFixtures);

forEachDatabase((_, open) => {
  describe("getFile()", () => {
    test("gives the whole file, or a range of it, with the length beforehand", async () => {
      const { registry } = await openFixture({ database: await open() });
      const { package_id } = await newPackage(registry);
      const bytes = pattern(3_000_000);
      await ingest(registry, package_id, "dir/file", bytes);
      await ingest(registry, package_id, "empty", "");
      const read = async (path: string, range?: { start: number; end: number }) => {
        const { body, length, entry } = await registry.getFile(caller, {
          package: package_id,
          path,
          ...(range && { range }),
        });
        const all = await collect(body, 1e8);
        expect(all).toHaveLength(length);
        expect(entry.path).toBe(path);
        return all;
      };
      expect(await read("dir/file")).toEqual(bytes);
      expect(await read("empty")).toHaveLength(0);
      expect(await read("empty", { start: 0, end: 0 })).toHaveLength(0);
      for (const [start, end] of [
        [0, 1],
        [0, 3_000_000],
        [1_048_575, 1_048_577],
        [2_999_999, 3_000_000],
        [5, 5],
      ] as const) {
        expect(await read("dir/file", { start, end })).toEqual(bytes.slice(start, end));
      }
      for (const [start, end] of [
        [-1, 1],
        [0, 3_000_001],
        [2, 1],
        [0.5, 1],
        [Number.NaN, 1],
        [0, Number.NaN],
        [0, Number.POSITIVE_INFINITY],
      ] as const) {
        const call = registry.getFile(caller, { package: package_id, path: "dir/file", range: { start, end } });
        expect({ start, end, code: await codeOf(call) }).toEqual({ start, end, code: "invalid_argument" });
      }
      expect((await registry.inspect(caller)).quarantined).toEqual([]);
    });

    test("says file_not_found for what is not there or is no file", async () => {
      const { registry } = await openFixture({ database: await open() });
      const { package_id: packageId } = await newPackage(registry);
      await registry.addDirectory(caller, { packageId, path: "d" });
      await registry.addSymlink(caller, { packageId, path: "l", target: "d" });
      for (const path of ["d", "l", "x", "d/x"]) {
        expect(await codeOf(registry.getFile(caller, { package: packageId, path }))).toBe("file_not_found");
      }
      expect(await codeOf(registry.getFile(caller, { package: packageId, path: "../x" }))).toBe("invalid_path");
    });

    test("stops a body that its caller's signal aborts, and lets go of one that is left early", async () => {
      const { registry } = await openFixture({ database: await open() });
      const { package_id } = await newPackage(registry);
      await ingest(registry, package_id, "big", pattern(9_000_000));
      const abort = new AbortController();
      const { body } = await registry.getFile(
        { ...caller, signal: abort.signal },
        { package: package_id, path: "big" },
      );
      const drain = async () => {
        for await (const _ of body) abort.abort();
      };
      expect(await codeOf(drain())).toBe("cancelled");
      const again = await registry.getFile(caller, { package: package_id, path: "big" });
      for await (const _ of again.body) break;
      expect((await registry.inspect(caller)).quarantined).toEqual([]);
    });
  });

  describe("listPackages()", () => {
    test("gives every package once, newest first, whatever the page, by name and state", async () => {
      const { registry } = await openFixture({ database: await open() });
      const made: Package[] = [];
      for (let i = 0; i < 23; i++) made.push(await newPackage(registry, { name: i % 3 === 0 ? "third" : "demo" }));
      for (const i of [1, 2, 3]) await registry.finalizePackage(caller, made[i]?.package_id as string);
      await registry.abandonPackage(caller, { packageId: made[4]?.package_id as string, reason: "x" });
      const ids = made.map((p) => p.package_id).toReversed();
      const pages = async (query: object) => {
        const found: string[] = [];
        for (let cursor: string | undefined, more = true; more; more = cursor !== undefined) {
          const page = await registry.listPackages(caller, { ...query, ...(cursor === undefined ? {} : { cursor }) });
          found.push(...page.items.map((p) => p.package_id));
          cursor = page.cursor;
        }
        return found;
      };
      for (const limit of [1, 4, 23, 1000]) expect(await pages({ limit })).toEqual(ids);
      const thirds = made.filter((p) => p.name === "third").map((p) => p.package_id);
      expect(await pages({ name: "third", limit: 3 })).toEqual(thirds.toReversed());
      const [one, two, three, four] = made.slice(1).map((p) => p.package_id);
      expect(await pages({ state: "finalized", limit: 2 })).toEqual([three, two, one] as string[]);
      expect(await pages({ state: "abandoned" })).toEqual([four] as string[]);
      const [first] = (await registry.listPackages(caller, { limit: 1 })).items;
      expect(first).toEqual(await registry.getPackage(caller, ids[0] as string));
      expect(await pages({ name: "no-such-name" })).toEqual([]);
    });

    test("and listFiles() refuse limits, names and cursors that are none", async () => {
      const { registry } = await openFixture({ database: await open() });
      const { package_id } = await newPackage(registry);
      for (const limit of [0, -1, 1001, 1.5, Number.NaN]) {
        expect(await codeOf(registry.listPackages(caller, { limit }))).toBe("invalid_argument");
        expect(await codeOf(registry.listFiles(caller, package_id, { limit }))).toBe("invalid_argument");
      }
      for (const cursor of ["", "x", "-1", "0", "1.5", "99999999999999999999"]) {
        expect(await codeOf(registry.listPackages(caller, { cursor }))).toBe("invalid_argument");
      }
      for (const cursor of ["", "\0", "\ud800", "/a"]) {
        expect(await codeOf(registry.listFiles(caller, package_id, { cursor }))).toBe("invalid_path");
      }
      for (const name of ["", "A", "a\0"])
        expect(await codeOf(registry.listPackages(caller, { name }))).toBe("invalid_name");
    });
  });
});
