/** Tags, the catalog and referrers: order, pages, filters. */
import { afterEach, describe, expect, test } from "bun:test";
import {
  CONFIG,
  descriptor,
  digestOf,
  IMAGE,
  INDEX,
  imageOf,
  indexOf,
  pushImage,
  pushText,
} from "../../support/oci_images.ts";
import { forEachDatabase } from "../../support/postgres.ts";
import { caller, closeFixtures, codeOf, openFixture, text } from "../../support/registry_fixture.ts";

afterEach(closeFixtures);

const repository = "team/image";

forEachDatabase((_, open) => {
  const scene = async () => {
    const fixture = await openFixture({ database: await open() });
    const { registry } = fixture;
    const { oci } = registry;
    const push = async (bytes: Uint8Array, reference = digestOf(bytes)) =>
      (await oci.pushManifest(caller, { repository, reference, bytes })).digest;
    return { ...fixture, oci, push };
  };

  describe("tags", () => {
    const names = ["0", "A", "Z", "_", "a", "a-b", "a.b", "a_b", "b", "v1", "v10", "v2"];

    test("come in byte order, page by page, each once", async () => {
      const { registry, oci } = await scene();
      const { manifest, bytes } = await pushImage(registry, repository, [], "v1");
      await oci.pushManifest(caller, { repository, reference: manifest, bytes, tags: names.toReversed() });
      expect(await oci.listTags(caller, { repository })).toEqual({ name: repository, tags: names, more: false });
      for (const limit of [1, 5, 6, 11, 12, 13]) {
        const seen: string[] = [];
        for (let last: string | undefined; ; ) {
          const page = await oci.listTags(caller, { repository, limit, ...(last !== undefined && { last }) });
          seen.push(...page.tags);
          expect(page.tags.length).toBeLessThanOrEqual(limit);
          if (!page.more) break;
          last = page.tags.at(-1) as string;
        }
        expect(seen).toEqual(names);
      }
    });

    test("go on after a tag that is not there, and zero of them are none", async () => {
      const { registry, oci } = await scene();
      const { manifest, bytes } = await pushImage(registry, repository, [], "b");
      await oci.pushManifest(caller, { repository, reference: manifest, bytes, tags: ["a", "c"] });
      const list = async (input: { limit?: number; last?: string }) => {
        const { tags, more } = await oci.listTags(caller, { repository, ...input });
        return [tags.join(), more];
      };
      expect(await list({ last: "aa" })).toEqual(["b,c", false]);
      expect(await list({ last: "aa", limit: 1 })).toEqual(["b", true]);
      expect(await list({ last: "c" })).toEqual(["", false]);
      expect(await list({ last: "é" })).toEqual(["", false]);
      expect(await list({ limit: 0 })).toEqual(["", false]);
      for (const bad of [{ limit: -1 }, { limit: 1.5 }, { limit: 1001 }, { last: "a\0" }, { last: "a".repeat(301) }]) {
        expect(await codeOf(oci.listTags(caller, { repository, ...bad }))).toBe("invalid_argument");
      }
    });
  });

  test("the catalog has every repository with content, in byte order", async () => {
    const { registry, oci } = await scene();
    const names = ["a", "a-b", "a.b", "a/b", "a0", "a_b", "b/blobs", "b/manifests/x", "b/tags/list", "z"];
    for (const name of names.toReversed()) await pushText(registry, name, "content");
    await oci.startUpload(caller, { repository: "c" });
    expect(await oci.listRepositories(caller)).toEqual({ repositories: names, more: false });
    const first = await oci.listRepositories(caller, { limit: 4 });
    expect(first).toEqual({ repositories: names.slice(0, 4), more: true });
    const last = first.repositories.at(-1) as string;
    expect(await oci.listRepositories(caller, { last, limit: 6 })).toEqual({
      repositories: names.slice(4),
      more: false,
    });
    expect(await oci.listRepositories(caller, { limit: 0 })).toEqual({ repositories: [], more: false });
  });

  test("lists read their page and sort nothing, however much there is", async () => {
    const { database } = await scene();
    if (database.kind !== "sqlite") return;
    const { sql } = await import("kysely");
    const plan = async (query: ReturnType<typeof sql>) =>
      (await sql<{ detail: string }>`explain query plan ${query}`.execute(database.read)).rows
        .map((r) => r.detail)
        .join("\n");
    const plans = [
      await plan(sql`select t.tag from oci_repositories as r inner join oci_tags as t on t.repository_id = r.repository_id
        where r.tenant = 'x' and r.name = 'y' and t.tag > 'z' order by t.tag limit 1`),
      await plan(sql`select name from oci_repositories where tenant = 'x' and name > 'y' order by name limit 1`),
      await plan(sql`select digest, annotations from oci_manifests where repository_id = 'x' and digest > 'y' and subject = 'z'
        order by digest limit 1`),
      await plan(sql`select digest, annotations from oci_manifests where repository_id = 'x' and digest > 'y' and subject = 'z'
        and artifact_type = 'a' order by digest limit 1`),
    ];
    for (const text of plans) {
      expect(text).not.toContain("SCAN");
      expect(text).not.toContain("TEMP B-TREE");
    }
    expect(plans[2]).toContain("oci_manifests_subject");
    expect(plans[3]).toContain("oci_manifests_artifact");
  });

  describe("referrers", () => {
    const subject = descriptor(IMAGE, "an image that may come later");
    const attach = (n: number, more: Record<string, unknown> = {}) =>
      imageOf([], { subject, annotations: { n: `${n}` }, ...more });

    test("are none of a repository that is not there, and of a digest that nobody refers to", async () => {
      const { registry, oci } = await scene();
      const none = { descriptors: [] };
      expect(await oci.listReferrers(caller, { repository, digest: subject.digest })).toEqual(none);
      await pushText(registry, repository, "{}");
      expect(await oci.listReferrers(caller, { repository, digest: subject.digest })).toEqual(none);
      expect(await codeOf(oci.listReferrers(caller, { repository, digest: "sha256:bad" }))).toBe("invalid_digest");
    });

    test("are described: type, size, artifact type, annotations; the subject need not be there", async () => {
      const { registry, oci, push } = await scene();
      await pushText(registry, repository, "{}");
      const image = attach(1);
      const typed = attach(2, { artifactType: "application/sbom" });
      const index = indexOf([], { subject });
      const plain = imageOf([], { annotations: { n: "no referrer" } });
      for (const bytes of [image, typed, index, plain]) await push(bytes);
      expect((await oci.pushManifest(caller, { repository, reference: "t", bytes: image })).subject).toBe(
        subject.digest,
      );
      const expected = [
        {
          mediaType: IMAGE,
          digest: digestOf(image),
          size: image.length,
          artifactType: CONFIG,
          annotations: { n: "1" },
        },
        {
          ...{ mediaType: IMAGE, digest: digestOf(typed), size: typed.length },
          ...{ artifactType: "application/sbom", annotations: { n: "2" } },
        },
        { mediaType: INDEX, digest: digestOf(index), size: index.length },
      ].toSorted((a, b) => (a.digest < b.digest ? -1 : 1));
      const { descriptors } = await oci.listReferrers(caller, { repository, digest: subject.digest });
      expect(descriptors).toEqual(expected as never);
      const filtered = { repository, digest: subject.digest, artifactType: "application/sbom" };
      expect((await oci.listReferrers(caller, filtered)).descriptors.map((d) => d.digest)).toEqual([digestOf(typed)]);
      await oci.deleteManifest(caller, { repository, digest: digestOf(typed) });
      expect((await oci.listReferrers(caller, filtered)).descriptors).toEqual([]);
    });

    test("come in pages, filtered before; also those of the tag that stands in for the list", async () => {
      const { registry, oci, push } = await scene();
      await pushText(registry, repository, "{}");
      const all: string[] = [];
      for (let n = 0; n < 12; n++) all.push(await push(attach(n, n % 3 === 0 ? { artifactType: "a/b" } : {})));
      // Pushed by a client that kept the list itself, and without subject.
      const old = imageOf([], { annotations: { n: "old" } });
      const listed = [old, attach(1)].map((bytes) => ({ ...descriptor(IMAGE, bytes), mediaType: IMAGE }));
      all.push(await push(old));
      await push(indexOf([...listed, descriptor(IMAGE, "not here")]), subject.digest.replace(":", "-"));
      const pages = async (more: { artifactType?: string; limit: number }) => {
        const seen: string[] = [];
        for (let after: string | undefined; ; ) {
          const input = { repository, digest: subject.digest, ...more, ...(after !== undefined && { after }) };
          const { descriptors, next } = await oci.listReferrers(caller, input);
          expect(descriptors.length).toBeLessThanOrEqual(more.limit);
          seen.push(...descriptors.map(({ digest }) => digest));
          if (next === undefined) return seen;
          after = next;
        }
      };
      for (const limit of [1, 4, 13, 1000]) {
        expect(await pages({ limit })).toEqual(all.toSorted());
        expect(await pages({ limit, artifactType: "a/b" })).toEqual(
          [0, 3, 6, 9].map((n) => all[n] as string).toSorted(),
        );
      }
      for (const limit of [0, 1001, Number.NaN]) {
        const input = { repository, digest: subject.digest, limit };
        expect(await codeOf(oci.listReferrers(caller, input))).toBe("invalid_argument");
      }
    });

    test("of a sha512 subject stand under a tag of its first 64 digits", async () => {
      const { registry, oci, push } = await scene();
      await pushText(registry, repository, "{}");
      const { digest } = descriptor(IMAGE, "a subject", "sha512");
      const old = imageOf([]);
      await push(old);
      await push(indexOf([{ ...descriptor(IMAGE, old) }]), `sha512-${digest.slice("sha512:".length, 7 + 64)}`);
      const { descriptors } = await oci.listReferrers(caller, { repository, digest });
      expect(descriptors.map((d) => d.digest)).toEqual([digestOf(old)]);
    });

    test("end a page before it is 4 MiB", async () => {
      const { registry, oci, push } = await scene();
      await pushText(registry, repository, "{}");
      const large = (n: number) => attach(n, { annotations: { n: `${n}`, large: "é\n".repeat(300_000) } });
      const all = [await push(large(1)), await push(large(2)), await push(large(3)), await push(large(4))].toSorted();
      const seen: string[] = [];
      for (let after: string | undefined; ; ) {
        const input = { repository, digest: subject.digest, ...(after !== undefined && { after }) };
        const { descriptors, next } = await oci.listReferrers(caller, input);
        expect(text(JSON.stringify(descriptors)).length).toBeLessThan(4 * 1024 * 1024);
        expect(descriptors.length).toBeGreaterThan(0);
        seen.push(...descriptors.map(({ digest }) => digest));
        if (next === undefined) break;
        after = next;
      }
      expect(seen).toEqual(all);
    });
  });
});
