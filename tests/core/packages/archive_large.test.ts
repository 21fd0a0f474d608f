/** Archives of many bytes on little memory, and of many entries without keeping others waiting. */
import { afterEach, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { RUNTIME_NAMES, RUNTIMES } from "../../cli/support.ts";
import { forEachDatabase } from "../../support/postgres.ts";
import { caller, closeFixtures, failureOf, ingest, newPackage, openFixture } from "../../support/registry_fixture.ts";
import { rounds } from "../../support/rounds.ts";
import { temporaryDirectory } from "../../support/storage_temporary.ts";
import { END, member } from "../../support/tar_bytes.ts";

afterEach(closeFixtures);

describe.each(RUNTIME_NAMES)("on %s", (runtime) => {
  // More than the limit below, both ways.
  const size = rounds(384, runtime === "bun" ? 1024 : 512);
  test(`${size} MiB go in and out with memory for a few chunks`, () => {
    const directory = temporaryDirectory("archive-memory");
    try {
      const child = join(import.meta.dirname, "archive_child.ts");
      const { exitCode, stdout, stderr } = Bun.spawnSync([
        ...RUNTIMES[runtime],
        child,
        join(directory.path, "data"),
        String(size),
      ]);
      expect({ exitCode, stderr: stderr.toString() }).toEqual({ exitCode: 0, stderr: "" });
      const { grown, ...said } = JSON.parse(stdout.toString());
      const files = size / 2 + 1;
      expect(said).toEqual({
        added: files,
        bytes: size * 2 ** 20,
        tar: size * 2 ** 20 + files * 512 + 1024,
        zip: expect.any(Number),
      });
      expect(said.zip).toBeGreaterThan(size * 2 ** 20);
      console.log(`${runtime}: grew by ${grown} MiB`);
      expect(grown).toBeLessThan(256);
    } finally {
      directory.remove();
    }
  }, 300_000);
});

forEachDatabase((_, open) => {
  async function* tar(files: number, last = "last"): AsyncGenerator<Uint8Array> {
    for (let i = 0; i < files - 1; i++) yield member({ name: `dir-${i % 50}/file-${i}` }, `content ${i % 3000}`);
    yield member({ name: last }, "x");
    yield END;
  }

  const many = rounds(4000, 10_000);

  test("thousands of files are one unit of work, which others can interrupt but not see half of", async () => {
    const { registry } = await openFixture({ database: await open() });
    const { package_id: packageId } = await newPackage(registry);
    const { package_id: other } = await newPackage(registry);
    const head = (await registry.head(caller)).sequence;

    // Whoever reads meanwhile sees nothing or all of it; whoever writes comes before or after it.
    const seen = new Set<number>();
    let turns = 0;
    let done = false;
    const watching = (async () => {
      while (!done) {
        const { items } = await registry.listFiles(caller, packageId, { limit: 1000 });
        seen.add(items.length);
        turns += 1;
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    })();
    const importing = registry.importArchive(caller, { packageId, source: tar(many) });
    await ingest(registry, other, "meanwhile", "y");
    const report = await importing;
    done = true;
    await watching;
    expect([report.added, report.entries.length]).toEqual([many, many]);
    expect([...seen].filter((count) => count !== 0 && count !== 1000)).toEqual([]);
    expect(turns).toBeGreaterThan(10);

    // One event a file, one for each content that was new, and the other's two.
    expect((await registry.head(caller)).sequence).toBe(head + many + 3001 + 2);
    expect((await registry.verifyEvents(caller)).ok).toBe(true);
    expect((await registry.checkReplay(caller)).ok).toBe(true);

    // The last of as many entries is bad, and none of them is there.
    const { package_id: empty } = await newPackage(registry);
    await ingest(registry, empty, "taken", "z");
    const error = await failureOf(registry.importArchive(caller, { packageId: empty, source: tar(many, "taken") }));
    expect([error?.code, error?.data.refused]).toEqual(["archive_refused", 1]);
    expect((await registry.listFiles(caller, empty)).items.map((entry) => entry.path)).toEqual(["taken"]);
  }, 300_000);

  test("the same archive into one package twice at once: one gets in, whole", async () => {
    const { registry } = await openFixture({ database: await open() });
    const { package_id: packageId } = await newPackage(registry);
    const both = await Promise.allSettled(
      [1, 2].map(() => registry.importArchive(caller, { packageId, source: tar(300) })),
    );
    expect(both.map((one) => one.status).sort()).toEqual(["fulfilled", "rejected"]);
    const [lost] = both.filter((one) => one.status === "rejected");
    expect(lost?.reason).toMatchObject({ code: "archive_refused", data: { refused: 300 } });
    expect((await registry.listFiles(caller, packageId, { limit: 1000 })).items).toHaveLength(300);
    await registry.finalizePackage(caller, packageId);
  }, 30_000);
});
