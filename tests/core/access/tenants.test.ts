/** Whose is what: a caller of another tenant cannot tell a package that exists from one that does not. */
import { afterEach, describe, expect, test } from "bun:test";
import type { Caller, OciRegistry, Registry } from "../../../core/mod.ts";
import { pushImage, pushText } from "../../support/oci_images.ts";
import { forEachDatabase } from "../../support/postgres.ts";
import {
  caller,
  closeFixtures,
  codeOf,
  failureOf,
  ingest,
  newPackage,
  openFixture,
  source,
  stranger,
  text,
} from "../../support/registry_fixture.ts";

const ABSENT = "019b7d2e-0000-7000-8000-00000000ffff";

/** Every use case that names a package, by id. */
function callsOn(registry: Registry, who: Caller, packageId: string): Record<string, () => Promise<unknown>> {
  return {
    getPackage: () => registry.getPackage(who, packageId),
    listFiles: () => registry.listFiles(who, packageId),
    getManifestBytes: () => registry.getManifestBytes(who, packageId, "cbor"),
    getManifest: () => registry.getManifest(who, packageId, "cbor"),
    getFile: () => registry.getFile(who, { package: packageId, path: "a" }),
    verifyPackage: () => registry.verifyPackage(who, packageId),
    ingestFile: () => registry.ingestFile(who, { packageId, path: "b", source: source("x") }),
    "ingestFile, small": () => registry.ingestFile(who, { packageId, path: "b", source: source("x"), expectedSize: 1 }),
    replaceFile: () => registry.replaceFile(who, { packageId, path: "a", source: source("x") }),
    putFile: () => registry.putFile(who, { packageId, path: "b", source: source("x") }),
    findFile: () => registry.findFile(who, { package: packageId, path: "a" }),
    getEntry: () => registry.getEntry(who, { package: packageId, path: "a" }),
    addDirectory: () => registry.addDirectory(who, { packageId, path: "d" }),
    addSymlink: () => registry.addSymlink(who, { packageId, path: "l", target: "a" }),
    removeFile: () => registry.removeFile(who, { packageId, path: "a" }),
    importArchive: () => registry.importArchive(who, { packageId, source: source("x") }),
    exportArchive: () => registry.exportArchive(who, { package: packageId, format: "tar" }),
    createUpload: () => registry.createUpload(who, { packageId, path: "u" }),
    finalizePackage: () => registry.finalizePackage(who, packageId),
    abandonPackage: () => registry.abandonPackage(who, { packageId, reason: "x" }),
  };
}

const NAMED = `sha256:${"0".repeat(64)}`;

/** Every use case of OCI distribution, on a repository, a blob in it, a manifest and its tag. */
function ociCallsOn(registry: Registry, who: Caller, repository: string, digest = NAMED, tag = "latest") {
  const { oci } = registry;
  const upload = { repository, uploadId: ABSENT };
  return {
    getManifest: () => oci.getManifest(who, { repository, reference: tag }),
    findManifest: () => oci.findManifest(who, { repository, reference: tag }),
    findBlob: () => oci.findBlob(who, { repository, digest }),
    listTags: () => oci.listTags(who, { repository }),
    listRepositories: () => oci.listRepositories(who),
    listReferrers: () => oci.listReferrers(who, { repository, digest }),
    startUpload: () => oci.startUpload(who, { repository }),
    getUpload: () => oci.getUpload(who, upload),
    appendUpload: () => oci.appendUpload(who, { ...upload, source: source("x") }),
    completeUpload: () => oci.completeUpload(who, { ...upload, digest }),
    cancelUpload: () => oci.cancelUpload(who, upload),
    pushBlob: () => oci.pushBlob(who, { repository, digest, source: source("x") }),
    mountBlob: () => oci.mountBlob(who, { repository, digest }),
    pushManifest: () => oci.pushManifest(who, { repository, reference: tag, bytes: text("{}") }),
    deleteTag: () => oci.deleteTag(who, { repository, tag }),
    deleteManifest: () => oci.deleteManifest(who, { repository, digest }),
    deleteBlob: () => oci.deleteBlob(who, { repository, digest }),
    tagHistory: () => oci.tagHistory(who, { repository, tag }),
    restoreTag: () => oci.restoreTag(who, { repository, tag, asOf: 1 }),
    browseRepositories: () => oci.browseRepositories(who),
    showRepository: () => oci.showRepository(who, { repository }),
    deleteRepository: () => oci.deleteRepository(who, { repository, reason: "x" }),
    getTagRules: () => oci.getTagRules(who),
    setTagRules: () => oci.setTagRules(who, { rules: [], reason: "x" }),
    previewTagRules: () => oci.previewTagRules(who, { rules: [] }),
  } satisfies Record<keyof OciRegistry, () => Promise<unknown>>;
}

