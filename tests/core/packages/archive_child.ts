/**
 * Spawned on each runtime: `archive_child.ts <dir> <MiB>` takes in a tar of so many MiB, made while it is read, gives it out
 * as tar and zip, and says how far its memory grew: `{ added, bytes, tar, zip, grown }`.
 */
import process from "node:process";
import { tarHeader, tarPadding } from "../../../core/packages/archive_tar_write.ts";
import { openLocal } from "../../../mod.ts";

const [dir = "", mebibytes = "0"] = process.argv.slice(2);
const MIB = 1024 * 1024;
const registry = await openLocal({ dir });
const { caller } = registry;
const { package_id: packageId } = await registry.createPackage(caller, { name: "big", retentionClass: "working" });

/** Half of it is one file, the other half files of 1 MiB, no two alike. */
async function* tar(total: number): AsyncGenerator<Uint8Array> {
  const chunk = new Uint8Array(128 * 1024);
  let counter = 0;
  const half = total / 2;
  for (const size of [half, ...new Array(half / MIB).fill(MIB)]) {
    yield tarHeader({ path: `file-${++counter}`, kind: "file", size, executable: false, target: "" }, 0);
    for (let at = 0; at < size; at += chunk.length) {
      const next = chunk.slice();
      new DataView(next.buffer).setFloat64(0, ++counter);
      yield next.subarray(0, Math.min(next.length, size - at));
    }
    yield tarPadding(size);
  }
  yield new Uint8Array(1024);
}

let peak = process.memoryUsage().rss;
const before = peak;
const timer = setInterval(() => {
  peak = Math.max(peak, process.memoryUsage().rss);
}, 10);
const { added, bytes } = await registry.importArchive(caller, { packageId, source: tar(Number(mebibytes) * MIB) });
const lengths: Record<string, number> = {};
for (const format of ["tar", "zip"] as const) {
  let length = 0;
  for await (const piece of (await registry.exportArchive(caller, { package: packageId, format })).body) {
    length += piece.length;
  }
  lengths[format] = length;
}
clearInterval(timer);
console.log(JSON.stringify({ added, bytes, ...lengths, grown: Math.round((peak - before) / MIB) }));
await registry.close();
