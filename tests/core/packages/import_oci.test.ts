/** Images and artifacts of a repository as packages: the layout that a package then is, and what it took to make it. */
import { afterEach, describe, expect, test } from "bun:test";
import { toHex } from "../../../core/base/bytes.ts";
import { collect, type FileEntry, type ImportOciInput, layoutPath, type Registry } from "../../../core/mod.ts";
import {
  descriptor,
  digestOf,
  IMAGE,
  INDEX,
  imageOf,
  indexOf,
  LAYER,
  pushImage,
  pushText,
} from "../../support/oci_images.ts";
import { forEachDatabase } from "../../support/postgres.ts";
import {
  caller,
  closeFixtures,
  codeOf,
  failureOf,
  hasher,
  openFixture,
  settableClock,
  source,
  stranger,
  text,
  wholeLog,
} from "../../support/registry_fixture.ts";

afterEach(closeFixtures);

const repository = "team/image";
const DOCKER = "application/vnd.docker.distribution.manifest.v2+json";
const wanted = { name: "kept", retentionClass: "working" };

forEachDatabase((_, open) => {
  const scene = async (parts: { sparseImages?: boolean; limits?: { maxArchiveEntries: number } } = {}) => {
    const clock = settableClock();
    const { registry, database } = await openFixture({ database: await open(), clock, ...parts });
    const push = (reference: string, bytes: Uint8Array, mediaType: string) =>
      registry.oci.pushManifest(caller, { repository, reference, mediaType, bytes });
    const bring = (reference: string, more: Partial<ImportOciInput> = {}, key?: string) =>
      registry.importOci(
        caller,
        { repository, reference, package: wanted, ...more },
        key === undefined ? {} : { idempotencyKey: key },
      );
    const stored = async () => (await wholeLog(registry)).filter(({ type }) => type === "v1.object.stored").length;
    const packages = async () => (await registry.listPackages(caller)).items;
    /** Two platforms under one tag. */
    const pushIndex = async (tag: string) => {
      const images = [];
      for (const platform of ["amd64", "arm64"]) {
        const { bytes } = await pushImage(
          registry,
          repository,
          ["shared", platform],
          digestOf(imageOf(["shared", platform])),
        );
        images.push(descriptor(IMAGE, bytes));
      }
      const bytes = indexOf(images);
      await push(tag, bytes, INDEX);
      return { bytes, images };
    };
    return { registry, database, clock, push, bring, stored, packages, pushIndex };
  };

  describe("importOci()", () => {
    test("makes a layout of an index of two platforms, every file named by its digest", async () => {
      const { registry, bring, pushIndex } = await scene();
      const { bytes, images } = await pushIndex("1.0");
      const made = await bring("1.0");
      expect(made).toMatchObject({ state: "finalized", name: "kept", file_count: 9, warnings: [] });
      const files = await readAll(registry, made.package_id);
      const blobs = ["{}", "shared", "amd64", "arm64"];
      const digests = [digestOf(bytes), ...images.map(({ digest }) => digest), ...blobs.map((blob) => digestOf(blob))];
      expect([...files.keys()].sort()).toEqual(["index.json", "oci-layout", ...digests.map(layoutPath)].sort());
      for (const digest of digests) {
        const content = files.get(layoutPath(digest)) as Uint8Array;
        expect(`sha256:${toHex(hasher.hash("sha256", content))}`).toBe(digest);
      }
      expect(JSON.parse(read(files, "oci-layout"))).toEqual({ imageLayoutVersion: "1.0.0" });
      const root = { ...descriptor(INDEX, bytes), annotations: { "org.opencontainers.image.ref.name": "1.0" } };
      expect(JSON.parse(read(files, "index.json"))).toEqual({ schemaVersion: 2, mediaType: INDEX, manifests: [root] });
      expect((await registry.verifyPackage(caller, made.package_id)).ok).toBe(true);
      expect((await registry.checkReplay(caller)).differing).toEqual([]);
    });

    test("stores the manifests and two files, and no blob; once more it stores nothing", async () => {
      const { bring, stored, pushIndex } = await scene();
      await pushIndex("1.0");
      const before = await stored();
      const first = await bring("1.0");
      expect((await stored()) - before).toBe(5);
      const { bytes, deduplicated_bytes, ...counts } = first.import;
      expect(counts).toMatchObject({ manifests: 3, blobs: 4, referrers: 0, files: 9, deduplicated_files: 4 });
      expect(deduplicated_bytes).toBe("{}sharedamd64arm64".length);
      expect(bytes).toBe(first.total_bytes as number);
      const again = await bring("1.0");
      expect((await stored()) - before).toBe(5);
      expect(again.import).toMatchObject({ files: 9, deduplicated_files: 9, deduplicated_bytes: bytes });
    });

    test("gives the same files for the same image, whenever and under whatever name", async () => {
      const { registry, bring, pushIndex, clock } = await scene();
      await pushIndex("1.0");
      const one = await bring("1.0");
      clock.time += 1_000_000;
      const other = await bring("1.0", { package: { ...wanted, name: "elsewhere", version: "2" } });
      expect(await readAll(registry, one.package_id)).toEqual(await readAll(registry, other.package_id));
    });

    test("by digest it names no tag; of one platform it takes no other", async () => {
      const { registry, bring, pushIndex } = await scene();
      const { images } = await pushIndex("1.0");
      const [, arm64] = images;
      const made = await bring(arm64?.digest as string);
      const files = await readAll(registry, made.package_id);
      expect(made.import).toMatchObject({ digest: arm64?.digest, media_type: IMAGE, manifests: 1, blobs: 3 });
      expect(JSON.parse(read(files, "index.json")).manifests).toEqual([arm64]);
      expect(files.has(layoutPath(digestOf("amd64")))).toBe(false);
    });

    test("keeps an artifact with a subject, Docker's types and sha512 as they are", async () => {
      const { registry, push, bring } = await scene();
      const { manifest } = await pushImage(registry, repository, ["layer"], "image");
      const artifact = imageOf(["layer"], { artifactType: "text/x-sbom", subject: descriptor(IMAGE, "not there") });
      await push("artifact", artifact, IMAGE);
      const docker = text(
        JSON.stringify({
          schemaVersion: 2,
          config: descriptor("application/vnd.docker.container.image.v1+json", "{}"),
          layers: [descriptor("application/vnd.docker.image.rootfs.diff.tar.gzip", "layer")],
        }),
      );
      await push("docker", docker, DOCKER);
      await registry.oci.pushBlob(caller, { repository, digest: digestOf("long", "sha512"), source: source("long") });
      const long = imageOf([], { layers: [descriptor(LAYER, "long", "sha512"), descriptor(LAYER, "layer")] });
      await push(digestOf(long, "sha512"), long, IMAGE);

      const names = async (reference: string) => {
        const made = await bring(reference);
        const files = await readAll(registry, made.package_id);
        const [root] = JSON.parse(read(files, "index.json")).manifests;
        expect(made.import.digest).toBe(root.digest);
        return { root, paths: [...files.keys()], files };
      };
      const blobs = ["{}", "layer"].map((blob) => layoutPath(digestOf(blob)));
      const ofArtifact = await names("artifact");
      expect(ofArtifact.paths).toEqual([...blobs, layoutPath(digestOf(artifact)), "index.json", "oci-layout"].sort());
      expect(ofArtifact.files.get(layoutPath(digestOf(artifact)))).toEqual(artifact);
      const ofDocker = await names("docker");
      expect(ofDocker.root).toMatchObject({ mediaType: DOCKER, size: docker.length });
      expect(ofDocker.files.get(layoutPath(digestOf(docker)))).toEqual(docker);
      const sha512 = digestOf(long, "sha512");
      const ofLong = await names(sha512);
      expect(ofLong.root).toEqual({ mediaType: IMAGE, digest: sha512, size: long.length });
      expect(read(ofLong.files, layoutPath(digestOf("long", "sha512")))).toBe("long");
      expect(ofLong.paths).toContain(layoutPath(sha512));
      const entries = (await registry.listFiles(caller, (await bring(sha512)).package_id)).items as FileEntry[];
      const entry = entries.find(({ path }) => path === layoutPath(digestOf("long", "sha512")));
      expect(entry?.digests.sha512).toBe(digestOf("long", "sha512").slice("sha512:".length));
      expect(manifest).toBe(digestOf(imageOf(["layer"])));
    });

    test("takes referrers along when it is asked to: those of every manifest, and theirs", async () => {
      const { registry, push, bring, pushIndex } = await scene();
      const { bytes, images } = await pushIndex("1.0");
      const refer = async (type: string, subject: unknown) => {
        const artifact = imageOf(["shared"], { artifactType: type, subject, annotations: { of: type } });
        await push(digestOf(artifact), artifact, IMAGE);
        return { ...descriptor(IMAGE, artifact), artifactType: type, annotations: { of: type } };
      };
      const sbom = await refer("text/x-sbom", images[1]);
      const signature = await refer("text/x-signature", {
        mediaType: sbom.mediaType,
        digest: sbom.digest,
        size: sbom.size,
      });
      const top = await refer("text/x-top", descriptor(INDEX, bytes));
      expect((await bring("1.0")).import.referrers).toBe(0);
      const made = await bring("1.0", { referrers: true });
      const files = await readAll(registry, made.package_id);
      const [root, ...others] = JSON.parse(read(files, "index.json")).manifests;
      expect(root.digest).toBe(digestOf(bytes));
      expect(others).toEqual([sbom, signature, top].sort((a, b) => (a.digest < b.digest ? -1 : 1)));
      expect(made.import).toMatchObject({ referrers: 3, manifests: 6, blobs: 4 });
    });

    test("follows nested indexes, and an index to what was pushed as a blob", async () => {
      const { registry, push, bring, pushIndex } = await scene();
      const { bytes } = await pushIndex("inner");
      const outer = indexOf([descriptor(INDEX, bytes), descriptor("text/plain", "shared")]);
      await push("outer", outer, INDEX);
      const made = await bring("outer");
      expect(made.import).toMatchObject({ manifests: 4, blobs: 4, missing_count: 0 });
      expect((await readAll(registry, made.package_id)).has(layoutPath(digestOf(bytes)))).toBe(true);
    });

    test("takes a package as it is at /v2/, whose configuration is made when it is asked for", async () => {
      const { registry, bring } = await scene();
      const { package_id: first } = await registry.createPackage(caller, wanted);
      await registry.ingestFile(caller, { packageId: first, path: "a/file", source: source("content") });
      await registry.finalizePackage(caller, first);
      const made = await bring(first, { repository: "packages/default/kept" });
      expect(made.import).toMatchObject({ manifests: 1, blobs: 2, files: 5, deduplicated_files: 1 });
      const files = await readAll(registry, made.package_id);
      const manifest = await registry.getManifestBytes(caller, first, "cbor");
      expect(files.get(layoutPath(digestOf(manifest)))).toEqual(manifest);
      expect(read(files, layoutPath(digestOf("content")))).toBe("content");
      expect((await registry.verifyPackage(caller, made.package_id)).ok).toBe(true);
    });

    test("refuses what is incomplete and names it, unless that is allowed; foreign layers may be elsewhere", async () => {
      const { registry, push, bring, packages } = await scene({ sparseImages: true });
      const { bytes } = await pushImage(registry, repository, ["here"], "whole");
      const foreign = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip";
      const sparse = imageOf(["here", "absent"], { annotations: {} });
      await push("sparse", sparse, IMAGE);
      const index = indexOf([descriptor(IMAGE, bytes), descriptor(IMAGE, "nowhere")]);
      await push("sparse-index", index, INDEX);
      const before = (await packages()).length;
      for (const [reference, absent] of [
        ["sparse", "absent"],
        ["sparse-index", "nowhere"],
      ] as const) {
        const refusal = await failureOf(bring(reference));
        expect(refusal?.code).toBe("manifest_blob_unknown");
        expect(refusal?.data).toEqual({ missing: [digestOf(absent)], count: 1 });
        const made = await bring(reference, { allowMissing: true });
        expect(made.import).toMatchObject({ missing: [digestOf(absent)], missing_count: 1 });
        expect((await registry.verifyPackage(caller, made.package_id)).ok).toBe(true);
      }
      expect((await packages()).length).toBe(before + 2);
      const layers = [descriptor(foreign, "elsewhere"), descriptor(LAYER, "here")];
      await push("foreign", imageOf([], { layers }), IMAGE);
      expect((await bring("foreign")).import).toMatchObject({ blobs: 2, missing_count: 0, foreign_count: 1 });
    });

    test("refuses damaged blobs, and makes nothing", async () => {
      const { registry, database, bring, packages, stored } = await scene();
      await pushImage(registry, repository, ["good", "bad"], "1.0");
      const { content_address: address } = await registry.oci.findBlob(caller, { repository, digest: digestOf("bad") });
      const where = await database.read
        .selectFrom("storage_locations")
        .select(["backend_id", "storage_key"])
        .where("content_address", "=", address)
        .executeTakeFirstOrThrow();
      await registry.ledger.commit(caller, {
        wants: {},
        decide: () => ({
          events: [
            {
              type: "v1.object.damage_found",
              subject: address,
              payload: { backend_id: where.backend_id, key: where.storage_key, problem: "digest" },
            },
          ],
          result: undefined,
        }),
      });
      const before = await stored();
      const refusal = await failureOf(bring("1.0"));
      expect([refusal?.code, refusal?.data.digest]).toEqual(["object_corrupt", digestOf("bad")]);
      expect([await stored(), await packages()]).toEqual([before, []]);
      // Good bytes under the digest mend it.
      await pushText(registry, repository, "bad");
      expect((await bring("1.0")).state).toBe("finalized");
    });

    test("refuses what is not there, not allowed, or too much, and makes nothing", async () => {
      const { registry, bring, pushIndex, packages } = await scene({ limits: { maxArchiveEntries: 11 } });
      await pushIndex("1.0");
      expect(await codeOf(bring("none"))).toBe("manifest_not_found");
      expect(await codeOf(bring("1.0", { repository: "nobody/knows" }))).toBe("repository_not_found");
      expect(await codeOf(bring("no/tag"))).toBe("invalid_tag");
      expect(await codeOf(bring("1.0", { package: { ...wanted, name: "Not A Name" } }))).toBe("invalid_name");
      await pushImage(registry, repository, [], "small");
      const ever = { package: { ...wanted, retentionClass: "ever" } };
      expect(await codeOf(bring("small", ever))).toBe("unknown_retention_class");
      const foreign = registry.importOci(stranger, { repository, reference: "1.0", package: wanted });
      expect(await codeOf(foreign)).toBe("repository_not_found");
      const refusal = await failureOf(bring("1.0"));
      expect([refusal?.code, refusal?.data.limit]).toEqual(["limit_exceeded", 6]);
      expect(await packages()).toEqual([]);
    });

    test("a version that is taken is refused, and no open package is left behind", async () => {
      const { bring, pushIndex, packages } = await scene();
      await pushIndex("1.0");
      const named = { package: { ...wanted, version: "1" } };
      await bring("1.0", named);
      expect(await codeOf(bring("1.0", named))).toBe("version_exists");
      expect((await packages()).map(({ state }) => state)).toEqual(["finalized"]);
    });
  });

  describe("importOci() with an idempotency key", () => {
    test("gives the first answer again, and refuses the key for another request", async () => {
      const { registry, bring, pushIndex, packages } = await scene();
      await pushIndex("1.0");
      const first = await bring("1.0", {}, "k");
      await pushImage(registry, repository, ["moved"], "1.0");
      expect(await bring("1.0", {}, "k")).toEqual(first);
      for (const over of [{ referrers: true }, { allowMissing: true }, { package: { ...wanted, version: "1" } }]) {
        expect(await codeOf(bring("1.0", over, "k"))).toBe("idempotency_mismatch");
      }
      expect(await packages()).toHaveLength(1);
    });

    test("after a crash, the next request with the key goes on under the same id, from wherever it was", async () => {
      const { registry, database, bring, pushIndex, packages, clock } = await scene();
      await pushIndex("1.0");
      const first = await bring("1.0", {}, "k");
      const forget = (subject: string) =>
        database.write((trx) =>
          trx.updateTable("idempotency_keys").set({ status: "running", answer: null, subject }).execute(),
        );
      // Everything was made, and nobody heard of it.
      await forget(first.package_id);
      expect(await codeOf(bring("1.0", {}, "k"))).toBe("idempotency_in_flight");
      clock.time += 61_000;
      const { import: report, ...same } = await bring("1.0", {}, "k");
      expect(same).toEqual((({ import: _, ...rest }) => rest)(first));
      expect(report).toMatchObject({ digest: first.import.digest, files: 9 });
      // The package was opened, and got nothing yet.
      const opened = await registry.createPackage(caller, wanted);
      await forget(opened.package_id);
      clock.time += 61_000;
      expect(await bring("1.0", {}, "k")).toMatchObject({ package_id: opened.package_id, state: "finalized" });
      // Its tag has moved since.
      await forget(opened.package_id);
      await pushImage(registry, repository, ["moved"], "1.0");
      clock.time += 61_000;
      expect(await codeOf(bring("1.0", {}, "k"))).toBe("conflict");
      expect((await packages()).every(({ state }) => state === "finalized")).toBe(true);
    });
  });
});

async function readAll(registry: Registry, packageId: string): Promise<Map<string, Uint8Array>> {
  const { items } = await registry.listFiles(caller, packageId, { limit: 1000 });
  const files = new Map<string, Uint8Array>();
  for (const entry of items) {
    const { body } = await registry.openFile(caller, entry as FileEntry);
    files.set(entry.path, await collect(body, 1024 * 1024));
  }
  return files;
}

const read = (files: ReadonlyMap<string, Uint8Array>, path: string): string =>
  new TextDecoder().decode(files.get(path));