/** Every use case. */
async function everyCall(
  registry: Registry,
  who: Caller,
  packageId: string,
): Promise<Record<string, () => Promise<unknown>>> {
  const [entry] = (await registry.listFiles(caller, packageId)).items;
  return {
    ...callsOn(registry, who, packageId),
    appendUpload: () =>
      registry.appendUpload(who, { uploadId: ABSENT, offset: 0, source: source("x"), complete: true }),
    getUpload: () => registry.getUpload(who, ABSENT),
    resumeUpload: () => registry.resumeUpload(who, ABSENT),
    cancelUpload: () => registry.cancelUpload(who, ABSENT),
    createPackage: () => registry.createPackage(who, { name: "x", retentionClass: "working" }),
    importOci: () =>
      registry.importOci(who, {
        repository: "demo",
        reference: "latest",
        package: { name: "x", retentionClass: "working" },
      }),
    registerMetadataSchema: () => registry.registerMetadataSchema(who, { schemaId: "s", schema: {} }),
    listPackages: () => registry.listPackages(who),
    openFile: () => registry.openFile(who, entry as never),
    findObject: () => registry.findObject(who, `blake3:${"0".repeat(64)}`),
    readEvents: () => registry.readEvents(who, { since: 0, limit: 1 }),
    tailEvents: async () => registry.tailEvents(who, { since: 0, follow: false }).next(),
    followEvents: async () => registry.followEvents(who, { since: 0 }).close(),
    getEventPayload: () => registry.getEventPayload(who, 1),
    feedHead: () => registry.feedHead(who),
    head: () => registry.head(who),
    verifyEvents: () => registry.verifyEvents(who),
    redactEvent: () => registry.redactEvent(who, { sequence: 1, reason: "x" }),
    replay: () => registry.replay(who, { holder: "x" }),
    checkReplay: () => registry.checkReplay(who),
    inspect: () => registry.inspect(who),
    fix: () => registry.fix(who, { holder: "x" }),
    ...Object.fromEntries(
      Object.entries(ociCallsOn(registry, who, "demo")).map(([name, call]) => [`oci.${name}`, call]),
    ),
  };
}

afterEach(closeFixtures);

