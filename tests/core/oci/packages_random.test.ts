/** Packages of any content: every layer is pulled back byte for byte, and the config is the package's manifest. */
import { afterAll, afterEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { collect, type DatabaseKind, decodeManifest } from "../../../core/mod.ts";
import { digestOf, pushText } from "../../support/oci_images.ts";
import { openTarget, testPostgres } from "../../support/postgres.ts";
import { caller, closeFixtures, codeOf, ingest, newPackage, openFixture } from "../../support/registry_fixture.ts";
import { deletePackage } from "../../support/registry_tamper.ts";

const directory = mkdtempSync(join(tmpdir(), "artifactstore-oci-packages-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
afterEach(closeFixtures);

let databases = 0;

async function scene(kind: DatabaseKind) {
  const url = kind === "postgres" ? await testPostgres() : join(directory, `${databases++}.db`);
  const { registry } = await openFixture({ database: await openTarget({ kind, url }, { max: 4 }) });
  const { oci } = registry;
  const read = async (repository: string, digest: string) =>
    await collect((await (await oci.findBlob(caller, { repository, digest })).open()).body, 1 << 20);
  return { registry, oci, read };
}

const NAMES = ["a", "a/b", "ab"] as const;
/** Few contents, so that files of several packages are the same. */
const content = fc.oneof(
  fc.constantFrom("", "{}", "one", "two").map((text) => new TextEncoder().encode(text)),
  fc.uint8Array({ maxLength: 200 }),
);
const segment = fc.string({
  unit: fc.constantFrom("a", "B", "0", " ", "ä", "😀", "~", "\u2028", '"'),
  minLength: 1,
  maxLength: 4,
});
const path = fc
  .array(segment, { minLength: 1, maxLength: 3 })
  .map((segments) => segments.map((each) => `x${each}x`).join("/"));
const aPackage = fc.record({
  name: fc.nat(NAMES.length - 1),
  versioned: fc.boolean(),
  files: fc.uniqueArray(fc.tuple(path, content), {
    selector: ([at]) => at.normalize("NFC").split("/")[0],
    maxLength: 5,
  }),
  empty: fc.boolean(),
  deleted: fc.integer({ min: 0, max: 3 }).map((n) => n === 0),
});

test.each([
  ["sqlite", 25],
  ["postgres", 4],
] as const)(
  "on %s, random packages",
  async (kind, numRuns) => {
    await fc.assert(
      fc.asyncProperty(fc.array(aPackage, { minLength: 1, maxLength: 6 }), async (packages) => {
        const { registry, oci, read } = await scene(kind);
        const living = new Map<string, { name: string; version: string | null; contents: Map<string, Uint8Array> }>();
        const gone: string[] = [];
        for (const [i, { name: at, versioned, files, empty, deleted }] of packages.entries()) {
          const name = NAMES[at] as string;
          const version = versioned ? `v${i}` : null;
          const { package_id: id } = await newPackage(registry, { name, ...(version !== null && { version }) });
          for (const [where, bytes] of files) await ingest(registry, id, where, bytes);
          if (empty) await registry.addDirectory(caller, { packageId: id, path: "empty" });
          await registry.finalizePackage(caller, id);
          if (deleted) {
            await deletePackage(registry, caller, id);
            gone.push(id);
          } else living.set(id, { name, version, contents: new Map(files) });
        }
        const newest = new Map<string, string>();
        for (const [id, { name, version, contents }] of living) {
          const repository = `packages/default/${name}`;
          newest.set(name, id);
          const { digest, bytes } = await oci.getManifest(caller, { repository, reference: version ?? id });
          expect(digest).toBe(digestOf(bytes));
          expect((await oci.getManifest(caller, { repository, reference: digest })).bytes).toEqual(bytes);
          const { config, layers } = JSON.parse(new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes));
          const cbor = await registry.getManifestBytes(caller, id, "cbor");
          expect(await read(repository, config.digest)).toEqual(cbor as Uint8Array<ArrayBuffer>);
          expect(decodeManifest(cbor).package).toMatchObject({ package_id: id, name, version });
          const pulled = new Map<string, Uint8Array>();
          for (const layer of layers) {
            pulled.set(layer.annotations["org.opencontainers.image.title"], await read(repository, layer.digest));
          }
          expect(pulled).toEqual(contents);
        }
        for (const name of NAMES) {
          const repository = `packages/default/${name}`;
          const own = [...living].filter(([, found]) => found.name === name);
          const tags = own.flatMap(([id, { version }]) => (version === null ? [id] : [id, version]));
          if (own.length === 0) {
            expect(await codeOf(oci.listTags(caller, { repository }))).toBe("repository_not_found");
            continue;
          }
          expect((await oci.listTags(caller, { repository })).tags).toEqual([...tags, "latest"].toSorted());
          const latest = await oci.findManifest(caller, { repository, reference: "latest" });
          const reference = newest.get(name) as string;
          expect(latest).toEqual(await oci.findManifest(caller, { repository, reference }));
          for (const id of gone) {
            expect(await codeOf(oci.getManifest(caller, { repository, reference: id }))).toBe("manifest_not_found");
          }
        }
        await pushText(registry, "ordinary", "{}");
        const names = [...newest.keys()].map((name) => `packages/default/${name}`);
        expect((await oci.listRepositories(caller)).repositories).toEqual(["ordinary", ...names].toSorted());
        expect((await registry.checkReplay(caller)).differing).toEqual([]);
        await closeFixtures();
      }),
      { numRuns },
    );
  },
  600_000,
);
