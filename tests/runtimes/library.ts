/**
 * The library in a process of its own: `library.ts <dir> write <name>` keeps a package, `library.ts <dir> read` reads and
 * proves all that are there. Prints one JSON line.
 */
import process from "node:process";
import { collect, openLocal } from "../../mod.ts";

const [dir = "", mode, name = ""] = process.argv.slice(2);
const registry = await openLocal({ dir });
const { caller } = registry;

/** Bytes that follow from the length: several chunks of odd sizes. */
async function* content(length: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < length; ) {
    const chunk = new Uint8Array(Math.min(100_003, length - at));
    for (let i = 0; i < chunk.length; i++) chunk[i] = (at + i) % 251;
    at += chunk.length;
    yield chunk;
  }
}

if (mode === "write") {
  const { package_id: packageId } = await registry.createPackage(caller, {
    name,
    version: "1",
    retentionClass: "working",
    metadata: { written_by: name, ünïcödé: "日本" },
    externalRefs: [{ system: "ci", id: "42", url: "https://ci.example/42" }],
  });
  for (const length of [0, 1, 65_536, 3_000_000]) {
    await registry.ingestFile(caller, { packageId, path: `bytes/${length}`, source: content(length) });
  }
  await registry.ingestFile(caller, { packageId, path: `own/e\u0301-${name}`, source: new Blob([name]).stream() });
  await registry.addDirectory(caller, { packageId, path: "empty" });
  await registry.addSymlink(caller, { packageId, path: "link", target: "bytes/1" });
  const { manifest_digest } = await registry.finalizePackage(caller, packageId);
  console.log(JSON.stringify({ packageId, manifest_digest }));
} else {
  const packages = [];
  const { items } = await registry.listPackages(caller);
  for (const found of items) {
    const sizes = [];
    for (const entry of (await registry.listFiles(caller, found.package_id)).items) {
      if (entry.kind !== "file") continue;
      const { body } = await registry.openFile(caller, entry);
      sizes.push((await collect(body, 2 ** 30)).length);
    }
    const { ok } = await registry.verifyPackage(caller, found.package_id);
    const manifest = await registry.getManifestBytes(caller, `${found.name}@1`, "cbor");
    packages.push({ name: found.name, digest: found.manifest_digest, sizes, ok, manifest: manifest.length });
  }
  const [log, replay] = [await registry.verifyEvents(caller), await registry.checkReplay(caller)];
  const head = await registry.head(caller);
  packages.sort((a, b) => (a.name < b.name ? -1 : 1));
  console.log(JSON.stringify({ packages, log: log.ok, replay: replay.ok, views: replay.live.digest, head }));
}
await registry.close();
