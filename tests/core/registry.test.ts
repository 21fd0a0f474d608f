/** The library as an embedder meets it: openLocal(), three handles at once, closing. */
import { afterEach, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { openLocal } from "../../adapters/local.ts";
import { collect } from "../../core/mod.ts";
import { codeOf, source } from "../support/registry_fixture.ts";
import { temporaryDirectory } from "../support/storage_temporary.ts";

const cleanups: (() => void)[] = [];
// As tests end: at the end of the file it would be too much for one hook.
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
}, 60_000);

function directory(): string {
  const made = temporaryDirectory("registry");
  cleanups.push(() => made.remove());
  return join(made.path, "data");
}

describe("openLocal()", () => {
  test("gives a working registry in one call, and finds everything again when opened anew", async () => {
    const dir = directory();
    const first = await openLocal({ dir });
    const { caller } = first;
    const { package_id: packageId } = await first.createPackage(caller, {
      name: "demo",
      version: "1",
      retentionClass: "release-evidence",
    });
    await first.ingestFile(caller, { packageId, path: "a/b", source: source("content") });
    const finalized = await first.finalizePackage(caller, packageId);
    await first.close();
    expect(statSync(dir).mode & 0o777).toBe(0o700);

    const second = await openLocal({ dir });
    expect({ ...(await second.getPackage(caller, "demo@1")), warnings: [] }).toEqual(finalized as never);
    const { body } = await second.getFile(caller, { package: "demo@1", path: "a/b" });
    expect(new TextDecoder().decode(await collect(body, 100))).toBe("content");
    expect(await second.inspect(caller, { grace: 0 })).toMatchObject({ healthy: true, orphans: [] });
    expect((await second.verifyEvents(caller)).ok).toBe(true);
    await second.close();
    expect(readdirSync(dir).toSorted()).toEqual(["artifact-store.db", "objects"]);
  });

  test("three at once on one directory, empty at first, see each other's packages", async () => {
    const dir = directory();
    const registries = await Promise.all([1, 2, 3].map(() => openLocal({ dir })));
    const made = await Promise.all(
      registries.map((registry, i) =>
        registry.createPackage(registry.caller, { name: `p${i}`, retentionClass: "working" }),
      ),
    );
    for (const registry of registries) {
      for (const { package_id } of made)
        expect((await registry.getPackage(registry.caller, package_id)).state).toBe("open");
      await registry.close();
    }
  });

  test("reads create nothing", async () => {
    const dir = directory();
    const registry = await openLocal({ dir });
    await registry.listPackages(registry.caller);
    await registry.inspect(registry.caller);
    expect(existsSync(join(dir, "objects", "blake3"))).toBe(false);
    await registry.close();
  });

  test("close() lets what was handed in finish first", async () => {
    const dir = directory();
    const registry = await openLocal({ dir });
    const calls = Array.from({ length: 50 }, (_, i) =>
      codeOf(registry.createPackage(registry.caller, { name: `p${i}`, retentionClass: "working" })),
    );
    await registry.close();
    expect(new Set(await Promise.all(calls))).toEqual(new Set([undefined]));
    const again = await openLocal({ dir });
    expect((await again.listPackages(again.caller, { limit: 100 })).items).toHaveLength(50);
    await again.close();
  });

  test("respects its limits", async () => {
    const registry = await openLocal({ dir: directory(), limits: { maxObjectBytes: 3 } });
    const { package_id: packageId } = await registry.createPackage(registry.caller, {
      name: "x",
      retentionClass: "working",
    });
    const put = (content: string) =>
      codeOf(registry.ingestFile(registry.caller, { packageId, path: content, source: source(content) }));
    expect([await put("abc"), await put("abcd")]).toEqual([undefined, "limit_exceeded"]);
    await registry.close();
  });
});
