/** Many at once: one repository begins once, one blob is one object, and a tag has one history. */
import { afterEach, expect, test } from "bun:test";
import { createMemoryStorage } from "../../../adapters/storage-memory/mod.ts";
import { digestOf, imageOf, pushImage, pushText } from "../../support/oci_images.ts";
import { forEachDatabase, openTarget } from "../../support/postgres.ts";
import { caller, closeFixtures, codeOf, openFixture, source, text, wholeLog } from "../../support/registry_fixture.ts";
import { walkTag } from "./tag_walk.ts";

afterEach(closeFixtures);

const repository = "team/image";
const times = <T>(n: number, make: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => make(i));

forEachDatabase((_, open) => {
  const scene = async () => {
    const fixture = await openFixture({ database: await open() });
    const { registry } = fixture;
    const events = async (type: string) => (await wholeLog(registry)).filter((event) => event.type === type);
    const ok = async () => expect((await registry.checkReplay(caller)).differing).toEqual([]);
    return { ...fixture, oci: registry.oci, events, ok };
  };

  test("one blob pushed twenty times at once is one object with one link in one repository", async () => {
    const { registry, oci, events, ok } = await scene();
    const digest = digestOf("content");
    await Promise.all([
      ...times(10, () => pushText(registry, repository, "content")),
      ...times(10, async () => {
        const { upload_id: uploadId } = await oci.startUpload(caller, { repository });
        await oci.completeUpload(caller, { repository, uploadId, digest, source: source("content") });
      }),
    ]);
    expect(await events("v1.oci.repository_created")).toHaveLength(1);
    expect(await events("v1.object.stored")).toHaveLength(1);
    expect(await events("v1.oci.blob_linked")).toHaveLength(1);
    await ok();
  });

  test("twenty blobs begin one repository", async () => {
    const { registry, events, ok } = await scene();
    await Promise.all(times(20, (i) => pushText(registry, repository, `content ${i}`)));
    const [created, ...others] = await events("v1.oci.repository_created");
    expect(others).toEqual([]);
    const linked = await events("v1.oci.blob_linked");
    expect(linked).toHaveLength(20);
    expect(new Set(linked.map(({ subject }) => subject))).toEqual(new Set([created?.subject as string]));
    await ok();
  });

  test("eight writers of one tag leave a history in which each move begins where the last one ended", async () => {
    const { registry, database, oci, events, ok } = await scene();
    await pushImage(
      registry,
      repository,
      times(8, (i) => `layer ${i}`),
      "setup",
    );
    await Promise.all(
      times(8, async (i) => {
        for (let round = 0; round < 5; round++) {
          const bytes = imageOf([`layer ${i}`], { annotations: { round: `${round}` } });
          await oci.pushManifest(caller, { repository, reference: "latest", bytes });
          if (i === 0) await oci.deleteTag(caller, { repository, tag: "latest" }).catch(() => undefined);
        }
      }),
    );
    const { changes, broken } = walkTag(await wholeLog(registry), "latest");
    expect(broken).toEqual([]);
    expect(changes.length).toBeGreaterThanOrEqual(40);
    const rows = await database.read
      .selectFrom("oci_tag_history")
      .select(["sequence", "digest"])
      .where("tag", "=", "latest")
      .orderBy("sequence")
      .execute();
    expect(rows).toEqual([...changes]);
    expect(await events("v1.oci.manifest_pushed")).toHaveLength(41);
    await ok();
  });

  test("deleting against pushing: no image that was answered lacks a blob, no deleted manifest keeps a tag", async () => {
    const { registry, database, oci, ok } = await scene();
    const { bytes, manifest } = await pushImage(registry, repository, ["layer"], "a");
    const digest = digestOf("layer");
    for (let round = 0; round < 5; round++) {
      await Promise.all([
        codeOf(oci.deleteBlob(caller, { repository, digest })),
        codeOf(oci.pushManifest(caller, { repository, reference: "a", bytes })),
        codeOf(oci.deleteManifest(caller, { repository, digest: manifest })),
        codeOf(oci.pushManifest(caller, { repository, reference: manifest, bytes, tags: ["b", "c"] })),
        pushText(registry, repository, "layer"),
        codeOf(oci.deleteTag(caller, { repository, tag: "b" })),
      ]);
      const dangling = await database.read
        .selectFrom("oci_tags as t")
        .leftJoin("oci_manifests as m", (join) =>
          join.onRef("m.repository_id", "=", "t.repository_id").onRef("m.digest", "=", "t.digest"),
        )
        .select("t.tag")
        .where("m.digest", "is", null)
        .execute();
      expect(dangling).toEqual([]);
    }
    await ok();
  });
});

forEachDatabase((_, _open, target) => {
  test("two processes that begin the same repository begin it once", async () => {
    const storage = createMemoryStorage();
    const where = await target();
    const first = await openFixture({ database: await openTarget(where), storage });
    const second = await openFixture({ database: await openTarget(where), storage });
    await Promise.all(times(20, (i) => pushText((i % 2 === 0 ? first : second).registry, repository, `content ${i}`)));
    const log = await wholeLog(first.registry);
    expect(log.filter(({ type }) => type === "v1.oci.repository_created")).toHaveLength(1);
    expect(log.filter(({ type }) => type === "v1.oci.blob_linked")).toHaveLength(20);
    expect((await second.registry.checkReplay(caller)).differing).toEqual([]);
    const blob = await first.registry.oci.findBlob(caller, { repository, digest: digestOf("content 1") });
    expect(blob.size).toBe(text("content 1").length);
  });
});
