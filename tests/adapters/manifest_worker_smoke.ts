/**
 * A manifest of some megabytes becomes JSON in a worker, on whatever runtime runs this file, while this thread goes on.
 * Prints one line of JSON. `manifest_worker.test.ts` runs it on Node, Deno and as a compiled file.
 */
import { createManifestProjector } from "../../adapters/manifest-worker/mod.ts";
import { decodeManifest, encodeManifest, type Manifest, manifestToJcs } from "../../core/manifest/mod.ts";
import typical from "../vectors/manifest/typical.json" with { type: "json" };

const fromHex = (hex: string) => Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
const small = decodeManifest(fromHex(typical.cbor));
const large: Manifest = {
  ...small,
  files: Array.from({ length: 20_000 }, (_, i) => ({
    kind: "directory",
    path: `${String(i).padStart(6, "0")}${"ü".repeat(50)}`,
  })),
};
const project = createManifestProjector();
const refusal = (work: Promise<unknown>) =>
  work.then(
    () => "none",
    (error) => error.code,
  );
const same = (a: Uint8Array, b: Uint8Array) => a.length === b.length && a.every((byte, i) => byte === b[i]);
const joined = (pieces: readonly Uint8Array[]) => Uint8Array.from(pieces.flatMap((piece) => [...piece]));

let turns = 0;
const timer = setInterval(() => turns++, 1);
// At once, so that they queue up.
const [one, two, damaged, tooLong] = await Promise.all([
  project(encodeManifest(large), { maxBytes: 1e9 }),
  project(fromHex(typical.cbor), { maxBytes: 1e9 }),
  refusal(project(fromHex(typical.cbor).with(0, 0xff), { maxBytes: 1e9 })),
  refusal(project(encodeManifest(large), { maxBytes: 1_000_000 })),
]);
clearInterval(timer);
const aborter = new AbortController();
const aborted = refusal(project(encodeManifest(large), { maxBytes: 1e9, signal: aborter.signal }));
setTimeout(() => aborter.abort(), 5);

console.log(
  JSON.stringify({
    large: same(joined(one), manifestToJcs(large)),
    pieces: one.length > 1,
    small: new TextDecoder().decode(two[0]) === typical.jcs,
    turns: turns > 3,
    refused: [damaged, tooLong, await aborted],
    after: (await project(fromHex(typical.cbor), { maxBytes: 1e9 })).length,
  }),
);
