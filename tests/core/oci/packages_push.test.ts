/** What may come to a package's repository, what may go, and what its blobs may become elsewhere. */
import { afterEach, describe, expect, test } from "bun:test";
import { collect } from "../../../core/mod.ts";
import type { OciDeps } from "../../../core/oci/deps.ts";
import { mountBlob } from "../../../core/oci/mount_blob.ts";
import {
  CONFIG,
  descriptor,
  digestOf,
  IMAGE,
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
  countingIds,
  failureOf,
  ingest,
  newPackage,
  openFixture,
  source,
  text,
  wholeLog,
} from "../../support/registry_fixture.ts";
import { commitRaw, deletePackage } from "../../support/registry_tamper.ts";

afterEach(closeFixtures);

const repository = "packages/default/demo";
const FILES = { "a.txt": "content of a", "b.txt": "content of b" };

forEachDatabase((_, open) => {
  const scene = async ({ sparseImages = false } = {}) => {
    const fixture = await openFixture({ database: await open(), sparseImages });
    const { registry } = fixture;
    const { oci } = registry;
    const { package_id: id } = await newPackage(registry, { name: "demo", version: "1.0" });
    for (const [path, content] of Object.entries(FILES)) await ingest(registry, id, path, content);
    await registry.finalizePackage(caller, id);
    const artifact = await oci.getManifest(caller, { repository, reference: "1.0" });
    const { config } = JSON.parse(new TextDecoder().decode(artifact.bytes)) as { config: { digest: string } };
    const subject = { mediaType: IMAGE, digest: artifact.digest, size: artifact.size };
    /** The bytes of what refers to the package. */
    const referrer = (layers: readonly string[], more: Record<string, unknown> = {}) =>
      imageOf(layers, { subject, artifactType: "application/sbom", ...more });
    const push = (bytes: Uint8Array, more: { reference?: string; tags?: string[] } = {}) =>
      oci.pushManifest(caller, { repository, reference: digestOf(bytes), bytes, ...more });
    const referrers = async () =>
      (await oci.listReferrers(caller, { repository, digest: artifact.digest })).descriptors.map(
        ({ digest }) => digest,
      );
    const read = async (digest: string, from: string) =>
      new TextDecoder().decode(
        await collect((await (await oci.findBlob(caller, { repository: from, digest })).open()).body, 1 << 20),
      );
    const count = async (type: string) => (await wholeLog(registry)).filter((event) => event.type === type).length;
    const ok = async () => expect((await registry.checkReplay(caller)).differing).toEqual([]);
    return { ...fixture, oci, id, artifact, config, referrer, push, referrers, read, count, ok };
  };

  describe("what refers to a package", () => {
    test("is pushed by digest with its blobs, listed, pulled, referred to and deleted", async () => {
      const { registry, oci, artifact, referrer, push, referrers, read, ok } = await scene();
      expect(await referrers()).toEqual([]);
      const sbom = referrer(["an sbom"]);
      for (const blob of ["{}", "an sbom"]) await pushText(registry, repository, blob);
      expect(await push(sbom)).toEqual({ digest: digestOf(sbom), subject: artifact.digest, tags: [] });
      // A signature of the SBOM, and an index.
      const signature = imageOf([], { subject: descriptor(IMAGE, sbom) });
      await push(signature);
      const index = indexOf([], { subject: descriptor(IMAGE, artifact.bytes) });
      await push(index);
      expect(await referrers()).toEqual([digestOf(sbom), digestOf(index)].toSorted());
      const ofSbom = await oci.listReferrers(caller, { repository, digest: digestOf(sbom) });
      expect(ofSbom.descriptors.map(({ digest }) => digest)).toEqual([digestOf(signature)]);
      const pulled = await oci.getManifest(caller, { repository, reference: digestOf(sbom) });
      expect([pulled.media_type, pulled.bytes]).toEqual([IMAGE, sbom]);
      expect(await read(digestOf("an sbom"), repository)).toBe("an sbom");
      // They are no tags, and no second repository.
      expect((await oci.listTags(caller, { repository })).tags).toHaveLength(3);
      expect((await oci.listRepositories(caller)).repositories).toEqual([repository]);

      expect(await oci.deleteManifest(caller, { repository, digest: digestOf(sbom) })).toEqual({ tags: [] });
      await oci.deleteBlob(caller, { repository, digest: digestOf("an sbom") });
      expect(await referrers()).toEqual([digestOf(index)]);
      const gone = { repository, digest: digestOf(sbom) };
      expect(await codeOf(oci.getManifest(caller, { repository, reference: gone.digest }))).toBe("manifest_not_found");
      expect(await codeOf(oci.deleteManifest(caller, gone))).toBe("manifest_not_found");
      expect(await codeOf(oci.findBlob(caller, { repository, digest: digestOf("an sbom") }))).toBe("blob_not_found");
      await ok();
    });

    test("comes in uploads as well", async () => {
      const { oci, referrer, push, read } = await scene();
      const { upload_id: uploadId } = await oci.startUpload(caller, { repository });
      await oci.appendUpload(caller, { repository, uploadId, source: source("{") });
      const digest = digestOf("{}");
      await oci.completeUpload(caller, { repository, uploadId, digest, source: source("}") });
      await push(referrer([]));
      expect(await read(digest, repository)).toBe("{}");
    });

    test("may name the package's own blobs, which a client sees and does not push", async () => {
      const { registry, oci, id, config, referrer, push, referrers, read, count, ok } = await scene();
      await pushText(registry, repository, "{}");
      const stored = await count("v1.object.stored");
      const bytes = referrer(["content of a"]);
      await push(bytes);
      expect([await referrers(), await count("v1.object.stored")]).toEqual([[digestOf(bytes)], stored]);
      const cbor = await registry.getManifestBytes(caller, id, "cbor");
      const naming = referrer([], { config: { mediaType: CONFIG, digest: config.digest, size: cbor.length } });
      await push(naming);
      expect(await codeOf(push(referrer(["nobody has this"])))).toBe("manifest_blob_unknown");
      const strange = {
        mediaType: CONFIG,
        digest: "multihash+base58:QmRZxt2b1FVZPNqd8hsiykDL3TdBDeTSPX9Kv46HmX4Gx8",
        size: 4,
      };
      expect(await codeOf(push(referrer([], { config: strange })))).toBe("manifest_blob_unknown");
      // They are the referrer's now: the package may go.
      await deletePackage(registry, caller, id);
      expect(await read(digestOf("content of a"), repository)).toBe("content of a");
      expect((await oci.findBlob(caller, { repository, digest: config.digest })).size).toBe(cbor.length);
      expect((await oci.listTags(caller, { repository })).tags).toEqual([]);
      await ok();
    });

    test("keeps the package's blobs also where others that it names may be missing", async () => {
      const { registry, id, config, referrer, push, read } = await scene({ sparseImages: true });
      const strange = descriptor(CONFIG, "content of a", "sha512");
      await push(referrer(["nobody has this", "content of a"], { blobs: [strange] }));
      await push(referrer(["content of b"], { config: { mediaType: CONFIG, digest: digestOf("nothing"), size: 7 } }));
      await deletePackage(registry, caller, id);
      for (const content of Object.values(FILES)) expect(await read(digestOf(content), repository)).toBe(content);
      expect(await codeOf(read(config.digest, repository))).toBe("blob_not_found");
    });

    test("takes none of the package's blobs for a push that is refused at the first", async () => {
      const { referrer, push, count } = await scene();
      expect(await codeOf(push(referrer(["nobody has this", "content of a"])))).toBe("manifest_blob_unknown");
      expect(await count("v1.oci.blob_linked")).toBe(0);
    });
  });

  describe("a push of anything else", () => {
    test("is refused, and says what to do", async () => {
      const { registry, oci, referrer, push, ok } = await scene();
      await pushText(registry, repository, "{}");
      const head = await registry.ledger.head();
      const plain = imageOf([]);
      const refused = [push(plain), push(referrer([]), { reference: "2.0" }), push(referrer([]), { tags: ["2.0"] })];
      for (const failure of await Promise.all(refused.map(failureOf))) {
        expect(failure?.code).toBe("access_denied");
        expect(failure?.message).toContain("a manifest with a subject, pushed by its digest");
      }
      expect(await codeOf(push(text("{")))).toBe("invalid_manifest");
      expect(await codeOf(push(referrer([]), { reference: "sha256:bad" }))).toBe("invalid_digest");
      expect(await codeOf(push(referrer([]), { reference: digestOf("other") }))).toBe("digest_mismatch");
      expect(await registry.ledger.head()).toEqual(head);
      for (const name of [
        "packages/default/none",
        "packages/elsewhere/demo",
        "packages/x",
        "packages/default/demo/more",
      ]) {
        let read = 0;
        const counted = (async function* () {
          read++;
          yield text("{}");
        })();
        const at = { repository: name };
        const calls = [
          oci.startUpload(caller, at),
          oci.pushBlob(caller, { ...at, digest: digestOf("{}"), source: counted }),
          oci.mountBlob(caller, { ...at, digest: digestOf("{}"), from: repository }),
          oci.pushManifest(caller, { ...at, reference: digestOf(plain), bytes: plain }),
        ];
        for (const failure of await Promise.all(calls.map(failureOf))) {
          expect(failure?.code).toBe("access_denied");
          expect(failure?.message).toContain("push to another repository");
        }
        expect(read).toBe(0);
      }
      expect(await registry.ledger.head()).toEqual(head);
      await ok();
    });
  });

  describe("what belongs to a package", () => {
    test("is not deleted here, and the refusal says when it goes", async () => {
      const { registry, oci, id, artifact, config, referrer, push, read } = await scene();
      // Also where a referrer brought the same bytes.
      for (const blob of ["{}", "content of a"]) await pushText(registry, repository, blob);
      await push(referrer(["content of a"]));
      const head = await registry.ledger.head();
      const calls = [
        ...["1.0", "latest", id].map((tag) => oci.deleteTag(caller, { repository, tag })),
        oci.deleteManifest(caller, { repository, digest: artifact.digest }),
        ...[config.digest, digestOf("content of a"), digestOf("content of b")].map((digest) =>
          oci.deleteBlob(caller, { repository, digest }),
        ),
      ];
      for (const failure of await Promise.all(calls.map(failureOf))) {
        expect(failure?.code).toBe("access_denied");
        expect(failure?.message).toContain("goes when the package goes");
      }
      expect(await registry.ledger.head()).toEqual(head);
      expect(await codeOf(oci.deleteTag(caller, { repository, tag: "2.0" }))).toBe("manifest_not_found");
      expect(await codeOf(oci.deleteTag(caller, { repository: "packages/default/x", tag: "1" }))).toBe(
        "repository_not_found",
      );
      expect(await read(digestOf("content of b"), repository)).toBe("content of b");
    });

    test("is what it was at any time: there is no as-of", async () => {
      const { oci } = await scene();
      const input = { repository, reference: "latest", asOf: 1 };
      expect(await codeOf(oci.getManifest(caller, input))).toBe("unsupported");
      expect(await codeOf(oci.findManifest(caller, input))).toBe("unsupported");
    });
  });

  describe("a mount", () => {
    test("makes a package's files blobs of another repository, without a byte", async () => {
      const { registry, oci, read, count, ok } = await scene();
      const stored = await count("v1.object.stored");
      const digest = digestOf("content of a");
      const mount = (into: string, from?: string) =>
        oci.mountBlob(caller, { repository: into, digest, ...(from !== undefined && { from }) });
      expect(await mount("team/named", repository)).toMatchObject({ digest, size: 12 });
      expect(await mount("team/unnamed")).toMatchObject({ digest, size: 12 });
      for (const name of ["team/named", "team/unnamed"]) expect(await read(digest, name)).toBe("content of a");
      expect(await count("v1.object.stored")).toBe(stored);
      const head = await registry.ledger.head();
      expect(await mount("team/named", repository)).toMatchObject({ digest, size: 12 });
      expect(await registry.ledger.head()).toEqual(head);
      await ok();
    });

    test("brings the whole artifact elsewhere, also its config", async () => {
      const { oci, artifact, config, read } = await scene();
      const to = "team/copy";
      const { layers } = JSON.parse(new TextDecoder().decode(artifact.bytes)) as { layers: { digest: string }[] };
      for (const { digest } of [config, ...layers]) {
        expect(await oci.mountBlob(caller, { repository: to, digest, from: repository })).toMatchObject({ digest });
      }
      await oci.pushManifest(caller, { repository: to, reference: "1.0", bytes: artifact.bytes });
      expect((await oci.getManifest(caller, { repository: to, reference: "1.0" })).digest).toBe(artifact.digest);
      expect(await read(digestOf("content of b"), to)).toBe("content of b");
    });

    test("also brings what a referrer brought", async () => {
      const { registry, oci, read } = await scene();
      await pushText(registry, repository, "of a referrer");
      const digest = digestOf("of a referrer");
      expect(await oci.mountBlob(caller, { repository: "x", digest, from: repository })).toMatchObject({ digest });
      expect(await read(digest, "x")).toBe("of a referrer");
    });

    test("takes nothing out of repositories that are hidden, whoever else has it", async () => {
      const { registry, database, read } = await scene();
      await pushText(registry, repository, "of a referrer");
      const digest = digestOf("of a referrer");
      const deps = { database, ledger: registry.ledger, ids: countingIds() } as unknown as OciDeps;
      const mount = (from?: string) =>
        mountBlob(deps, caller, { repository: "x", digest, ...(from !== undefined && { from }) }, "packages/");
      for (const from of [repository, undefined]) expect(await mount(from)).toBeUndefined();
      await pushText(registry, "packages.of/others", "of a referrer");
      expect(await mount()).toMatchObject({ digest });
      expect(await read(digest, "x")).toBe("of a referrer");
    });

    test("of what is not there, not whole or not finalised, is an upload", async () => {
      const { registry, oci, id } = await scene();
      const { package_id } = await newPackage(registry, { name: "demo" });
      await ingest(registry, package_id, "late", "not finalised");
      const mount = (content: string, from?: string) =>
        oci.mountBlob(caller, { repository: "x", digest: digestOf(content), ...(from !== undefined && { from }) });
      for (const from of [repository, undefined]) {
        expect(await mount("not finalised", from)).toBeUndefined();
        expect(await mount("nobody has this", from)).toBeUndefined();
      }
      for (const from of ["packages/default/none", "packages/elsewhere/demo", "packages/demo", "none"]) {
        expect(await mount("content of a", from)).toBeUndefined();
      }
      expect(await codeOf(mount("content of a", "packages/default/Demo"))).toBe("invalid_name");
      const digest = digestOf("content of a", "sha512");
      expect(await oci.mountBlob(caller, { repository: "x", digest, from: repository })).toBeUndefined();
      const { content_address: subject } = await oci.findBlob(caller, { repository, digest: digestOf("content of a") });
      const payload = { backend_id: "memory", key: "x", problem: "digest" } as const;
      await commitRaw(registry, caller, { type: "v1.object.damage_found", subject, payload });
      expect(await mount("content of a", repository)).toBeUndefined();
      await deletePackage(registry, caller, id);
      for (const from of [repository, undefined]) expect(await mount("content of b", from)).toBeUndefined();
      expect((await oci.listRepositories(caller)).repositories).toEqual([]);
    });

    test("into a package's repository is for what refers to it", async () => {
      const { registry, oci, read } = await scene();
      await pushImage(registry, "team/image", ["a layer"], "1");
      const digest = digestOf("a layer");
      expect(await oci.mountBlob(caller, { repository, digest, from: "team/image" })).toMatchObject({ digest });
      expect(await read(digest, repository)).toBe("a layer");
    });
  });
});
