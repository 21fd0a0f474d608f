/** Blobs and manifests that the tables push. */
import { digestOf } from "../../support/oci_images.ts";
import { text } from "../../support/registry_fixture.ts";

export { digestOf };

export const OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json";
export const OCI_INDEX = "application/vnd.oci.image.index.v1+json";
export const DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json";
export const DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json";

export function descriptor(mediaType: string, content: string, more: Readonly<Record<string, unknown>> = {}) {
  return { mediaType, digest: digestOf(content), size: text(content).length, ...more };
}

/** Spaces and order as a person may write them: what comes back must be these bytes, not this JSON. */
export function manifest(
  config: string,
  layers: readonly string[] = [],
  more: Readonly<Record<string, unknown>> = {},
): string {
  return JSON.stringify(
    {
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      layers: layers.map((layer) => descriptor("application/vnd.oci.image.layer.v1.tar", layer)),
      config: descriptor("application/vnd.oci.image.config.v1+json", config),
      ...more,
    },
    null,
    1,
  );
}

export function index(manifests: readonly string[], more: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({
    manifests: manifests.map((one) => descriptor(OCI_MANIFEST, one)),
    mediaType: OCI_INDEX,
    schemaVersion: 2,
    ...more,
  });
}
