/** One event of every type, in an order in which they make sense, new ones last; what the golden vectors are made of. */
import { contentAddress, createDigest, encodeManifest, type Manifest, type NewEvent } from "../../../core/mod.ts";

const PACKAGE = "019b7d2e-0000-7000-8000-0000000000aa";
const GIVEN_UP = "019b7d2e-0000-7000-8000-0000000000bb";
export const ADDRESS = contentAddress(createDigest("blake3", "5a".repeat(32)));
const SHA256 = "a5".repeat(32);

const REPOSITORY = "019b7d2e-0000-7000-8000-0000000000cc";
const SHA512 = `sha512:${"b6".repeat(64)}`;
const IMAGE = "application/vnd.oci.image.manifest.v1+json";
const IMAGE_MANIFEST = `{"schemaVersion":2,"mediaType":"${IMAGE}","config":{"mediaType":"application/vnd.oci.empty.v1+json","digest":"sha256:${SHA256}","size":65536},"layers":[]}\n`;
const MANIFEST_DIGEST = `sha256:${"c7".repeat(32)}`;

const file = (path: string, executable: boolean) =>
  ({
    kind: "file",
    path,
    content_address: ADDRESS,
    size: 65_536,
    digests: { sha256: SHA256 },
    executable,
    media_type: executable ? null : "text/plain",
  }) as const;

const location = (key: string) => ({ backend_id: "fs", key, offset: 0, length: 65_536, layout: "whole" }) as const;

const created = (name: string, version: string | null) => ({
  name,
  version,
  retention_class: "release-evidence",
  metadata: { commit: "9f3c", ratio: 0.5, tags: ["a", "ß", "😀"], nested: { deep: [null, true, -1] } },
  metadata_schema: "https://example.org/build",
  external_refs: [{ system: "tracker", id: "AS-2", url: "https://example.org/AS-2" }],
});

const manifest: Manifest = {
  manifest_version: 1,
  package: {
    package_id: PACKAGE,
    tenant: "default",
    created_at: "2026-01-02T03:04:05.006Z",
    ...created("team/demo", "1.0.0"),
  },
  files: [
    { kind: "directory", path: "empty" },
    { kind: "symlink", path: "latest", target: "run.sh" },
    file("run.sh", true),
  ],
  storage_receipts: [
    { backend_id: "fs", content_address: ADDRESS, size: 65_536, stored_at: "2026-01-02T03:04:05.006Z" },
  ],
  retention_summary: {
    retention_class: "release-evidence",
    mode: "governance",
    expires_at: "2032-12-31T03:04:05.006Z",
  },
  provenance: {
    created_by: "local:tester",
    finalized_by: "local:tester",
    finalized_at: "2026-01-02T03:04:05.006Z",
  },
};

export const SAMPLES: readonly NewEvent[] = [
  { type: "v1.tenant.created", subject: "default", payload: { tenant: "default" } },
  {
    type: "v1.retention_class.registered",
    subject: "release-evidence",
    payload: { name: "release-evidence", duration_days: 2555, mode: "governance" },
  },
  {
    type: "v1.metadata_schema.registered",
    subject: "https://example.org/build",
    payload: {
      schema_id: "https://example.org/build",
      schema: { $schema: "https://json-schema.org/draft/2020-12/schema" },
    },
  },
  { type: "v1.package.created", subject: PACKAGE, payload: created("team/demo", "1.0.0") },
  {
    type: "v1.retention.default_applied",
    subject: PACKAGE,
    payload: { retention_class: "release-evidence", mode: "governance", expires_at: "2032-12-31T03:04:05.006Z" },
  },
  {
    type: "v1.object.stored",
    subject: ADDRESS,
    payload: { size: 65_536, digests: { sha256: SHA256 }, location: location("blake3/5a/5a/x"), generation: 0 },
  },
  { type: "v1.package.file_ingested", subject: PACKAGE, payload: file("run.sh", false) },
  { type: "v1.package.file_replaced", subject: PACKAGE, payload: file("run.sh", true) },
  { type: "v1.package.file_removed", subject: PACKAGE, payload: { path: "run.sh" } },
  {
    type: "v1.object.damage_found",
    subject: ADDRESS,
    payload: { backend_id: "fs", key: "blake3/5a/5a/x", problem: "digest" },
  },
  { type: "v1.object.restored", subject: ADDRESS, payload: { location: location("blake3/5a/5a/x.1"), generation: 1 } },
  { type: "v1.package.finalized", subject: PACKAGE, payload: manifest, payload_bytes: encodeManifest(manifest) },
  { type: "v1.package.abandoned", subject: GIVEN_UP, payload: { reason: "the build was cancelled" } },
  { type: "v1.package.deleted", subject: PACKAGE, payload: { reason: "asked for by its owner" } },
  { type: "v1.event.redacted", subject: PACKAGE, payload: { sequence: 7, reason: "holds a person's name" } },
  { type: "v1.oci.repository_created", subject: REPOSITORY, payload: { name: "team/image" } },
  {
    type: "v1.oci.blob_linked",
    subject: REPOSITORY,
    payload: { content_address: ADDRESS, size: 65_536, digests: [`sha256:${SHA256}`, SHA512] },
  },
  {
    type: "v1.oci.manifest_pushed",
    subject: REPOSITORY,
    payload: { digest: MANIFEST_DIGEST, media_type: IMAGE, manifest: new TextEncoder().encode(IMAGE_MANIFEST) },
  },
  {
    type: "v1.oci.tag_moved",
    subject: REPOSITORY,
    payload: { tag: "latest", digest: MANIFEST_DIGEST, previous: SHA512 },
  },
  { type: "v1.oci.tag_deleted", subject: REPOSITORY, payload: { tag: "latest", digest: MANIFEST_DIGEST } },
  {
    type: "v1.oci.manifest_deleted",
    subject: REPOSITORY,
    payload: { digest: MANIFEST_DIGEST, tags: ["1.0", "latest"] },
  },
  {
    type: "v1.oci.blob_unlinked",
    subject: REPOSITORY,
    payload: { content_address: ADDRESS, digests: [`sha256:${SHA256}`, SHA512] },
  },
  {
    type: "v1.oci.repository_deleted",
    subject: REPOSITORY,
    payload: { name: "team/image", reason: "the project ended", tags: 2, manifests: 1, blobs: 3 },
  },
  {
    type: "v1.oci.tag_rules_set",
    subject: "default",
    payload: { rules: [{ repositories: "team/*", tags: "v[0-9]*" }], previous: 0, reason: "releases stay" },
  },
];
