/**
 * Pushes and deletions of the same manifests, all at once: what is recorded of their references is what the manifests
 * that are left say, and replay says the same. (`replay --check` once differed in oci_references, and in that alone.)
 */
import { afterEach, expect, test } from "bun:test";
import { createMemoryStorage } from "../../../adapters/storage-memory/mod.ts";
import { digestViews } from "../../../core/ledger/mod.ts";
import { readOciManifest } from "../../../core/manifest/oci.ts";
import { digestOf, IMAGE, imageOf, indexOf, pushText } from "../../support/oci_images.ts";
import { forEachDatabase, openTarget } from "../../support/postgres.ts";
import { caller, closeFixtures, codeOf, type Fixture, hasher, openFixture } from "../../support/registry_fixture.ts";

afterEach(closeFixtures);

const repository = "team/image";
const times = <T>(n: number, make: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => make(i));
const never = (i: number) => ({ mediaType: IMAGE, digest: digestOf(`never ${i}`), size: 7 });

/** Images that share layers, one that names a layer twice, indexes of them, and one of more than one insert takes. */
const layers = times(6, (i) => `layer ${i}`);
const images = times(5, (i) => imageOf([`layer ${i}`, `layer ${i + 1}`, `layer ${i}`]));
const childOf = (bytes: Uint8Array) => ({ mediaType: IMAGE, digest: digestOf(bytes), size: bytes.length });
const manifests = [
  ...images,
  indexOf(images.map(childOf)),
  indexOf([...images.slice(2).map(childOf), never(0), never(0)]),
  indexOf(times(700, never)),
  imageOf(["layer 0"], { subject: childOf(images[1] as Uint8Array) }),
];

async function storm(fixtures: readonly Fixture[], rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    await Promise.all(
      manifests.flatMap((bytes, i) =>
        times(6, async (n) => {
          const { registry } = fixtures[(i + n) % fixtures.length] as Fixture;
          const reference = digestOf(bytes, (i + round) % 3 === 0 ? "sha512" : "sha256");
          // Each manifest is pushed and deleted three times in every round, in whatever order.
          if (n % 2 === 0) await registry.oci.pushManifest(caller, { repository, reference, bytes, tags: [`t${i}`] });
          else {
            const code = await codeOf(registry.oci.deleteManifest(caller, { repository, digest: reference }));
            expect([undefined, "manifest_not_found"]).toContain(code);
          }
        }),
      ),
    );
    await check(fixtures[0] as Fixture);
  }
}

async function check({ registry, database: { read } }: Fixture): Promise<void> {
  const rows = await read.selectFrom("oci_references").select(["manifest", "digest", "kind"]).execute();
  const left = await read.selectFrom("oci_manifests").select("digest").execute();
  const meant = left.flatMap(({ digest }) => {
    const bytes = manifests.find((one) => [digestOf(one), digestOf(one, "sha512")].includes(digest)) as Uint8Array;
    return readOciManifest(bytes).references.map((reference) => `${digest} ${reference.digest} ${reference.kind}`);
  });
  const seen = rows.map(({ manifest, digest, kind }) => `${manifest} ${digest} ${kind}`);
  expect(seen.sort()).toEqual(meant.sort());
  expect((await registry.checkReplay(caller)).differing).toEqual([]);
}

forEachDatabase((_, open, target) => {
  test("in one process", async () => {
    const fixture = await openFixture({ database: await open() });
    for (const layer of ["{}", ...layers]) await pushText(fixture.registry, repository, layer);
    await storm([fixture], 3);
    const live = await digestViews(fixture.database.read, hasher);
    await fixture.registry.replay(caller, { holder: "test" });
    expect(await digestViews(fixture.database.read, hasher)).toEqual(live);
  }, 600_000);

  test("in two, on one database, while a third checks", async () => {
    const storage = createMemoryStorage();
    const where = await target();
    const fixtures: Fixture[] = [];
    for (let i = 0; i < 3; i++) fixtures.push(await openFixture({ database: await openTarget(where), storage }));
    const [one, two, third] = fixtures as [Fixture, Fixture, Fixture];
    for (const layer of ["{}", ...layers]) await pushText(one.registry, repository, layer);
    let over = false;
    const checking = (async () => {
      const differing: string[] = [];
      while (!over) differing.push(...(await third.registry.checkReplay(caller)).differing);
      return differing;
    })();
    try {
      await storm([one, two], 2);
    } finally {
      over = true;
    }
    expect(await checking).toEqual([]);
  }, 600_000);
});
