/** Finalised packages as OCI artifacts: what is pulled, what is found under which name, what stays as it is. */
import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { sql } from "kysely";
import { collect, decodeManifest, type PackageEntry } from "../../../core/mod.ts";
import { digestOf, IMAGE, pushImage } from "../../support/oci_images.ts";
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
  stranger,
  text,
  wholeLog,
} from "../../support/registry_fixture.ts";
import { commitRaw, deletePackage } from "../../support/registry_tamper.ts";
import { member, pax, tar } from "../../support/tar_bytes.ts";

setDefaultTimeout(120_000);
afterEach(closeFixtures);

const repository = "packages/default/team/demo";

interface Artifact {
  readonly artifactType: string;
  readonly config: { readonly mediaType: string; readonly digest: string; readonly size: number };
  readonly layers: readonly {
    readonly annotations: Readonly<Record<string, string>>;
    readonly digest: string;
    readonly mediaType: string;
    readonly size: number;
  }[];
}

forEachDatabase((_, open) => {
  const scene = async () => {
    const fixture = await openFixture({ database: await open() });
    const { registry } = fixture;
    const { oci } = registry;
    const get = (reference: string, from = repository) => oci.getManifest(caller, { repository: from, reference });
    const parsed = async (reference: string) =>
      JSON.parse(new TextDecoder().decode((await get(reference)).bytes)) as Artifact;
    const blob = (digest: string, from = repository) => oci.findBlob(caller, { repository: from, digest });
    const read = async (digest: string, from = repository) =>
      await collect((await (await blob(digest, from)).open()).body, 1 << 26);
    const tags = async (input: { limit?: number; last?: string } = {}) =>
      await oci.listTags(caller, { repository, ...input });
    /** A finalised package of these files. */
    const release = async (
      version: string | undefined,
      files: Readonly<Record<string, string | Uint8Array>> = {},
      name = "team/demo",
    ) => {
      const { package_id: id } = await newPackage(registry, { name, ...(version !== undefined && { version }) });
      for (const [path, content] of Object.entries(files)) await ingest(registry, id, path, content);
      await registry.finalizePackage(caller, id);
      return id;
    };
    const ok = async () => expect((await registry.checkReplay(caller)).differing).toEqual([]);
    return { ...fixture, oci, get, parsed, blob, read, tags, release, ok };
  };

  describe("a finalised package", () => {
    test("is pulled under its id, its version and as the latest, with names and bytes", async () => {
      const { registry, oci, get, parsed, read, tags, ok } = await scene();
      const large = pattern(300_000);
      const { package_id: id } = await newPackage(registry, { name: "team/demo", version: "1.0" });
      await registry.ingestFile(caller, {
        packageId: id,
        path: "docs/ä b.md",
        source: source("# hi"),
        mediaType: "text/markdown",
      });
      await ingest(registry, id, "bin/tool", large);
      await ingest(registry, id, "empty", "");
      await registry.addDirectory(caller, { packageId: id, path: "nothing" });
      await registry.addSymlink(caller, { packageId: id, path: "link", target: "bin/tool" });
      expect(await codeOf(get("1.0"))).toBe("repository_not_found");
      await registry.finalizePackage(caller, id);

      const { digest, media_type, size, bytes } = await get("1.0");
      expect([digest, media_type, size]).toEqual([digestOf(bytes), IMAGE, bytes.length]);
      for (const reference of [id, "latest", digest]) {
        expect(await get(reference)).toEqual({ digest, media_type, size, bytes });
        expect(await oci.findManifest(caller, { repository, reference })).toEqual({ digest, media_type, size });
      }
      const { artifactType, config, layers } = await parsed("1.0");
      expect(artifactType).toBe("application/vnd.artifactstore.package.v1");
      expect(
        layers.map(({ annotations, mediaType }) => [annotations["org.opencontainers.image.title"], mediaType]),
      ).toEqual([
        ["bin/tool", "application/octet-stream"],
        ["docs/ä b.md", "text/markdown"],
        ["empty", "application/octet-stream"],
      ]);
      for (const [i, content] of [large, text("# hi"), text("")].entries()) {
        const layer = layers[i] as Artifact["layers"][number];
        expect(layer).toMatchObject({ digest: digestOf(content), size: content.length });
        expect(await read(layer.digest)).toEqual(content as Uint8Array<ArrayBuffer>);
      }
      expect(config).toMatchObject({ mediaType: "application/vnd.artifactstore.package.manifest.v1+cbor" });
      const cbor = await registry.getManifestBytes(caller, id, "cbor");
      expect(await read(config.digest)).toEqual(cbor as Uint8Array<ArrayBuffer>);
      expect(decodeManifest(await read(config.digest)).files.map(({ path }: PackageEntry) => path)).toContain(
        "nothing",
      );
      expect(await tags()).toEqual({ name: repository, tags: ["1.0", id, "latest"].toSorted(), more: false });
      await ok();
    });

    test("may have no files, and is pulled all the same", async () => {
      const { parsed, release } = await scene();
      await release("0");
      expect((await parsed("0")).layers).toEqual([]);
    });

    test("has another manifest than one of the same content, which is the latest now", async () => {
      const { get, release } = await scene();
      const files = { "a.txt": "the same" };
      const [first, second] = [await release("1", files), await release(undefined, files)];
      const [one, two] = [await get(first), await get(second)];
      expect(one.digest).not.toBe(two.digest);
      expect((await get("latest")).digest).toBe(two.digest);
      expect((await get("1")).digest).toBe(one.digest);
    });

    test("leaves with its deletion, and the one before is the latest again; the same after a replay", async () => {
      const { registry, get, blob, tags, release, ok } = await scene();
      const first = await release("1", { "a.txt": "first", "b.txt": "both" });
      const kept = await get("1");
      const second = await release("2", { "a.txt": "second", "b.txt": "both" });
      const gone = await get("2");
      await deletePackage(registry, caller, second);
      for (const reference of ["2", second, gone.digest]) {
        expect(await codeOf(get(reference))).toBe("manifest_not_found");
      }
      expect((await get("latest")).digest).toBe(kept.digest);
      expect((await tags()).tags).toEqual(["1", first, "latest"].toSorted());
      const { config } = JSON.parse(new TextDecoder().decode(gone.bytes)) as Artifact;
      for (const digest of [digestOf("second"), config.digest])
        expect(await codeOf(blob(digest))).toBe("blob_not_found");
      expect((await blob(digestOf("both"))).size).toBe(4);
      // What it was is erased from the log, too.
      for (const { sequence, subject, type } of await wholeLog(registry)) {
        if (subject === second && type !== "v1.package.deleted") {
          await registry.redactEvent(caller, { sequence, reason: "asked for" });
        }
      }
      await ok();
      await deletePackage(registry, caller, first);
      expect(await codeOf(get("latest"))).toBe("repository_not_found");
      expect(await codeOf(tags())).toBe("repository_not_found");
      expect(await codeOf(blob(digestOf("both")))).toBe("repository_not_found");
      await ok();
    });
  });

  describe("a package of more than OCI clients take", () => {
    test("is not there, and the refusal names what gets it", async () => {
      const { registry, oci, get, blob, tags, release, ok } = await scene();
      const { package_id: id } = await newPackage(registry, { name: "team/demo", version: "large" });
      // Not many files, but long names: 4 MiB of them.
      const folder = Array(15).fill("x".repeat(250)).join("/");
      const members = Array.from({ length: 1100 }, (_, i) => [pax({ path: `${folder}/${i}` }), member({}, "large")]);
      await registry.importArchive(caller, { packageId: id, source: source(tar(...members.flat())) });
      await registry.finalizePackage(caller, id);
      for (const reference of ["large", id, "latest"]) {
        const failure = await failureOf(get(reference));
        expect(failure?.code).toBe("manifest_not_found");
        expect(failure?.message).toContain(`artifactstore fetch ${id}`);
        expect(await codeOf(oci.findManifest(caller, { repository, reference }))).toBe("manifest_not_found");
        expect(await codeOf(oci.deleteTag(caller, { repository, tag: reference }))).toBe("access_denied");
      }
      expect((await tags()).tags).toEqual([]);
      expect((await oci.listRepositories(caller)).repositories).toEqual([repository]);
      expect(await codeOf(blob(digestOf("large")))).toBe("blob_not_found");
      const mounted = { repository: "x", digest: digestOf("large"), from: repository };
      expect(await oci.mountBlob(caller, mounted)).toBeUndefined();
      const small = await release("small", { a: "large" });
      expect((await tags()).tags).toEqual(["latest", small, "small"].toSorted());
      expect((await blob(digestOf("large"))).size).toBe(5);
      await ok();
    }, 120_000);
  });

  describe("blobs", () => {
    test("are read in part, files and the manifest of the package", async () => {
      const { registry, parsed, blob, release } = await scene();
      const bytes = pattern(70_000);
      const id = await release("1", { a: bytes });
      const { config, layers } = await parsed("1");
      const cbor = await registry.getManifestBytes(caller, id, "cbor");
      for (const [digest, whole] of [
        [layers[0]?.digest as string, bytes],
        [config.digest, cbor],
      ] as const) {
        const found = await blob(digest);
        expect([found.digest, found.size, found.intact]).toEqual([digest, whole.length, true]);
        for (const [start, end] of [
          [0, 1],
          [17, 100],
          [whole.length - 1, whole.length],
          [5, 5],
        ] as const) {
          const { length, body } = await found.open({ range: { start, end } });
          expect(length).toBe(end - start);
          expect(await collect(body, 1 << 20)).toEqual(whole.slice(start, end) as Uint8Array<ArrayBuffer>);
        }
        const past = (async () =>
          await collect((await found.open({ range: { start: 0, end: whole.length + 1 } })).body, 1 << 20))();
        expect(await codeOf(past)).toBe("invalid_argument");
      }
    });

    test("of a package are none of another name's, of an open one's, or of sha512", async () => {
      const { registry, blob, release } = await scene();
      await release("1", { a: "of one" });
      await release("1", { a: "of other" }, "other");
      const { package_id } = await newPackage(registry, { name: "team/demo" });
      await ingest(registry, package_id, "a", "not finalised");
      expect(await codeOf(blob(digestOf("of other")))).toBe("blob_not_found");
      expect(await codeOf(blob(digestOf("not finalised")))).toBe("blob_not_found");
      expect(await codeOf(blob(digestOf("of one", "sha512")))).toBe("blob_not_found");
      expect((await blob(digestOf("of other"), "packages/default/other")).size).toBe(8);
    });

    test("that are damaged say so, as those of ordinary repositories do", async () => {
      const { registry, blob, read, release } = await scene();
      await release("1", { a: "good once" });
      const digest = digestOf("good once");
      const { content_address: subject } = await blob(digest);
      const payload = { backend_id: "memory", key: "x", problem: "digest" } as const;
      await commitRaw(registry, caller, { type: "v1.object.damage_found", subject, payload });
      expect((await blob(digest)).intact).toBe(false);
      expect(await codeOf(read(digest))).toBe("object_corrupt");
    });

    test("are found among many packages that have the same content, and many of the same name", async () => {
      const { blob, release, ok } = await scene();
      // More than a page of either: the content in other names, and other contents in this name.
      const shared = { shared: "in many" };
      await release("first", shared);
      for (let i = 0; i < 40; i++) await release(undefined, { only: `here ${i}` });
      for (let i = 0; i < 40; i++) await release(undefined, shared, `others/${i}`);
      expect((await blob(digestOf("in many"))).size).toBe(7);
      expect((await blob(digestOf("here 0"))).size).toBe(6);
      await release(undefined, { x: "elsewhere" }, "others/x");
      expect(await codeOf(blob(digestOf("elsewhere")))).toBe("blob_not_found");
      await ok();
    }, 60_000);
  });

  describe("tags", () => {
    test("are ids, versions and latest in byte order, page by page, each once", async () => {
      const { tags, release } = await scene();
      const versions = ["0.9", "1.0", "V2", "_", "a", "latest-1", "lates", "z"];
      const ids: string[] = [];
      for (const version of [...versions, undefined, undefined]) ids.push(await release(version));
      await release("1.0", {}, "team/demo2");
      const all = [...versions, ...ids, "latest"].toSorted();
      expect((await tags()).tags).toEqual(all);
      for (const limit of [1, 2, 7, all.length - 1, all.length, all.length + 1]) {
        const seen: string[] = [];
        for (let last: string | undefined; ; ) {
          const page = await tags({ limit, ...(last !== undefined && { last }) });
          expect(page.tags.length).toBeLessThanOrEqual(limit);
          seen.push(...page.tags);
          if (!page.more) break;
          last = page.tags.at(-1) as string;
        }
        expect(seen).toEqual(all);
      }
      expect(await tags({ limit: 0 })).toEqual({ name: repository, tags: [], more: false });
      expect((await tags({ last: "lb" })).tags).toEqual(["z"]);
      expect((await tags({ last: "é" })).tags).toEqual([]);
      expect(await codeOf(tags({ limit: 1001 }))).toBe("invalid_argument");
    });

    test("go on after a version that is called latest, where the newest cannot be pulled", async () => {
      const { database, tags, release } = await scene();
      for (const version of ["latest", "m", "y", "z"]) await release(version);
      const newest = await release("x");
      const unpullable = { artifact_digest: null, artifact_size: null, config_digest: null, config_size: null };
      await database.write((trx) =>
        trx.updateTable("package_artifacts").set(unpullable).where("package_id", "=", newest).execute(),
      );
      const seen: string[] = [];
      for (let last = "g"; ; ) {
        const page = await tags({ limit: 1, last });
        seen.push(...page.tags);
        if (!page.more) break;
        last = page.tags.at(-1) as string;
      }
      expect(seen).toEqual(["m", "y", "z"]);
    });

    test("mean an id first, then the newest, then a version", async () => {
      const { get, tags, release } = await scene();
      const latest = await release("latest");
      const first = await release("1");
      const named = await release(first);
      const newest = await release("2");
      expect((await get("latest")).digest).toBe((await get(newest)).digest);
      expect((await get(first)).digest).toBe((await get("1")).digest);
      expect((await tags()).tags).toEqual(["1", "2", "latest", latest, first, named, newest].toSorted());
    });

    test("of names that nothing has are not there", async () => {
      const { get, tags, release } = await scene();
      expect(await codeOf(tags())).toBe("repository_not_found");
      await release("1");
      expect(await codeOf(get("2"))).toBe("manifest_not_found");
      expect(await codeOf(get("x", "packages/default/none"))).toBe("repository_not_found");
      expect(await codeOf(get(digestOf("x")))).toBe("manifest_not_found");
      for (const name of ["packages/default", "packages/team/demo", "packages/default/team"]) {
        expect(await codeOf(get("1", name))).toBe("repository_not_found");
      }
      expect(await codeOf(get("sha256:bad"))).toBe("invalid_digest");
      expect(await codeOf(get(".bad"))).toBe("invalid_tag");
      expect(await codeOf(get("1", "packages/default/Team"))).toBe("invalid_name");
    });
  });

  describe("the catalog", () => {
    test("has repositories of packages among the others, in byte order, page by page", async () => {
      const { registry, oci, release } = await scene();
      const ordinary = ["a", "packages-x/y", "packagesz", "z"];
      for (const name of ordinary) await pushImage(registry, name, [], "1");
      const named = ["b", "b-c", "b.c", "b/c", "b0", "team/demo"];
      for (const name of named.toReversed()) {
        await release("1", {}, name);
        await release("2", {}, name);
      }
      const { package_id } = await newPackage(registry, { name: "open" });
      expect(package_id).toBeString();
      const all = [...ordinary, ...named.map((name) => `packages/default/${name}`)].toSorted();
      expect(await oci.listRepositories(caller)).toEqual({ repositories: all, more: false });
      for (const limit of [1, 2, 3, all.length - 1, all.length]) {
        const seen: string[] = [];
        for (let last: string | undefined; ; ) {
          const page = await oci.listRepositories(caller, { limit, ...(last !== undefined && { last }) });
          expect(page.repositories.length).toBeLessThanOrEqual(limit);
          seen.push(...page.repositories);
          if (!page.more) break;
          last = page.repositories.at(-1) as string;
        }
        expect(seen).toEqual(all);
      }
      const after = async (last: string) => (await oci.listRepositories(caller, { last })).repositories;
      expect(await after("packages/")).toEqual(all.filter((name) => name > "packages/"));
      expect(await after("packages/default/b.")).toEqual(all.filter((name) => name > "packages/default/b."));
      expect(await after("packages/default/é")).toEqual(["packagesz", "z"]);
      expect(await after("packages/e")).toEqual(["packagesz", "z"]);
      expect(await after("é")).toEqual([]);
      expect(await oci.listRepositories(caller, { limit: 0 })).toEqual({ repositories: [], more: false });
      const beginning = async (prefix: string) => (await oci.listRepositories(caller, { prefix })).repositories;
      for (const prefix of ["pack", "packages/", "packages/default/b", "packages/default/b/", "packages/x", "a"]) {
        expect(await beginning(prefix)).toEqual(all.filter((name) => name.startsWith(prefix)));
      }
    });
  });

  describe("a name that is too long for a repository", () => {
    test("is not in the catalog, and ends no page before its time", async () => {
      const { registry, oci } = await scene();
      const tenant = "t".repeat(100);
      const who = { ...stranger, tenant, principal: { ...stranger.principal, tenants: [tenant] } };
      const room = 255 - `packages/${tenant}/`.length;
      const longest = "c".repeat(room);
      for (const name of ["a", `b${longest}`, longest, `c${longest}`, `d${longest}`, "z"]) {
        const { package_id } = await registry.createPackage(who, { name, retentionClass: "working" });
        await registry.finalizePackage(who, package_id);
      }
      const seen: string[] = [];
      for (let last = ""; ; ) {
        const page = await oci.listRepositories(who, { limit: 1, last });
        seen.push(...page.repositories);
        if (!page.more) break;
        last = page.repositories.at(-1) as string;
      }
      expect(seen).toEqual(["a", longest, "z"].map((name) => `packages/${tenant}/${name}`));
    });
  });

  describe("another tenant", () => {
    test("is told of nothing, whatever it asks and however it is called", async () => {
      const { oci, parsed, release } = await scene();
      await release("1", { a: "secret" });
      const { config } = await parsed("1");
      const absent = repository.replace("team/demo", "absent");
      const asked = async (name: string) => {
        const at = { repository: name };
        const failures = [
          oci.getManifest(stranger, { ...at, reference: "1" }),
          oci.getManifest(stranger, { ...at, reference: "latest" }),
          oci.findManifest(stranger, { ...at, reference: digestOf("x") }),
          oci.findBlob(stranger, { ...at, digest: digestOf("secret") }),
          oci.findBlob(stranger, { ...at, digest: config.digest }),
          oci.listTags(stranger, at),
          oci.startUpload(stranger, at),
          oci.pushBlob(stranger, { ...at, digest: digestOf("x"), source: source("x") }),
          oci.mountBlob(stranger, { ...at, digest: digestOf("secret") }),
          oci.pushManifest(stranger, { ...at, reference: digestOf("{}"), bytes: text("{}") }),
          oci.deleteTag(stranger, { ...at, tag: "1" }),
          oci.deleteManifest(stranger, { ...at, digest: digestOf("x") }),
          oci.deleteBlob(stranger, { ...at, digest: digestOf("secret") }),
        ].map(async (call) => {
          const failure = await failureOf(call);
          return [failure?.code, failure?.message.replaceAll(name, "")];
        });
        return [
          ...(await Promise.all(failures)),
          await oci.listReferrers(stranger, { ...at, digest: digestOf("x") }),
          await oci.mountBlob(stranger, { repository: "mine", digest: digestOf("secret"), from: name }),
          await oci.mountBlob(stranger, { repository: "mine", digest: digestOf("secret") }),
        ];
      };
      const answers = await asked(repository);
      expect(answers).toEqual(await asked(absent));
      expect(answers).toEqual(await asked("packages/elsewhere/team/demo"));
      expect(answers.at(-1)).toBeUndefined();
      expect((await oci.listRepositories(stranger)).repositories).toEqual([]);
      // The owner, of names of that tenant.
      expect(await codeOf(oci.listTags(caller, { repository: "packages/elsewhere/team/demo" }))).toBe(
        "repository_not_found",
      );
    });
  });

  test("what is asked for walks an index, however many packages there are", async () => {
    const { database } = await scene();
    if (database.kind !== "sqlite") return;
    const plan = async (query: ReturnType<typeof sql>) => {
      const { rows } = await sql<{ detail: string }>`explain query plan ${query}`.execute(database.read);
      return rows.map(({ detail }) => detail).join("; ");
    };
    const of = sql`from package_artifacts where tenant = 'x' and name = 'y'`;
    const plans = {
      package_artifacts_newest: sql`select package_id ${of} order by sequence desc limit 1`,
      package_artifacts_id: sql`select package_id ${of} and artifact_digest is not null and package_id > 'z' order by package_id limit 1`,
      package_artifacts_version: sql`select version ${of} and artifact_digest is not null and version > 'z' order by version limit 1`,
      package_artifacts_digest: sql`select package_id ${of} and artifact_digest = 'z'`,
      package_artifacts_config: sql`select package_id ${of} and config_digest = 'z'`,
      artifact_files_holder: sql`select package_id from artifact_files where content_address = 'x' and package_id < 'y' order by package_id desc limit 1`,
    };
    for (const [index, query] of Object.entries(plans)) {
      const found = await plan(query);
      expect(found).toContain(index);
      expect(found).not.toContain("SCAN");
      expect(found).not.toContain("TEMP B-TREE");
    }
  });
});
