/** Repositories for those who look after them: what is in one, when it was pulled last, and its end. */
import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { digestOf, imageOf, pushImage, pushText } from "../../support/oci_images.ts";
import { forEachDatabase } from "../../support/postgres.ts";
import {
  caller,
  closeFixtures,
  codeOf,
  openFixture,
  settableClock,
  source,
  wholeLog,
} from "../../support/registry_fixture.ts";

setDefaultTimeout(120_000);
afterEach(closeFixtures);

const repository = "team/image";
const HOUR = 60 * 60 * 1000;
const iso = (time: number) => new Date(time).toISOString();
const times = <T>(n: number, make: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => make(i));

forEachDatabase((_, open) => {
  const scene = async () => {
    const clock = settableClock(Date.UTC(2026, 10, 21, 12));
    const database = await open();
    const fixture = await openFixture({ database, clock });
    const { registry } = fixture;
    const { oci } = registry;
    const show = (name = repository) => oci.showRepository(caller, { repository: name });
    const drop = (name = repository) => oci.deleteRepository(caller, { repository: name, reason: "test" });
    const rows = async () =>
      await Promise.all(
        (["oci_blobs", "oci_manifests", "oci_references", "oci_tags"] as const).map(
          async (table) => (await fixture.database.read.selectFrom(table).select("repository_id").execute()).length,
        ),
      );
    const ok = async () => expect((await registry.checkReplay(caller)).differing).toEqual([]);
    return { ...fixture, clock, oci, show, drop, rows, ok };
  };

  test("a repository is shown with what is in it, a blob of two digests once", async () => {
    const { registry, oci, show, clock } = await scene();
    await pushText(registry, repository, "{}");
    await oci.pushBlob(caller, { repository, digest: digestOf("layer", "sha512"), source: source("layer") });
    const start = clock.time;
    clock.time += 5000;
    const bytes = imageOf(["layer"]);
    await oci.pushManifest(caller, { repository, reference: "a", bytes, tags: ["b"] });
    const shown = await show();
    expect(shown).toEqual({
      ...{ repository_id: shown.repository_id, name: repository, created_at: iso(start), created_by: "local:tester" },
      ...{ tags: 2, manifests: 1, blobs: 2, bytes: 7 + bytes.length, last_push: iso(start + 5000), last_pull: null },
      pull_tracking_since: expect.stringMatching(/^\d{4}-.*Z$/),
    });
    await oci.deleteBlob(caller, { repository, digest: digestOf("layer") });
    await oci.deleteManifest(caller, { repository, digest: digestOf(bytes) });
    expect(await show()).toMatchObject({ tags: 0, manifests: 0, blobs: 1, bytes: 2, last_push: iso(start) });
    expect(await codeOf(show("nobody"))).toBe("repository_not_found");
    expect(await codeOf(show("No"))).toBe("invalid_name");
  });

  test("repositories are found by the beginning of their names, page by page", async () => {
    const { registry, oci } = await scene();
    const names = ["a", "a/b", "a/b/c", "ab", "b", "b/a"];
    for (const name of names.toReversed()) await pushText(registry, name, "content");
    const pages = async (input: { prefix?: string; limit?: number }) => {
      const seen: string[] = [];
      for (let cursor: string | undefined; ; ) {
        const page = await oci.browseRepositories(caller, { ...input, ...(cursor !== undefined && { cursor }) });
        seen.push(...page.items.map(({ name }) => name));
        cursor = page.cursor;
        if (cursor === undefined) return seen;
        expect(page.items).toHaveLength(input.limit ?? 100);
      }
    };
    for (const limit of [1, 2, 3, 6, 7]) {
      expect(await pages({ limit })).toEqual(names);
      expect(await pages({ limit, prefix: "a" })).toEqual(["a", "a/b", "a/b/c", "ab"]);
      expect(await pages({ limit, prefix: "a/" })).toEqual(["a/b", "a/b/c"]);
    }
    expect(await pages({ prefix: "c" })).toEqual([]);
    expect(await pages({ prefix: "%" })).toEqual([]);
    const [first] = (await oci.browseRepositories(caller, { limit: 1 })).items;
    expect(Object.keys(first ?? {}).sort()).toEqual(["created_at", "created_by", "name", "repository_id"]);
    for (const bad of [{ limit: 0 }, { limit: 1001 }, { prefix: "a\0" }, { prefix: "a".repeat(301) }]) {
      expect(await codeOf(oci.browseRepositories(caller, bad))).toBe("invalid_argument");
    }
  });

  test("a repository that is deleted leaves its events and histories, and its name", async () => {
    const { registry, oci, show, drop, rows, ok } = await scene();
    await pushImage(registry, repository, ["one"], "latest");
    await pushImage(registry, "other", ["one"], "latest");
    const before = await rows();
    const { repository_id } = await show();
    const counts = { repository_id, name: repository, tags: 1, manifests: 1, blobs: 2 };
    const head = await registry.ledger.head();
    expect(await oci.deleteRepository(caller, { repository, dryRun: true })).toEqual({ ...counts, deleted: false });
    for (const reason of ["", "x".repeat(2001)]) {
      expect(await codeOf(oci.deleteRepository(caller, { repository, reason }))).toBe("invalid_argument");
    }
    expect(await registry.ledger.head()).toEqual(head);
    expect(await drop()).toEqual({ ...counts, deleted: true });
    expect(await rows()).toEqual(before.map((count) => count / 2));
    for (const call of [
      () => drop(),
      () => oci.deleteRepository(caller, { repository, dryRun: true }),
      () => show(),
      () => oci.getManifest(caller, { repository, reference: "latest" }),
      () => oci.findBlob(caller, { repository, digest: digestOf("one") }),
      () => oci.listTags(caller, { repository }),
    ]) {
      expect(await codeOf(call())).toBe("repository_not_found");
    }
    expect(await oci.listRepositories(caller)).toEqual({ repositories: ["other"], more: false });
    await ok();
    await pushImage(registry, repository, ["two"], "latest");
    expect((await show()).repository_id).not.toBe(repository_id);
    await ok();
  });

  test("deleting goes in steps, and in one transaction with its event", async () => {
    const { registry, oci, drop, rows, ok } = await scene();
    const { manifest, bytes } = await pushImage(registry, repository, [], "latest");
    for (let at = 0; at < 1100; at += 100) {
      await oci.pushManifest(caller, { repository, reference: manifest, bytes, tags: times(100, (i) => `t${at + i}`) });
    }
    expect(await drop()).toMatchObject({ tags: 1101 });
    expect(await rows()).toEqual([0, 0, 0, 0]);
    await ok();
  });

  test("a push that meets the deletion comes before it or begins the repository anew, whole either way", async () => {
    const { registry, database, oci, drop, ok } = await scene();
    await pushImage(registry, repository, ["layer"], "latest");
    for (let round = 0; round < 5; round++) {
      const results = await Promise.all([
        drop().catch(() => undefined),
        ...times(4, (i) => pushText(registry, repository, `content ${i}`)),
        pushImage(registry, repository, ["layer"], `r${round}`).catch(() => undefined),
        oci.mountBlob(caller, { repository: "mounted", digest: digestOf("content 0"), from: repository }),
        drop().catch(() => undefined),
      ]);
      expect(results).toHaveLength(8);
    }
    const living = new Set(
      (await database.read.selectFrom("oci_repositories").selectAll().execute()).map((r) => r.repository_id),
    );
    for (const table of ["oci_blobs", "oci_manifests", "oci_references", "oci_tags"] as const) {
      const rows = await database.read.selectFrom(table).select("repository_id").execute();
      expect(rows.filter((row) => !living.has(row.repository_id))).toEqual([]);
    }
    // What was said to have gone is what had come.
    const counts = new Map<string, number>();
    for (const { type, subject, payload } of await wholeLog(registry)) {
      if (type === "v1.oci.blob_linked") counts.set(subject, (counts.get(subject) ?? 0) + 1);
      if (type !== "v1.oci.repository_deleted") continue;
      const { decodeCbor } = await import("../../../core/mod.ts");
      expect((decodeCbor(payload as Uint8Array) as { blobs: number }).blobs).toBe(counts.get(subject) ?? 0);
    }
    await ok();
  });

  test("a blob is not mounted from a repository that is deleted in the same group", async () => {
    const { registry, oci, drop, ok } = await scene();
    for (let round = 0; round < 5; round++) {
      const { digest } = await pushText(registry, repository, "content");
      await Promise.all([
        drop(),
        ...times(5, (i) => oci.mountBlob(caller, { repository: `m${i}`, digest, from: repository })),
      ]);
      const log = await wholeLog(registry);
      const end = log.findLast(({ type }) => type === "v1.oci.repository_deleted");
      const late = log.filter(({ type, sequence }) => type === "v1.oci.blob_linked" && sequence > (end?.sequence ?? 0));
      expect(late).toEqual([]);
    }
    await ok();
  });

  test("pulls are noted to the hour, and written together", async () => {
    const { registry, oci, show, clock, database, drop } = await scene();
    const { manifest } = await pushImage(registry, repository, ["one"], "latest");
    await pushImage(registry, "other", ["one"], "latest");
    await oci.findManifest(caller, { repository, reference: "latest" });
    await oci.getManifest(caller, { repository, reference: "latest", peek: true });
    expect((await show()).last_pull).toBeNull();
    clock.time += HOUR / 2;
    await oci.getManifest(caller, { repository, reference: "latest" });
    const noon = iso(Date.UTC(2026, 10, 21, 12));
    expect([(await show()).last_pull, (await show("other")).last_pull]).toEqual([noon, null]);
    expect(await database.read.selectFrom("oci_pulls").selectAll().execute()).toEqual([]);
    clock.time += HOUR;
    await oci.getManifest(caller, { repository, reference: manifest });
    expect((await show()).last_pull).toBe(iso(Date.UTC(2026, 10, 21, 13)));
    await drop();
    expect(await database.read.selectFrom("oci_pulls").selectAll().execute()).toEqual([]);
  });
});
