/** Images and blobs pushed through the library. */
import { createHash } from "node:crypto";
import type { Caller, PushedManifest, Registry } from "../../core/mod.ts";
import { caller, source, text } from "./registry_fixture.ts";

export const IMAGE = "application/vnd.oci.image.manifest.v1+json";
export const INDEX = "application/vnd.oci.image.index.v1+json";
export const CONFIG = "application/vnd.oci.image.config.v1+json";
export const LAYER = "application/vnd.oci.image.layer.v1.tar";

const bytesOf = (content: string | Uint8Array): Uint8Array => (typeof content === "string" ? text(content) : content);

/** By another way than the program's own. */
export function digestOf(content: string | Uint8Array, algorithm: "sha256" | "sha512" = "sha256"): string {
  return `${algorithm}:${createHash(algorithm).update(content).digest("hex")}`;
}

export function descriptor(mediaType: string, content: string | Uint8Array, algorithm?: "sha256" | "sha512") {
  return { mediaType, digest: digestOf(content, algorithm), size: bytesOf(content).length };
}

/** A blob of this text. */
export async function pushText(
  registry: Registry,
  repository: string,
  content: string | Uint8Array,
  who: Caller = caller,
) {
  const input = { repository, digest: digestOf(content), source: source(bytesOf(content)) };
  return await registry.oci.pushBlob(who, input);
}

/** The bytes of an image manifest of these layers, over the config `{}`. */
export function imageOf(
  layers: readonly (string | Uint8Array)[],
  more: Readonly<Record<string, unknown>> = {},
): Uint8Array {
  return text(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: IMAGE,
      config: descriptor(CONFIG, "{}"),
      layers: layers.map((layer) => descriptor(LAYER, layer)),
      ...more,
    }),
  );
}

export function indexOf(
  manifests: readonly { readonly mediaType: string; readonly digest: string; readonly size: number }[],
  more: Readonly<Record<string, unknown>> = {},
): Uint8Array {
  return text(JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests, ...more }));
}

/** Config, layers, manifest and tag. */
export async function pushImage(
  registry: Registry,
  repository: string,
  layers: readonly string[],
  reference: string,
  who: Caller = caller,
  more: Readonly<Record<string, unknown>> = {},
): Promise<{ readonly manifest: string; readonly bytes: Uint8Array; readonly pushed: PushedManifest }> {
  for (const blob of ["{}", ...layers]) await pushText(registry, repository, blob, who);
  const bytes = imageOf(layers, more);
  const pushed = await registry.oci.pushManifest(who, { repository, reference, mediaType: IMAGE, bytes });
  return { manifest: digestOf(bytes), bytes, pushed };
}
