/** Images made here, byte by byte the same for the same label: an OCI layout with one index of two platforms. */
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { concatBytes } from "../../core/base/bytes.ts";
import { createRandom } from "../soak/rig.ts";
import { END, member } from "../support/tar_bytes.ts";

export const TAG = "1.0";
const OCI = "application/vnd.oci.image";

export interface Layout {
  readonly dir: string;
  /** Of the index, `sha256:<hex>`. */
  readonly digest: string;
  /** The index, as it lies there. */
  readonly index: string;
  /** Of everything in it. */
  readonly digests: readonly string[];
  /** Manifests by platform, in order of the index. */
  readonly images: readonly string[];
}

/** @param label makes its content differ from that of other labels @param layerBytes of the largest layer, random */
export function makeLayout(dir: string, label: string, layerBytes: number): Layout {
  const blobs = join(dir, "blobs/sha256");
  mkdirSync(blobs, { recursive: true });
  const digests: string[] = [];
  const put = (bytes: Uint8Array | string, mediaType: string) => {
    const data = Buffer.from(bytes as string);
    const hex = createHash("sha256").update(data).digest("hex");
    writeFileSync(join(blobs, hex), data);
    digests.push(`sha256:${hex}`);
    return { mediaType, digest: `sha256:${hex}`, size: data.length };
  };
  const manifests = ["amd64", "arm64"].map((architecture) => {
    const tars = [
      concatBytes([member({ name: "hello" }, `${label} on ${architecture}\n`), END]),
      concatBytes([member({ name: "noise" }, noise(`${label} ${architecture}`, layerBytes)), END]),
    ];
    const config = {
      architecture,
      os: "linux",
      config: { Entrypoint: ["/hello"], Labels: { label } },
      rootfs: {
        type: "layers",
        diff_ids: tars.map((tar) => `sha256:${createHash("sha256").update(tar).digest("hex")}`),
      },
      history: tars.map(() => ({ created: "2026-01-01T00:00:00Z", created_by: "tests/oci/layout.ts" })),
    };
    const manifest = {
      schemaVersion: 2,
      mediaType: `${OCI}.manifest.v1+json`,
      config: put(JSON.stringify(config), `${OCI}.config.v1+json`),
      layers: tars.map((tar) => put(gzipSync(tar, { level: 1 }), `${OCI}.layer.v1.tar+gzip`)),
      annotations: { "org.opencontainers.image.title": `${label} ü` },
    };
    return { ...put(JSON.stringify(manifest, null, 1), manifest.mediaType), platform: { architecture, os: "linux" } };
  });
  // Spaces as nobody else would set them: who writes the text anew changes its digest.
  const index = JSON.stringify({ schemaVersion: 2, mediaType: `${OCI}.index.v1+json`, manifests }, null, 3);
  const top = put(index, `${OCI}.index.v1+json`);
  const named = { ...top, annotations: { "org.opencontainers.image.ref.name": TAG } };
  writeFileSync(join(dir, "index.json"), JSON.stringify({ schemaVersion: 2, manifests: [named] }));
  writeFileSync(join(dir, "oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }));
  return { dir, digest: top.digest, index, digests, images: manifests.map(({ digest }) => digest) };
}

function noise(label: string, bytes: number): Uint8Array {
  const random = createRandom(createHash("sha256").update(label).digest().readUInt32LE());
  const words = new Uint32Array(bytes >> 2);
  for (let i = 0; i < words.length; i++) words[i] = random.int(2 ** 32);
  return new Uint8Array(words.buffer);
}

/** What a pulled layout lacks of `wanted`, or has otherwise. */
export function differences(wanted: Layout, pulled: string): string[] {
  const there = new Set(readdirSync(join(pulled, "blobs/sha256")));
  return wanted.digests.flatMap((digest) => {
    const hex = digest.slice("sha256:".length);
    if (!there.has(hex)) return [`${digest} is not there`];
    const same = readFileSync(join(pulled, "blobs/sha256", hex)).equals(
      readFileSync(join(wanted.dir, "blobs/sha256", hex)),
    );
    return same ? [] : [`${digest} has other bytes`];
  });
}
