/**
 * Any image: what export-oci writes of it, what import-oci makes of it, and what is pushed of either are the same, byte
 * for byte. On both databases, in this process.
 */
import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { walk } from "../../cli/files/walk.ts";
import { checkLayout } from "../../cli/oci/check_layout.ts";
import { imageLayout, type Layout, packageLayout } from "../../cli/oci/layout.ts";
import { writeLayoutDirectory, writeLayoutTar } from "../../cli/oci/write_layout.ts";
import { layoutDigest, layoutPath, type Registry } from "../../core/mod.ts";
import { CONFIG, descriptor, digestOf, IMAGE, INDEX, imageOf, indexOf, LAYER } from "../support/oci_images.ts";
import { forEachDatabase } from "../support/postgres.ts";
import { caller, closeFixtures, hasher, openFixture, source } from "../support/registry_fixture.ts";
import { filesBelow } from "./support.ts";

setDefaultTimeout(300_000);
afterEach(closeFixtures);

type Algorithm = "sha256" | "sha512";
interface Node {
  readonly layers: readonly string[];
  readonly algorithm: Algorithm;
  readonly subject: boolean;
  readonly children: readonly Node[];
}

const algorithm = fc.constantFrom<Algorithm>("sha256", "sha256", "sha256", "sha512");
const { node } = fc.letrec<{ node: Node }>((tie) => ({
  node: fc.record({
    layers: fc.array(fc.string({ unit: "binary", maxLength: 40 }), { maxLength: 3 }),
    algorithm,
    subject: fc.boolean(),
    children: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      { weight: 2, arbitrary: fc.constant([]) },
      { weight: 1, arbitrary: fc.array(tie("node"), { minLength: 1, maxLength: 3 }) },
    ),
  }),
}));

/** Everything below it, itself, and sometimes an artifact that refers to it. */
async function push({ oci }: Registry, repository: string, of: Node) {
  const blob = (content: string, digest: string) =>
    oci.pushBlob(caller, { repository, digest, source: source(content) });
  const manifest = async (bytes: Uint8Array, mediaType: string, by: Algorithm) => {
    await oci.pushManifest(caller, { repository, reference: digestOf(bytes, by), mediaType, bytes });
    return descriptor(mediaType, bytes, by);
  };
  const make = async ({ layers, algorithm: by, subject, children }: Node): Promise<ReturnType<typeof descriptor>> => {
    await blob("{}", digestOf("{}"));
    for (const content of layers) await blob(content, digestOf(content, by));
    const image = imageOf([], { layers: layers.map((layer) => descriptor(LAYER, layer, by)) });
    const below = [];
    for (const child of children) below.push(await make(child));
    const made = await (children.length === 0 ? manifest(image, IMAGE, by) : manifest(indexOf(below), INDEX, by));
    if (subject)
      await manifest(
        imageOf([], { subject: made, artifactType: "text/x", config: descriptor(CONFIG, "{}") }),
        IMAGE,
        by,
      );
    return made;
  };
  const root = await make(of);
  const { bytes, media_type: mediaType } = await oci.getManifest(caller, { repository, reference: root.digest });
  await oci.pushManifest(caller, { repository, reference: "tag", mediaType, bytes });
}

async function write(layout: Layout, home: string, name: string) {
  const options = { hasher, concurrency: 3, signal: new AbortController().signal, onProgress: () => {} };
  const [dir, tar] = [join(home, name), join(home, `${name}.tar`)];
  await writeLayoutDirectory(layout, dir, options);
  await writeLayoutTar(layout, tar, options);
  const files = new Map(
    filesBelow(dir).map((path) => [path.slice(dir.length + 1), readFileSync(path).toString("latin1")]),
  );
  return { dir, files, tar: readFileSync(tar).toString("latin1") };
}

/** What stands in a layout, blobs first, into another repository. */
async function pushLayout({ oci }: Registry, repository: string, dir: string): Promise<void> {
  const files = filesBelow(dir).map((path) => ({ path: path.slice(dir.length + 1), bytes: readFileSync(path) }));
  const manifests: { digest: string; bytes: Buffer; mediaType: string }[] = [];
  for (const { path, bytes } of files) {
    const digest = layoutDigest(path)?.toString();
    if (digest === undefined) continue;
    const mediaType = /^\{"schemaVersion":2,"mediaType":"([^"]+)"/.exec(bytes.toString())?.[1];
    if (mediaType !== undefined) manifests.push({ digest, bytes, mediaType });
    else await oci.pushBlob(caller, { repository, digest, source: source(bytes) });
  }
  for (const { digest, bytes, mediaType } of manifests) {
    const pushed = await oci.pushManifest(caller, { repository, reference: digest, mediaType, bytes });
    expect(pushed.digest).toBe(digest);
  }
  const index = JSON.parse(readFileSync(join(dir, "index.json"), "utf8"));
  const root = manifests.find(({ digest }) => digest === index.manifests[0].digest);
  if (root === undefined) throw new Error("index.json names what is not there");
  // A tag by sha512 is a tag of bytes that sha256 names, too.
  await oci.pushManifest(caller, { repository, reference: "tag", mediaType: root.mediaType, bytes: root.bytes });
}

forEachDatabase((_, open) => {
  test("export(import(x)), export(x) and export(push(export(x))) are equal, for any x", async () => {
    const { registry } = await openFixture({ database: await open() });
    const home = mkdtempSync(join(tmpdir(), "artifactstore-round-trip-"));
    let run = 0;
    try {
      await fc.assert(
        fc.asyncProperty(node, fc.boolean(), async (image, referrers) => {
          const at = `r${++run}`;
          await push(registry, at, image);
          const how = { referrers, allowMissing: false };
          const named = { repository: at, reference: "tag" };
          const exported = await write(await imageLayout(registry, caller, named, how), home, `${at}-exported`);
          const package_ = { name: "kept", retentionClass: "working" };
          const made = await registry.importOci(caller, { ...named, referrers, package: package_ });
          const layout = await packageLayout(registry, caller, made.package_id);
          const imported = await write(layout as Layout, home, `${at}-imported`);
          expect(imported.files).toEqual(exported.files);
          expect(imported.tar).toBe(exported.tar);
          const signal = new AbortController().signal;
          const options = { hasher, allowMissing: false, signal, onProgress: () => {} };
          const checked = await checkLayout(await walk(exported.dir), options);
          expect([...checked.digests.keys()].sort()).toEqual([...exported.files.keys()].sort());

          await pushLayout(registry, `${at}/again`, exported.dir);
          const again = { repository: `${at}/again`, reference: "tag" };
          const pushed = await write(await imageLayout(registry, caller, again, how), home, `${at}-pushed`);
          expect(pushed.files).toEqual(exported.files);
          const root = JSON.parse(exported.files.get("index.json") ?? "").manifests[0].digest;
          expect(exported.files.has(layoutPath(root))).toBe(true);
        }),
        { numRuns: 15 },
      );
    } finally {
      rmSync(home, { recursive: true, force: true });
    }
  });
});
