/**
 * The golden vectors of CBOR and manifests on whatever runtime runs this file: encoders and decoders of text differ
 * between engines. Prints the number of vectors; fails by exiting with an uncaught error.
 */
import { createPortableHasher } from "../../../adapters/hasher-portable/mod.ts";
import { fromHex, toHex, utf8 } from "../../../core/base/bytes.ts";
import { decodeCbor, encodeCbor } from "../../../core/base/cbor.ts";
import { fromJson, jcs } from "../../../core/base/jcs.ts";
import {
  decodeManifest,
  encodeManifest,
  manifestDigest,
  manifestFromJcs,
  manifestToJcs,
} from "../../../core/manifest/mod.ts";
import {
  describePackageArtifact,
  entriesOfManifest,
  packageArtifactManifest,
} from "../../../core/manifest/package_artifact.ts";
import cbor from "../../vectors/cbor.json" with { type: "json" };
import awkward from "../../vectors/manifest/awkward.json" with { type: "json" };
import minimal from "../../vectors/manifest/minimal.json" with { type: "json" };
import typical from "../../vectors/manifest/typical.json" with { type: "json" };

function expectEqual(found: string, wanted: string): void {
  if (found !== wanted) throw new Error(`wanted ${wanted}\nfound  ${found}`);
}

for (const { hex, json } of cbor.cases) {
  expectEqual(toHex(encodeCbor(fromJson(json))), hex);
  expectEqual(toHex(jcs(decodeCbor(fromHex(hex)))), toHex(jcs(fromJson(json))));
}
const hasher = createPortableHasher();
for (const golden of [minimal, typical, awkward]) {
  const manifest = decodeManifest(fromHex(golden.cbor));
  expectEqual(toHex(manifestToJcs(manifest)), toHex(utf8(golden.jcs)));
  expectEqual(toHex(encodeManifest(manifestFromJcs(utf8(golden.jcs)))), golden.cbor);
  expectEqual(manifestDigest(manifest, hasher), golden.digest);
  const bytes = fromHex(golden.cbor);
  const artifact = await describePackageArtifact(manifest, bytes, hasher);
  if (artifact === undefined) throw new Error("too large for OCI");
  expectEqual(artifact.manifest.digest, golden.artifact_digest);
  const made = await packageArtifactManifest(entriesOfManifest(bytes), artifact.config);
  expectEqual(toHex(made ?? new Uint8Array()), toHex(utf8(golden.artifact)));
}
console.log(cbor.cases.length + 3);