forEachDatabase((_, open) => {
  const scene = async () => {
    const fixture = await openFixture({ database: await open() });
    const { package_id: packageId } = await newPackage(fixture.registry);
    await ingest(fixture.registry, packageId, "a", "content");
    return { ...fixture, packageId };
  };

  describe("a caller of another tenant", () => {
    test("is answered as if the package did not exist, word for word, and changes nothing", async () => {
      const { registry, packageId } = await scene();
      const head = await registry.ledger.head();
      const real = callsOn(registry, stranger, packageId);
      const absent = callsOn(registry, stranger, ABSENT);
      for (const [name, call] of Object.entries(real)) {
        const [a, b] = [await failureOf(call()), await failureOf((absent[name] as typeof call)())];
        expect({ name, code: a?.code }).toEqual({ name, code: "package_not_found" });
        expect({ name, message: a?.message.replace(packageId, "ID"), data: Object.keys(a?.data ?? {}) }).toEqual({
          name,
          message: b?.message.replace(ABSENT, "ID") as string,
          data: Object.keys(b?.data ?? {}),
        });
      }
      expect(await registry.ledger.head()).toEqual(head);
      expect((await registry.listPackages(stranger)).items).toEqual([]);
    });

    test("finds no upload of somebody else's", async () => {
      const { registry, packageId } = await scene();
      const { upload_id: uploadId } = await registry.createUpload(caller, { packageId, path: "u" });
      const append = { uploadId, offset: 0, source: source("x"), complete: true };
      for (const call of [
        () => registry.getUpload(stranger, uploadId),
        () => registry.resumeUpload(stranger, uploadId),
        () => registry.appendUpload(stranger, append),
        () => registry.cancelUpload(stranger, uploadId),
      ]) {
        expect((await failureOf(call()))?.code).toBe("upload_not_found");
      }
      expect((await registry.getUpload(caller, uploadId)).offset).toBe(0);
    });

    test("does not find a finalised package by name@version either", async () => {
      const { registry } = await scene();
      const { package_id } = await newPackage(registry, { name: "secret", version: "1" });
      await registry.finalizePackage(caller, package_id);
      expect((await failureOf(registry.getPackage(stranger, "secret@1")))?.code).toBe("package_not_found");
    });
  });

  describe("a caller of another tenant, at a repository,", () => {
    test("is answered as if it did not exist, and gets nothing of it by mounting", async () => {
      const { registry } = await scene();
      const { oci } = registry;
      const { digest } = await pushText(registry, "team/secret", "a layer");
      const { manifest } = await pushImage(registry, "team/secret", ["a layer"], "latest");
      const { upload_id: uploadId } = await oci.startUpload(caller, { repository: "team/secret" });
      const head = await registry.ledger.head();
      for (const repository of ["team/secret", "team/absent"]) {
        const calls = ociCallsOn(registry, stranger, repository, digest);
        const codes: Record<string, string | undefined> = {};
        for (const name of [
          "getManifest",
          "findBlob",
          "listTags",
          "deleteTag",
          "deleteManifest",
          "deleteBlob",
          "tagHistory",
          "showRepository",
          "deleteRepository",
        ] as const)
          codes[name] = await codeOf(calls[name]());
        expect(new Set(Object.values(codes))).toEqual(new Set(["repository_not_found"]));
        expect(await oci.listReferrers(stranger, { repository, digest: manifest })).toEqual({ descriptors: [] });
        const upload = { repository, uploadId };
        expect(await codeOf(oci.getUpload(stranger, upload))).toBe("upload_not_found");
        expect(await codeOf(oci.appendUpload(stranger, { ...upload, source: source("x") }))).toBe("upload_not_found");
        expect(await codeOf(oci.completeUpload(stranger, { ...upload, digest }))).toBe("upload_not_found");
        expect(await codeOf(oci.cancelUpload(stranger, upload))).toBe("upload_not_found");
        expect(await oci.mountBlob(stranger, { repository: "mine", digest, from: repository })).toBeUndefined();
      }
      expect(await oci.mountBlob(stranger, { repository: "mine", digest })).toBeUndefined();
      expect(await oci.listRepositories(stranger)).toEqual({ repositories: [], more: false });
      expect(await registry.ledger.head()).toEqual(head);
    });

    test("has a repository of the same name", async () => {
      const { registry } = await scene();
      await pushImage(registry, "team/image", ["ours"], "latest");
      const theirs = await pushImage(registry, "team/image", ["theirs"], "latest", stranger);
      const pulled = await registry.oci.getManifest(stranger, { repository: "team/image", reference: "latest" });
      expect(pulled.digest).toBe(theirs.manifest);
    });
  });

  describe("a principal who is not local, or acts in a tenant that is not theirs,", () => {
    const local = caller.principal;
    const others: Record<string, Caller> = {
      human: { principal: { ...local, kind: "human" }, tenant: "default" },
      service: { principal: { ...local, kind: "service", roles: ["admin"] }, tenant: "default" },
      anonymous: { principal: { ...local, kind: "anonymous" }, tenant: "default" },
      "local elsewhere": { principal: { ...local, tenants: ["elsewhere"] }, tenant: "default" },
      "local nowhere": { principal: { ...local, tenants: [] }, tenant: "default" },
    };
    for (const [kind, who] of Object.entries(others)) {
      test(`is denied everything: ${kind}`, async () => {
        const { registry, packageId } = await scene();
        const head = await registry.ledger.head();
        const calls = await everyCall(registry, who, packageId);
        // A use case that is added must be added here.
        const named = Object.keys(calls).map((name) => name.split(",")[0]);
        const methods = Object.keys(registry).filter((name) => !["ledger", "close", "oci"].includes(name));
        methods.push(...Object.keys(registry.oci).map((name) => `oci.${name}`));
        expect([...new Set(named)].toSorted()).toEqual(methods.toSorted());
        for (const [name, call] of Object.entries(calls)) {
          expect({ name, code: (await failureOf(call()))?.code }).toEqual({ name, code: "access_denied" });
        }
        expect(await registry.ledger.head()).toEqual(head);
      });
    }
  });
});
