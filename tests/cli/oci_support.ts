/** Images in a store, pushed through `/v2/` of its server as any client would. */
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CONFIG, descriptor, digestOf, IMAGE, INDEX, imageOf, indexOf, LAYER } from "../support/oci_images.ts";
import { noise } from "./trees.ts";

export interface Seeded {
  /** Of the index under `team/app:1.0`. */
  readonly index: string;
  readonly images: readonly string[];
  readonly sbom: string;
  /** Pushed as sha512, untagged. */
  readonly long: string;
}

export const LARGE = noise(9 * 1024 * 1024, 7);

/** `team/app:1.0`, an index of two platforms with an SBOM, one of Docker's images, one of sha512, and one that is sparse. */
export async function seed(url: string, repository = "team/app"): Promise<Seeded> {
  const at = `${url}/v2/${repository}`;
  const ask = async (method: string, path: string, body: string | Uint8Array, type = "application/octet-stream") => {
    const headers = { "content-type": type };
    const answer = await fetch(`${at}/${path}`, { method, headers, body: body as Uint8Array<ArrayBuffer> });
    if (answer.status !== 201) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  };
  for (const blob of ["{}", "shared", "amd64", LARGE])
    await ask("POST", `blobs/uploads/?digest=${digestOf(blob)}`, blob);
  await ask("POST", `blobs/uploads/?digest=${digestOf("long", "sha512")}`, "long");
  const manifest = async (reference: string, bytes: Uint8Array, type: string) => {
    await ask("PUT", `manifests/${reference}`, bytes, type);
    return bytes;
  };
  const byDigest = (bytes: Uint8Array) => manifest(digestOf(bytes), bytes, IMAGE);
  const layers = [descriptor(LAYER, "shared"), descriptor(LAYER, LARGE)];
  const images = [await byDigest(imageOf(["shared", "amd64"])), await byDigest(imageOf([], { layers }))];
  const index = indexOf(images.map((image) => descriptor(IMAGE, image)));
  await manifest("1.0", index, INDEX);
  const subject = descriptor(INDEX, index);
  const sbom = await byDigest(imageOf(["shared"], { artifactType: "text/x-sbom", subject, annotations: { a: "ü" } }));
  const docker = JSON.stringify({
    schemaVersion: 2,
    config: descriptor("application/vnd.docker.container.image.v1+json", "{}"),
    layers: [descriptor("application/vnd.docker.image.rootfs.diff.tar.gzip", "shared")],
  });
  const dockerType = "application/vnd.docker.distribution.manifest.v2+json";
  await ask("PUT", "manifests/docker", docker, dockerType);
  const long = imageOf([], { layers: [descriptor(LAYER, "long", "sha512")] });
  await manifest(digestOf(long, "sha512"), long, IMAGE);
  await manifest("sparse", indexOf([descriptor(IMAGE, "nowhere"), descriptor(IMAGE, images[0] ?? "")]), INDEX);
  return {
    index: digestOf(index),
    images: images.map((image) => digestOf(image)),
    sbom: digestOf(sbom),
    long: digestOf(long, "sha512"),
  };
}

/** A layout as others make them: in another order, without `mediaType`, with a file more, executable. */
export function foreignLayout(dir: string): { readonly digest: string } {
  const blobs = join(dir, "blobs/sha256");
  mkdirSync(blobs, { recursive: true });
  const put = (content: string) => {
    const hex = createHash("sha256").update(content).digest("hex");
    writeFileSync(join(blobs, hex), content);
    return hex;
  };
  const config = { mediaType: CONFIG, digest: `sha256:${put("{}")}`, size: 2 };
  const layers = [{ mediaType: LAYER, digest: `sha256:${put("a layer of others")}`, size: 17 }];
  const manifest = JSON.stringify({ layers, config, schemaVersion: 2 }, null, 2);
  const digest = `sha256:${put(manifest)}`;
  put("nobody names this");
  writeFileSync(join(dir, "oci-layout"), '{"imageLayoutVersion": "1.0.0"}\n');
  const manifests = [{ mediaType: IMAGE, digest, size: manifest.length }];
  writeFileSync(join(dir, "index.json"), JSON.stringify({ schemaVersion: 2, manifests }, null, 1));
  writeFileSync(join(dir, "README"), "not of the layout\n", { mode: 0o755 });
  return { digest };
}
