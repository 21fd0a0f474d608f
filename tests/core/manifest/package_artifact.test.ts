/** A package's OCI manifest: its bytes, its limits. The golden ones are in tests/vectors/manifest. */
import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import fc from "fast-check";
import { loadHasher } from "../../../adapters/hasher.ts";
import { fromHex } from "../../../core/base/bytes.ts";
import { jcsText } from "../../../core/base/jcs.ts";
import type { ContentAddress } from "../../../core/identity/mod.ts";
import { encodeManifest, type Manifest, type ManifestFile } from "../../../core/manifest/mod.ts";
import { MAX_OCI_MANIFEST_BYTES, readOciManifest } from "../../../core/manifest/oci.ts";
import {
  describePackageArtifact,
  entriesOfManifest,
  packageArtifactManifest,
} from "../../../core/manifest/package_artifact.ts";
import awkward from "../../vectors/manifest/awkward.json" with { type: "json" };
import minimal from "../../vectors/manifest/minimal.json" with { type: "json" };
import typical from "../../vectors/manifest/typical.json" with { type: "json" };
import { manifest } from "./arbitrary.ts";

const hasher = await loadHasher();
const sha256 = (bytes: Uint8Array | string) => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
const text = (bytes: Uint8Array | undefined) => new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
const MEDIA_TYPE = /^[a-z0-9][\w!#$&^.+-]{0,126}\/[a-z0-9][\w!#$&^.+-]{0,126}$/i;

/** As docs/guides/oci-packages.md describes it. */
function described(value: Manifest, cbor: Uint8Array): string {
  const files = value.files.filter((entry) => entry.kind === "file");
  return jcsText({
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    artifactType: "application/vnd.artifactstore.package.v1",
    config: {
      mediaType: "application/vnd.artifactstore.package.manifest.v1+cbor",
      digest: sha256(cbor),
      size: cbor.length,
    },
    layers: files.map(({ path, size, digests, media_type }) => ({
      mediaType: media_type !== null && MEDIA_TYPE.test(media_type) ? media_type : "application/octet-stream",
      digest: `sha256:${digests.sha256}`,
      size,
      annotations: { "org.opencontainers.image.title": path },
    })),
  });
}

const CONFIG = { digest: sha256("config"), size: 6 };
const file = (path: string, media_type: string | null = null): ManifestFile => ({
  kind: "file",
  path,
  content_address: `blake3:${"0".repeat(64)}` as ContentAddress,
  size: 0,
  digests: { sha256: "0".repeat(64) },
  executable: false,
  media_type,
});

describe("the OCI manifest of a package", () => {
  test.each(Object.entries({ minimal, typical, awkward }))("%s has the same bytes as ever", async (_, golden) => {
    const cbor = fromHex(golden.cbor);
    const files = [...entriesOfManifest(cbor)];
    const artifact = await describePackageArtifact({ files }, cbor, hasher);
    expect(artifact?.config).toEqual({ digest: sha256(cbor), size: cbor.length });
    const bytes = await packageArtifactManifest(files, artifact?.config as typeof CONFIG);
    expect(text(bytes)).toBe(golden.artifact);
    expect(artifact?.manifest).toEqual({ digest: golden.artifact_digest, size: bytes?.length as number });
    expect(sha256(bytes as Uint8Array)).toBe(golden.artifact_digest);
  });

  test("is what is described, whatever the package", async () => {
    await fc.assert(
      fc.asyncProperty(manifest, async (value) => {
        const cbor = encodeManifest(value);
        expect([...entriesOfManifest(cbor)]).toEqual([...value.files]);
        const wanted = described(value, cbor);
        const artifact = await describePackageArtifact(value, cbor, hasher);
        const { length: size } = new TextEncoder().encode(wanted);
        expect(artifact).toEqual({
          manifest: { digest: sha256(wanted), size },
          config: { digest: sha256(cbor), size: cbor.length },
        });
        const bytes = await packageArtifactManifest(value.files, { digest: sha256(cbor), size: cbor.length });
        expect(text(bytes)).toBe(wanted);
      }),
      { numRuns: 200 },
    );
  });

  test("can be read by whoever reads manifests that are pushed", async () => {
    const bytes = await packageArtifactManifest([file("a", "text/plain"), file("b")], CONFIG);
    expect(readOciManifest(bytes as Uint8Array)).toMatchObject({
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      artifactType: "application/vnd.artifactstore.package.v1",
      subject: null,
      references: [{ digest: CONFIG.digest }, { digest: `sha256:${"0".repeat(64)}` }],
    });
  });

  test("says what type a file is where that is a media type", async () => {
    const typeOf = async (media_type: string | null) =>
      JSON.parse(text(await packageArtifactManifest([file("a", media_type)], CONFIG))).layers[0].mediaType;
    expect(await typeOf("text/x-a+b.c")).toBe("text/x-a+b.c");
    for (const other of [null, "", "text", "!/x", "text/plain; charset=utf-8", `a/${"x".repeat(128)}`]) {
      expect(await typeOf(other)).toBe("application/octet-stream");
    }
  });

  test("may have 4 MiB, and is none with a byte more", async () => {
    // 128 files make a batch: the limit is met within one and at its end.
    for (const files of [1, 127, 128, 129, 1000]) {
      const named = (longer: number) => {
        const paths = Array.from({ length: files }, (_, i) => file(`${i}`.padStart(8, "0")));
        return [...paths.slice(1), file("x".repeat(8 + longer))];
      };
      const { length } = (await packageArtifactManifest(named(0), CONFIG)) as Uint8Array;
      const room = MAX_OCI_MANIFEST_BYTES - length;
      expect((await packageArtifactManifest(named(room), CONFIG))?.length).toBe(MAX_OCI_MANIFEST_BYTES);
      expect(await packageArtifactManifest(named(room + 1), CONFIG)).toBeUndefined();
    }
    const files = [file("x".repeat(MAX_OCI_MANIFEST_BYTES))];
    expect(await describePackageArtifact({ files }, new Uint8Array(1), hasher)).toBeUndefined();
  });

  test("is none where the config passes 32 MiB", async () => {
    const limit = 32 * 1024 * 1024;
    expect(await describePackageArtifact({ files: [] }, new Uint8Array(limit), hasher)).toMatchObject({
      config: { digest: sha256(new Uint8Array(limit)), size: limit },
    });
    expect(await describePackageArtifact({ files: [] }, new Uint8Array(limit + 1), hasher)).toBeUndefined();
  });

  test("of 16,000 files is made while others have their turns", async () => {
    const [some] = fc.sample(manifest, { numRuns: 1, seed: 7 }) as [Manifest];
    const files = Array.from({ length: 16_000 }, (_, i) => file(`file ${String(i).padStart(6, "0")}`));
    const cbor = encodeManifest({ ...some, files });
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    const bytes = await packageArtifactManifest(entriesOfManifest(cbor), CONFIG);
    clearInterval(timer);
    expect(turns).toBeGreaterThan(1);
    expect(JSON.parse(text(bytes)).layers).toHaveLength(16_000);
  });
});
