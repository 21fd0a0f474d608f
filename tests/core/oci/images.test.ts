/** The life of an image: pushed, tagged, moved, pulled, deleted. */
import { afterEach, describe, expect, test } from "bun:test";
import { decodeCbor } from "../../../core/mod.ts";
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
import {
  caller,
  closeFixtures,
  codeOf,
  failureOf,
  openFixture,
  text,
  wholeLog,
} from "../../support/registry_fixture.ts";

afterEach(closeFixtures);

const repository = "team/image";

forEachDatabase((_, open) => {
  const scene = async (parts: { sparseIndexes?: boolean; sparseImages?: boolean } = {}) => {
    const fixture = await openFixture({ database: await open(), ...parts });
    const { registry } = fixture;
    const { oci } = registry;
    const types = async () => (await wholeLog(registry)).map(({ type }) => type).filter((t) => t.startsWith("v1.oci."));
    const get = (reference: string) => oci.getManifest(caller, { repository, reference });
    const tags = async () => (await oci.listTags(caller, { repository })).tags;
    const ok = async () => expect((await registry.checkReplay(caller)).differing).toEqual([]);
    return { ...fixture, oci, types, get, tags, ok };
  };

  describe("an image", () => {
    test("is pulled by tag and by digest with the bytes that were pushed", async () => {
      const { registry, get, types, ok } = await scene();
      const { manifest, bytes, pushed } = await pushImage(registry, repository, ["one", "two"], "latest");
      expect(pushed).toEqual({ digest: manifest, subject: null, tags: ["latest"] });
      for (const reference of ["latest", manifest]) {
        const { bytes: pulled, ...facts } = await get(reference);
        expect(facts).toEqual({ digest: manifest, media_type: IMAGE, size: bytes.length });
        expect(pulled).toEqual(bytes);
      }
      expect(await types()).toEqual([
        "v1.oci.repository_created",
        "v1.oci.blob_linked",
        "v1.oci.blob_linked",
        "v1.oci.blob_linked",
        "v1.oci.manifest_pushed",
        "v1.oci.tag_moved",
      ]);
      await ok();
    });

    test("that is pushed again as it is changes nothing", async () => {
      const { registry, oci } = await scene();
      const { bytes } = await pushImage(registry, repository, ["one"], "latest");
      const head = await registry.ledger.head();
      await pushImage(registry, repository, ["one"], "latest");
      const digest = digestOf(bytes);
      expect(await oci.pushManifest(caller, { repository, reference: digest, bytes, tags: ["latest"] })).toEqual({
        digest,
        subject: null,
        tags: ["latest"],
      });
      expect(await registry.ledger.head()).toEqual(head);
    });

    test("takes a tag over, and the log says from what", async () => {
      const { registry, database, get, tags, ok } = await scene();
      const first = await pushImage(registry, repository, ["one"], "latest");
      const second = await pushImage(registry, repository, ["two"], "latest");
      expect((await get("latest")).digest).toBe(second.manifest);
      expect((await get(first.manifest)).digest).toBe(first.manifest);
      expect(await tags()).toEqual(["latest"]);
      const moves = (await wholeLog(registry)).filter(({ type }) => type === "v1.oci.tag_moved");
      expect(moves.map(({ payload }) => (decodeCbor(payload as Uint8Array) as { previous: unknown }).previous)).toEqual(
        [null, first.manifest],
      );
      const history = await database.read
        .selectFrom("oci_tag_history")
        .select(["tag", "digest"])
        .orderBy("sequence")
        .execute();
      expect(history).toEqual([
        { tag: "latest", digest: first.manifest },
        { tag: "latest", digest: second.manifest },
      ]);
      await ok();
    });

    test("is refused without its blobs, which are named; layers that live elsewhere are not needed", async () => {
      const { registry, oci } = await scene();
      await pushText(registry, repository, "{}");
      const bytes = imageOf(["one", "two"]);
      const refusal = await failureOf(oci.pushManifest(caller, { repository, reference: "latest", bytes }));
      expect(refusal?.code).toBe("manifest_blob_unknown");
      expect(refusal?.data).toEqual({ missing: [digestOf("one"), digestOf("two")], count: 2 });
      // A blob of another repository is none of this one.
      await pushText(registry, "team/other", "one");
      await pushText(registry, "team/other", "two");
      expect(await codeOf(oci.pushManifest(caller, { repository, reference: "latest", bytes }))).toBe(
        "manifest_blob_unknown",
      );
      const foreign = imageOf([], {
        layers: [descriptor("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", "elsewhere")],
      });
      expect((await oci.pushManifest(caller, { repository, reference: "latest", bytes: foreign })).tags).toEqual([
        "latest",
      ]);
    });

    test("of another Content-Type than it was pushed with is refused: the digest does not cover it", async () => {
      const { registry, oci } = await scene();
      await pushText(registry, repository, "{}");
      const bytes = text(JSON.stringify({ schemaVersion: 2, config: descriptor(CONFIG, "{}"), layers: [] }));
      const push = (mediaType: string) => oci.pushManifest(caller, { repository, reference: "a", bytes, mediaType });
      await push(IMAGE);
      const other = "application/vnd.docker.distribution.manifest.v2+json";
      expect(await codeOf(push(other))).toBe("invalid_manifest");
    });

    test("is refused under a digest that it does not have, a malformed digest, a malformed tag", async () => {
      const { registry, oci } = await scene();
      await pushText(registry, repository, "{}");
      const head = await registry.ledger.head();
      const bytes = imageOf([]);
      const push = (reference: string, tags: string[] = []) =>
        codeOf(oci.pushManifest(caller, { repository, reference, bytes, tags }));
      expect(await push(digestOf("other"))).toBe("digest_mismatch");
      for (const bad of ["sha256:bad", "sha256:", ":", `md5:${"0".repeat(32)}`, `blake3:${"0".repeat(64)}`, "a:b"]) {
        expect(await push(bad)).toBe("invalid_digest");
        expect(await codeOf(oci.getManifest(caller, { repository, reference: bad }))).toBe("invalid_digest");
      }
      for (const bad of ["", ".a", "a/b", "a b", "a".repeat(129), "é"]) {
        expect(await push(bad)).toBe("invalid_tag");
        expect(await push(digestOf(bytes), ["good", bad])).toBe("invalid_tag");
      }
      const many = Array.from({ length: 101 }, (_, i) => `t${i}`);
      expect(
        (await failureOf(oci.pushManifest(caller, { repository, reference: "a", bytes, tags: many })))?.data,
      ).toEqual({ limit: 100, tags: 102 });
      expect(await registry.ledger.head()).toEqual(head);
    });

    test("is known by the digest that it was pushed under, sha512 too, and its tags answer with that", async () => {
      const { registry, oci, get } = await scene();
      await pushText(registry, repository, "{}");
      const bytes = imageOf([]);
      const digest = digestOf(bytes, "sha512");
      const tags = Array.from({ length: 12 }, (_, i) => `t${i}`);
      expect((await oci.pushManifest(caller, { repository, reference: digest, bytes, tags })).tags).toEqual(tags);
      expect((await get("t7")).digest).toBe(digest);
      expect((await get(digest)).bytes).toEqual(bytes);
      expect(await codeOf(get(digestOf(bytes)))).toBe("manifest_not_found");
    });

    test("can be overwritten in memory by whoever pushed it: the log has a copy", async () => {
      const { registry, oci, get } = await scene();
      await pushText(registry, repository, "{}");
      const bytes = imageOf([]);
      const copy = bytes.slice();
      const pushing = oci.pushManifest(caller, { repository, reference: "latest", bytes });
      bytes.fill(0);
      await pushing;
      expect((await get("latest")).bytes).toEqual(copy);
    });
  });

  describe("an index", () => {
    test("may be empty, nested, and name manifests that are not there", async () => {
      const { registry, oci, ok } = await scene();
      const { manifest, bytes } = await pushImage(registry, repository, [], "image");
      const here = { mediaType: IMAGE, digest: manifest, size: bytes.length };
      const inner = indexOf([here, descriptor(IMAGE, "not here")]);
      const outer = indexOf([{ mediaType: INDEX, digest: digestOf(inner), size: inner.length }]);
      for (const [reference, index] of [
        ["empty", indexOf([])],
        ["inner", inner],
        ["outer", outer],
      ] as const) {
        await oci.pushManifest(caller, { repository, reference, bytes: index });
        expect((await oci.getManifest(caller, { repository, reference })).bytes).toEqual(index);
      }
      await ok();
    });

    test("is refused without its manifests where sparse indexes are switched off", async () => {
      const { registry, oci } = await scene({ sparseIndexes: false });
      const { manifest, bytes } = await pushImage(registry, repository, [], "image");
      const here = { mediaType: IMAGE, digest: manifest, size: bytes.length };
      const sparse = indexOf([here, descriptor(IMAGE, "not here")]);
      const refusal = await failureOf(oci.pushManifest(caller, { repository, reference: "a", bytes: sparse }));
      expect([refusal?.code, refusal?.data.missing]).toEqual(["manifest_blob_unknown", [digestOf("not here")]]);
      await oci.pushManifest(caller, { repository, reference: "a", bytes: indexOf([here]) });
    });
  });

  test("an image comes before its blobs where sparse images are switched on", async () => {
    const image = text(JSON.stringify({ schemaVersion: 2, config: descriptor(IMAGE, "config"), layers: [] }));
    const input = { repository, reference: "a", mediaType: IMAGE, bytes: image };
    const strict = await scene();
    expect(await codeOf(strict.oci.pushManifest(caller, input))).toBe("manifest_blob_unknown");
    const { oci, get, ok } = await scene({ sparseImages: true });
    await oci.pushManifest(caller, input);
    expect((await get("a")).bytes).toEqual(image);
    const blob = oci.findBlob(caller, { repository, digest: digestOf("config") });
    expect(await codeOf(blob)).toBe("blob_not_found");
    await ok();
  });

  describe("deleting", () => {
    test("a tag leaves the manifest; twice is not found", async () => {
      const { registry, oci, get, tags, ok } = await scene();
      const { manifest } = await pushImage(registry, repository, [], "latest");
      await oci.deleteTag(caller, { repository, tag: "latest" });
      expect(await codeOf(get("latest"))).toBe("manifest_not_found");
      expect((await get(manifest)).digest).toBe(manifest);
      expect(await tags()).toEqual([]);
      expect(await codeOf(oci.deleteTag(caller, { repository, tag: "latest" }))).toBe("manifest_not_found");
      await ok();
    });

    test("a manifest deletes every tag that points at it, and the event names them", async () => {
      const { registry, oci, get, tags, ok } = await scene();
      const { manifest, bytes } = await pushImage(registry, repository, ["one"], "a");
      await oci.pushManifest(caller, { repository, reference: manifest, bytes, tags: ["c", "b"] });
      await pushImage(registry, repository, ["two"], "d");
      // Of those that it had, one has moved away and one has come back.
      await pushImage(registry, repository, ["two"], "b");
      await pushImage(registry, repository, ["two"], "a");
      await pushImage(registry, repository, ["one"], "a");
      expect(await oci.deleteManifest(caller, { repository, digest: manifest })).toEqual({ tags: ["a", "c"] });
      for (const reference of ["a", "c", manifest]) expect(await codeOf(get(reference))).toBe("manifest_not_found");
      expect(await tags()).toEqual(["b", "d"]);
      expect(await codeOf(oci.deleteManifest(caller, { repository, digest: manifest }))).toBe("manifest_not_found");
      await ok();
      // And back again.
      await oci.pushManifest(caller, { repository, reference: "a", bytes });
      expect((await get("a")).digest).toBe(manifest);
      await ok();
    });
  });

  test("what is not there is said: repository, manifest, blob", async () => {
    const { registry, oci, get } = await scene();
    const digest = digestOf("nothing");
    expect(await codeOf(get("latest"))).toBe("repository_not_found");
    expect(await codeOf(oci.listTags(caller, { repository }))).toBe("repository_not_found");
    expect(await codeOf(oci.findBlob(caller, { repository, digest }))).toBe("repository_not_found");
    await pushText(registry, repository, "{}");
    expect(await codeOf(get("latest"))).toBe("manifest_not_found");
    expect(await codeOf(get(digest))).toBe("manifest_not_found");
    expect(await codeOf(oci.findBlob(caller, { repository, digest }))).toBe("blob_not_found");
    expect(await oci.listTags(caller, { repository })).toEqual({ name: repository, tags: [], more: false });
    for (const bad of ["", "A", "a//b", "/a", "a/", "a..b", "a".repeat(256), "../a", "a_-b"]) {
      expect(await codeOf(oci.getManifest(caller, { repository: bad, reference: "a" }))).toBe("invalid_name");
      expect(await codeOf(oci.startUpload(caller, { repository: bad }))).toBe("invalid_name");
    }
  });
});
