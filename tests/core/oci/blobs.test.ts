/** Blobs: uploads, mounts, links and their end. */
import { afterEach, describe, expect, test } from "bun:test";
import { collect } from "../../../core/mod.ts";
import { digestOf, imageOf, pushImage, pushText } from "../../support/oci_images.ts";
import { forEachDatabase } from "../../support/postgres.ts";
import {
  caller,
  closeFixtures,
  codeOf,
  failureOf,
  ingest,
  newPackage,
  openFixture,
  pattern,
  source,
  text,
  wholeLog,
} from "../../support/registry_fixture.ts";

afterEach(closeFixtures);

const repository = "team/image";

forEachDatabase((_, open) => {
  const scene = async () => {
    const fixture = await openFixture({ database: await open() });
    const { registry } = fixture;
    const { oci } = registry;
    const read = async (digest: string, from = repository) =>
      await collect((await (await oci.findBlob(caller, { repository: from, digest })).open()).body, 1 << 24);
    const start = async (more: { algorithm?: string } = {}) =>
      (await oci.startUpload(caller, { repository, ...more })).upload_id;
    const append = (uploadId: string, content: string, offset?: number) =>
      oci.appendUpload(caller, {
        repository,
        uploadId,
        source: source(content),
        ...(offset !== undefined && { offset }),
      });
    const complete = (
      uploadId: string,
      digest: string,
      more: { source?: AsyncIterable<Uint8Array>; offset?: number } = {},
    ) => oci.completeUpload(caller, { repository, uploadId, digest, ...more });
    const repositories = async () => (await oci.listRepositories(caller)).repositories;
    const stored = async () => (await wholeLog(registry)).filter(({ type }) => type === "v1.object.stored").length;
    const ok = async () => expect((await registry.checkReplay(caller)).differing).toEqual([]);
    return { ...fixture, oci, read, start, append, complete, repositories, stored, ok };
  };

  describe("a blob in one request", () => {
    test("is read back, whole and in part", async () => {
      const { registry, oci, read } = await scene();
      const bytes = pattern(2048);
      const { digest, size } = await pushText(registry, repository, bytes);
      expect([digest, size]).toEqual([digestOf(bytes), 2048]);
      expect(await read(digest)).toEqual(bytes);
      const blob = await oci.findBlob(caller, { repository, digest });
      expect(blob.size).toBe(2048);
      const { length, body } = await blob.open({ range: { start: 500, end: 1500 } });
      expect(length).toBe(1000);
      expect(await collect(body, 2048)).toEqual(bytes.subarray(500, 1500));
      expect(await codeOf(blob.open({ range: { start: 0, end: 2049 } }))).toBe("invalid_argument");
    });

    test("may be empty, and of sha512", async () => {
      const { oci, read } = await scene();
      for (const algorithm of ["sha256", "sha512"] as const) {
        for (const content of ["", "content"]) {
          const digest = digestOf(content, algorithm);
          await oci.pushBlob(caller, { repository, digest, source: source(content), length: content.length });
          expect(await read(digest)).toEqual(text(content));
          expect(await read(digestOf(content))).toEqual(text(content));
        }
      }
    });

    test("that is not what was said leaves nothing: no link, no repository", async () => {
      const { registry, oci, repositories } = await scene();
      const head = await registry.ledger.head();
      const push = (digest: string, length?: number) =>
        codeOf(oci.pushBlob(caller, { repository, digest, source: source("content"), ...(length && { length }) }));
      expect(await push(digestOf("other"))).toBe("digest_mismatch");
      expect(await push(digestOf("other", "sha512"))).toBe("digest_mismatch");
      expect(await push(digestOf("content"), 8)).toBe("size_mismatch");
      expect(await push(digestOf("content"), 2 ** 50)).toBe("limit_exceeded");
      for (const bad of ["", "content", "sha256:bad", `md5:${"0".repeat(32)}`, `blake3:${"0".repeat(64)}`]) {
        expect(await push(bad)).toBe("invalid_digest");
      }
      expect(await repositories()).toEqual([]);
      expect(await registry.ledger.head()).toEqual(head);
    });

    test("is one object with a file of the same bytes", async () => {
      const { registry, stored, read } = await scene();
      const { package_id } = await newPackage(registry);
      await ingest(registry, package_id, "a", "the same");
      await pushText(registry, repository, "the same");
      await pushText(registry, "other", "the same");
      expect(await stored()).toBe(1);
      expect(await read(digestOf("the same"))).toEqual(text("the same"));
    });

    test("that is pushed again under another algorithm has both names", async () => {
      const { registry, oci, read } = await scene();
      await pushText(registry, repository, "content");
      const digest = digestOf("content", "sha512");
      expect(await codeOf(oci.findBlob(caller, { repository, digest }))).toBe("blob_not_found");
      await oci.pushBlob(caller, { repository, digest, source: source("content") });
      const head = await registry.ledger.head();
      await oci.pushBlob(caller, { repository, digest, source: source("content") });
      await pushText(registry, repository, "content");
      expect(await registry.ledger.head()).toEqual(head);
      expect(await read(digest)).toEqual(text("content"));
    });
  });

  describe("an upload", () => {
    test("takes chunks at their offsets, or wherever it is, and ends with or without a last one", async () => {
      const { start, append, complete, read, ok } = await scene();
      const one = await start();
      expect((await append(one, "ab", 0)).offset).toBe(2);
      expect((await append(one, "cd")).offset).toBe(4);
      const digest = digestOf("abcdef");
      expect(await complete(one, digest, { source: source("ef"), offset: 4 })).toMatchObject({ digest, size: 6 });
      expect(await read(digest)).toEqual(text("abcdef"));
      const two = await start();
      await append(two, "xyz");
      await complete(two, digestOf("xyz"));
      expect(await read(digestOf("xyz"))).toEqual(text("xyz"));
      const three = await start();
      await append(three, "", 0);
      await complete(three, digestOf(""));
      const none = await start();
      await complete(none, digestOf(""));
      const four = await start();
      await complete(four, digestOf(""), { source: source(""), offset: 0 });
      expect(await read(digestOf(""))).toEqual(text(""));
      await ok();
    });

    test("out of order is refused with the true offset, and stays usable", async () => {
      const { oci, start, append, complete } = await scene();
      const uploadId = await start();
      await append(uploadId, "ab", 0);
      for (const offset of [0, 1, 3]) {
        const refusal = await failureOf(append(uploadId, "cd", offset));
        expect([refusal?.code, refusal?.data.offset]).toEqual(["upload_offset_mismatch", 2]);
        const last = await failureOf(complete(uploadId, digestOf("abcd"), { source: source("cd"), offset }));
        expect([last?.code, last?.data.offset]).toEqual(["upload_offset_mismatch", 2]);
      }
      expect((await oci.getUpload(caller, { repository, uploadId })).offset).toBe(2);
      await complete(uploadId, digestOf("abcd"), { source: source("cd"), offset: 2 });
    });

    test("takes sha512 without having been told, and refuses what it does not know", async () => {
      const { oci, start, append, complete, read } = await scene();
      for (const algorithm of [undefined, "sha256", "sha512"]) {
        const content = `content ${algorithm}`;
        const uploadId = await start(algorithm === undefined ? {} : { algorithm });
        await append(uploadId, content);
        await complete(uploadId, digestOf(content, "sha512"));
        expect(await read(digestOf(content, "sha512"))).toEqual(text(content));
        expect(await read(digestOf(content))).toEqual(text(content));
      }
      for (const algorithm of ["md5", "blake3", "", "SHA256", "__proto__"]) {
        expect(await codeOf(oci.startUpload(caller, { repository, algorithm }))).toBe("invalid_digest");
      }
    });

    test("with another digest than was said is over, and links nothing", async () => {
      const { registry, oci, start, append, complete, repositories } = await scene();
      const head = await registry.ledger.head();
      const uploadId = await start();
      await append(uploadId, "content");
      expect(await codeOf(complete(uploadId, "sha256:bad"))).toBe("invalid_digest");
      expect((await oci.getUpload(caller, { repository, uploadId })).offset).toBe(7);
      expect(await codeOf(complete(uploadId, digestOf("other")))).toBe("digest_mismatch");
      for (const call of [
        () => complete(uploadId, digestOf("content")),
        () => append(uploadId, "x"),
        () => oci.getUpload(caller, { repository, uploadId }),
        () => oci.cancelUpload(caller, { repository, uploadId }),
      ]) {
        expect(await codeOf(call())).toBe("upload_not_found");
      }
      expect(await repositories()).toEqual([]);
      expect(await registry.ledger.head()).toEqual(head);
    });

    test("that has ended well answers the same again, and nothing else", async () => {
      const { oci, start, append, complete } = await scene();
      const uploadId = await start();
      await append(uploadId, "content");
      const blob = await complete(uploadId, digestOf("content"));
      expect(await complete(uploadId, digestOf("content"))).toEqual(blob);
      for (const call of [
        () => complete(uploadId, digestOf("other")),
        () => append(uploadId, "x"),
        () => oci.getUpload(caller, { repository, uploadId }),
        () => oci.cancelUpload(caller, { repository, uploadId }),
      ]) {
        expect(await codeOf(call())).toBe("upload_not_found");
      }
    });

    test("begins no repository, cancelled or not; a request of another length than announced is refused", async () => {
      const { registry, oci, start, append, repositories } = await scene();
      const head = await registry.ledger.head();
      const uploadId = await start();
      await append(uploadId, "content");
      const more = { repository, uploadId, source: source("abc") };
      expect(await codeOf(oci.appendUpload(caller, { ...more, length: 2 }))).toBe("size_mismatch");
      expect(await codeOf(oci.appendUpload(caller, { ...more, source: source("abc"), length: 4 }))).toBe(
        "size_mismatch",
      );
      await oci.cancelUpload(caller, { repository, uploadId });
      expect(await codeOf(oci.getUpload(caller, { repository, uploadId }))).toBe("upload_not_found");
      expect(await codeOf(oci.cancelUpload(caller, { repository, uploadId }))).toBe("upload_not_found");
      expect(await repositories()).toEqual([]);
      expect(await registry.ledger.head()).toEqual(head);
    });

    test("is unknown to other repositories, to packages, and theirs to it", async () => {
      const { registry, oci, start, append, complete } = await scene();
      const uploadId = await start();
      await append(uploadId, "content");
      const elsewhere = { repository: "team/other", uploadId };
      const { package_id: packageId } = await newPackage(registry);
      const theirs = await registry.createUpload(caller, { packageId, path: "a" });
      const last = { uploadId, offset: 7, source: source(""), complete: true };
      const calls = [
        () => oci.getUpload(caller, elsewhere),
        () => oci.appendUpload(caller, { ...elsewhere, source: source("x") }),
        () => oci.completeUpload(caller, { ...elsewhere, digest: digestOf("content") }),
        () => oci.cancelUpload(caller, elsewhere),
        () => registry.getUpload(caller, uploadId),
        () => registry.resumeUpload(caller, uploadId),
        () => registry.appendUpload(caller, last),
        () => registry.cancelUpload(caller, uploadId),
        () => oci.getUpload(caller, { repository, uploadId: theirs.upload_id }),
        () => append(theirs.upload_id, "x"),
        () => complete(theirs.upload_id, digestOf("")),
        () => oci.cancelUpload(caller, { repository, uploadId: theirs.upload_id }),
      ];
      for (const call of calls) expect(await codeOf(call())).toBe("upload_not_found");
      expect((await registry.getUpload(caller, theirs.upload_id)).offset).toBe(0);
      await complete(uploadId, digestOf("content"));
    });
  });

  test("uploads that clients leave behind are limited, and take no room from uploads of packages", async () => {
    const { registry } = await openFixture({ database: await open(), limits: { maxOpenUploads: 1 } });
    const { oci } = registry;
    for (let n = 0; n < 10; n++) await oci.startUpload(caller, { repository: `r${n}` });
    expect(await codeOf(oci.startUpload(caller, { repository }))).toBe("too_many_uploads");
    const { package_id: packageId } = await newPackage(registry);
    await registry.createUpload(caller, { packageId, path: "a" });
    expect(await codeOf(registry.createUpload(caller, { packageId, path: "b" }))).toBe("too_many_uploads");
  });

  describe("mounting", () => {
    test("links a blob of the repository that is named, or of any, without its bytes", async () => {
      const { registry, oci, read, stored, ok } = await scene();
      const { digest } = await pushText(registry, "from/here", "content");
      const mounted = await oci.mountBlob(caller, { repository, digest, from: "from/here" });
      expect(mounted).toMatchObject({ digest, size: 7 });
      expect(await read(digest)).toEqual(text("content"));
      expect(await oci.mountBlob(caller, { repository: "third", digest })).toMatchObject({ digest });
      expect(await read(digest, "third")).toEqual(text("content"));
      const head = await registry.ledger.head();
      await oci.mountBlob(caller, { repository, digest });
      expect(await registry.ledger.head()).toEqual(head);
      expect(await stored()).toBe(1);
      await ok();
    });

    test("brings every digest along that the blob is known by there", async () => {
      const { oci, read } = await scene();
      const digest = digestOf("content", "sha512");
      await oci.pushBlob(caller, { repository: "from", digest, source: source("content") });
      await oci.mountBlob(caller, { repository, digest: digestOf("content") });
      expect(await read(digest)).toEqual(text("content"));
    });

    test("does not happen where there is nothing, or no good copy of it; and begins no repository", async () => {
      const { registry, oci, read, repositories } = await scene();
      const { digest, content_address: subject } = await pushText(registry, "from", "content");
      const absent = digestOf("absent");
      for (const input of [{ digest: absent }, { digest: absent, from: "from" }, { digest, from: "nowhere" }]) {
        expect(await oci.mountBlob(caller, { repository, ...input })).toBeUndefined();
      }
      const payload = { backend_id: "memory", key: "x", problem: "digest" } as const;
      await registry.ledger.commit(caller, {
        wants: {},
        decide: () => ({ events: [{ type: "v1.object.damage_found", subject, payload }], result: undefined }),
      });
      expect(await oci.mountBlob(caller, { repository, digest })).toBeUndefined();
      expect(await codeOf((await oci.findBlob(caller, { repository: "from", digest })).open())).toBe("object_corrupt");
      expect(await repositories()).toEqual(["from"]);
      // Whoever then pushes it mends it for all.
      await pushText(registry, repository, "content");
      expect(await read(digest, "from")).toEqual(text("content"));
    });
  });

  describe("deleting a blob", () => {
    test("takes it out of this repository at once, under all its names, and out of no other", async () => {
      const { registry, oci, read, ok } = await scene();
      const { digest } = await pushText(registry, repository, "content");
      await oci.pushBlob(caller, { repository, digest: digestOf("content", "sha512"), source: source("content") });
      await oci.mountBlob(caller, { repository: "other", digest });
      await oci.deleteBlob(caller, { repository, digest });
      for (const name of [digest, digestOf("content", "sha512")]) {
        expect(await codeOf(oci.findBlob(caller, { repository, digest: name }))).toBe("blob_not_found");
      }
      expect(await codeOf(oci.deleteBlob(caller, { repository, digest }))).toBe("blob_not_found");
      expect(await read(digest, "other")).toEqual(text("content"));
      await ok();
    });

    test("leaves manifests and what they name; a push links it again", async () => {
      const { registry, database, oci, read, stored, ok } = await scene();
      const { manifest, bytes } = await pushImage(registry, repository, ["layer"], "latest");
      const digest = digestOf("layer");
      await oci.deleteBlob(caller, { repository, digest });
      expect((await oci.getManifest(caller, { repository, reference: "latest" })).digest).toBe(manifest);
      const references = await database.read.selectFrom("oci_references").select(["manifest", "digest"]).execute();
      expect(references).toContainEqual({ manifest, digest });
      // What cannot be pulled is not said to be there.
      expect(await codeOf(oci.pushManifest(caller, { repository, reference: "again", bytes }))).toBe(
        "manifest_blob_unknown",
      );
      const before = await stored();
      await pushText(registry, repository, "layer");
      expect(await read(digest)).toEqual(text("layer"));
      expect(await stored()).toBe(before);
      await oci.pushManifest(caller, { repository, reference: "again", bytes });
      await ok();
    });
  });

  test("an image needs nothing but what its own repository has", async () => {
    const { registry, oci } = await scene();
    await pushText(registry, "other", "{}");
    const push = () => oci.pushManifest(caller, { repository, reference: "a", bytes: imageOf([]) });
    expect(await codeOf(push())).toBe("manifest_blob_unknown");
    await oci.mountBlob(caller, { repository, digest: digestOf("{}") });
    await push();
  });
});
