/** When manifests were last pulled: what is written of it, what is forgotten, and how much waits in memory. */
import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { createPulls } from "../../../core/oci/pulls.ts";
import { digestOf, imageOf, pushImage, pushText } from "../../support/oci_images.ts";
import { forEachDatabase } from "../../support/postgres.ts";
import { caller, closeFixtures, openFixture, settableClock } from "../../support/registry_fixture.ts";

setDefaultTimeout(120_000);
afterEach(closeFixtures);

const repository = "team/image";
const HOUR = 60 * 60 * 1000;
const [NOON, ONE, THREE] = [12, 13, 15].map((hour) => new Date(Date.UTC(2026, 10, 21, hour)).toISOString()) as [
  string,
  string,
  string,
];

forEachDatabase((_, open) => {
  const scene = async () => {
    const clock = settableClock(Date.UTC(2026, 10, 21, 12));
    const fixture = await openFixture({ database: await open(), clock });
    const { database, registry } = fixture;
    const { oci } = registry;
    const stored = async () =>
      await database.read.selectFrom("oci_pulls").select(["digest", "pulled_at"]).orderBy("digest").execute();
    const digests = async () => (await stored()).map(({ digest }) => digest);
    /** Rows as a push makes them, of manifests that nobody pulls. */
    const manifests = async (repositoryId: string, names: readonly string[]) => {
      const other = { media_type: "", size: 1, artifact_type: null, subject: null, annotations: null };
      const rest = { ...other, pushed_at: "", pushed_by: "", sequence: 1 };
      const values = names.map((digest) => ({ repository_id: repositoryId, digest, ...rest }));
      await database.write((trx) => trx.insertInto("oci_manifests").values(values).execute());
    };
    /** The database whose writes the test holds up or lets fail. */
    const behind = (write: typeof database.write): typeof database => Object.assign(Object.create(database), { write });
    return { ...fixture, clock, oci, stored, digests, manifests, behind };
  };

  test("what is noted is written at the latest when the registry closes, also what could not be before; the later pull wins", async () => {
    const { database, clock, stored, digests, manifests, behind } = await scene();
    await manifests("r", ["a", "b", "c"]);
    const [early, late] = [createPulls({ database, clock }), createPulls({ database, clock })];
    early.note("r", "a");
    early.note("r", "b");
    clock.time += 3 * HOUR;
    late.note("r", "a");
    late.note("r", "a");
    expect(await early.lastOf("r")).toBe(NOON);
    await late.close();
    await early.close();
    expect(await stored()).toEqual([
      { digest: "a", pulled_at: THREE },
      { digest: "b", pulled_at: NOON },
    ]);
    let full = true;
    const unlucky = createPulls({
      database: behind((work, options) => (full ? Promise.reject(new Error("full")) : database.write(work, options))),
      clock,
    });
    unlucky.note("r", "c");
    await unlucky.flush();
    full = false;
    await unlucky.close();
    expect(await digests()).toEqual(["a", "b", "c"]);
  });

  test("as many are written as there are", async () => {
    const { database, clock, stored, manifests } = await scene();
    const names = Array.from({ length: 1200 }, (_, i) => `${i}`);
    for (const id of ["r0", "r1", "r2"])
      await manifests(
        id,
        names.filter((name) => `r${Number(name) % 3}` === id),
      );
    const pulls = createPulls({ database, clock });
    for (const name of names) pulls.note(`r${Number(name) % 3}`, name);
    await pulls.close();
    expect(await stored()).toHaveLength(1200);
  });

  test("what was pulled in this hour is forgotten before it takes too much memory", async () => {
    const { database, clock, digests, manifests } = await scene();
    await manifests("r", ["a", "b", "c", "d"]);
    const pulls = createPulls({ database, clock }, { waiting: 100, seen: 3 });
    const empty = () => database.write((trx) => trx.deleteFrom("oci_pulls").execute());
    for (const name of ["a", "b", "c", "a"]) pulls.note("r", name);
    await pulls.flush();
    await empty();
    // Known still: three are.
    for (const name of ["a", "b", "c"]) pulls.note("r", name);
    await pulls.flush();
    expect(await digests()).toEqual([]);
    for (const name of ["d", "a", "d"]) pulls.note("r", name);
    await pulls.close();
    expect(await digests()).toEqual(["a", "d"]);
  });

  test("while a write is slow, one more waits, and not more than the limit", async () => {
    const { database, clock, digests, manifests, behind } = await scene();
    const names = [..."abcdefghijkl"];
    await manifests("r", names);
    let writes = 0;
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    const slow = behind(async (work, options) => {
      writes++;
      await released;
      return await database.write(work, options);
    });
    const pulls = createPulls({ database: slow, clock }, { waiting: 5, seen: 100 });
    const flushes: Promise<void>[] = [];
    for (const name of names) {
      pulls.note("r", name);
      // The first five go; five wait; what is more is not noted.
      if (name === "e") await Promise.resolve();
      flushes.push(pulls.flush());
    }
    release();
    await Promise.all(flushes);
    expect([await digests(), writes]).toEqual([names.slice(0, 10), 2]);
    // There is room again: what was not noted is, at the next pull.
    for (const name of names) pulls.note("r", name);
    await pulls.close();
    expect(await digests()).toEqual(names);
  });

  test("a manifest that is deleted takes its pulls along, here and in what others have not written yet", async () => {
    const { database, registry, oci, clock, stored } = await scene();
    const { manifest: old } = await pushImage(registry, repository, ["one"], "old");
    const { manifest: kept } = await pushImage(registry, repository, ["two"], "kept");
    const { repository_id: id } = await oci.showRepository(caller, { repository });
    const lastPull = async () => (await oci.showRepository(caller, { repository })).last_pull;
    await oci.getManifest(caller, { repository, reference: "kept" });
    const other = createPulls({ database, clock });
    other.note(id, kept);
    await other.flush();
    clock.time += HOUR;
    await oci.getManifest(caller, { repository, reference: "old" });
    other.note(id, old);
    expect(await lastPull()).toBe(ONE);
    await oci.deleteManifest(caller, { repository, digest: old });
    expect(await lastPull()).toBe(NOON);
    await other.flush();
    expect(await stored()).toEqual([{ digest: kept, pulled_at: NOON }]);
    // A row that came in between the two counts for nothing.
    await database.write((trx) =>
      trx.insertInto("oci_pulls").values({ repository_id: id, digest: old, pulled_at: ONE }).execute(),
    );
    expect(await lastPull()).toBe(NOON);
    // Pushed again and pulled in the same hour, it is noted again.
    await database.write((trx) => trx.deleteFrom("oci_pulls").where("digest", "=", old).execute());
    await pushText(registry, repository, "one");
    await oci.pushManifest(caller, { repository, reference: digestOf(imageOf(["one"])), bytes: imageOf(["one"]) });
    await oci.getManifest(caller, { repository, reference: old });
    expect(await lastPull()).toBe(ONE);
    await other.close();
  });
});
