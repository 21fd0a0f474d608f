/** Calls and wanted answers below `/v2/`, in order: what the conformance suite does not look at above all. */
import type { Call } from "../http/table.ts";
import { digestOf } from "./content.ts";
import { lists } from "./table_lists.ts";
import { manifests } from "./table_manifests.ts";
import { packages } from "./table_packages.ts";
import { tagRules } from "./table_tag_rules.ts";
import { mounts, uploads } from "./table_uploads.ts";

const NOTHING = digestOf("nothing that anybody pushed");

const empty: readonly Call[] = [
  {
    call: "GET /v2/",
    status: 200,
    sends: {
      "docker-distribution-api-version": "registry/2.0",
      "content-type": "application/json",
      "content-length": "2",
    },
    gives: "{}",
  },
  { call: "GET /v2", status: 200, gives: "{}" },
  { call: "HEAD /v2/", status: 200, sends: { "content-length": "2" }, gives: "" },
  { call: "GET /v2/_catalog", status: 200, gives: '{"repositories":[]}' },
  { call: "GET /v2/none/tags/list", status: 404, code: "NAME_UNKNOWN" },
  { call: "GET /v2/none/manifests/latest", status: 404 },
  { call: "HEAD /v2/none/manifests/latest", status: 404, gives: "" },
  { call: `GET /v2/none/blobs/${NOTHING}`, status: 404 },
  { call: `DELETE /v2/none/blobs/${NOTHING}`, status: 404 },
  { call: `DELETE /v2/none/manifests/${NOTHING}`, status: 404 },
  { call: "DELETE /v2/none/manifests/latest", status: 404 },
  {
    call: `GET /v2/none/referrers/${NOTHING}`,
    status: 200,
    sends: { "content-type": "application/vnd.oci.image.index.v1+json", link: null, "oci-filters-applied": null },
    gives: '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}',
  },
];

const wrong = (call: string, status: number, code: string, more: Partial<Call> = {}): Call => ({
  call,
  status,
  code,
  ...more,
});
const refusing: readonly Call[] = [
  // Paths that mean nothing, and methods that are not there.
  ...["/v2/x", "/v2/x/", "/v2//", "/v2/_catalog/", "/v2/manifests/x", "/v2/x/tags/other", "/v2/x/manifests/"].map(
    (path) => wrong(`GET ${path}`, 404, "UNSUPPORTED"),
  ),
  wrong("POST /v2/", 405, "UNSUPPORTED", { sends: { allow: "GET, HEAD" } }),
  wrong("OPTIONS /v2/x/manifests/latest", 405, "UNSUPPORTED", { sends: { allow: "GET, HEAD, PUT, DELETE" } }),
  wrong("GET /v2/x/blobs/uploads/", 405, "UNSUPPORTED", { sends: { allow: "POST" } }),
  wrong(`PUT /v2/x/blobs/${NOTHING}`, 405, "UNSUPPORTED", { sends: { allow: "GET, HEAD, DELETE" } }),
  wrong("DELETE /v2/x/tags/list", 405, "UNSUPPORTED", { sends: { allow: "GET, HEAD" } }),
  // Names.
  ...["X", "x/Y", "-x", "x-", "x..y", "x___y", "x//y", "é", "x%2Fy", "x%2F..%2Fy", "x%252Fy", "%2e%2e%2fx"].flatMap(
    (name) => [
      wrong(`GET /v2/${name}/tags/list`, 400, "NAME_INVALID"),
      wrong(`PUT /v2/${name}/manifests/latest`, 400, "NAME_INVALID", { body: "x".repeat(100_000) }),
      wrong(`POST /v2/${name}/blobs/uploads/`, 400, "NAME_INVALID"),
    ],
  ),
  wrong(`GET /v2/${"x".repeat(255)}/tags/list`, 404, "NAME_UNKNOWN"),
  wrong(`GET /v2/${"x".repeat(256)}/tags/list`, 400, "NAME_INVALID"),
  wrong(`PUT /v2/${"x".repeat(256)}/manifests/latest`, 400, "NAME_INVALID", { body: "{}" }),
  wrong(`GET /v2/${"x".repeat(17_000)}/tags/list`, 414, "SIZE_INVALID"),
  wrong("GET /v2/%E0%A4%A/tags/list", 400, "UNSUPPORTED"),
  wrong("GET /v2/%/tags/list", 400, "UNSUPPORTED"),
  // Digests and tags.
  ...[
    "sha256:baddigeststring",
    "sha256:",
    ":",
    "md5:d41d8cd98f00b204e9800998ecf8427e",
    `sha256:${"A".repeat(64)}`,
  ].flatMap((digest) => [
    wrong(`GET /v2/x/manifests/${digest}`, 400, "DIGEST_INVALID"),
    wrong(`PUT /v2/x/manifests/${digest}`, 400, "DIGEST_INVALID", { body: "{}" }),
    wrong(`DELETE /v2/x/manifests/${digest}`, 400, "DIGEST_INVALID"),
    wrong(`GET /v2/x/blobs/${digest}`, 400, "DIGEST_INVALID"),
    wrong(`DELETE /v2/x/blobs/${digest}`, 400, "DIGEST_INVALID"),
    wrong(`GET /v2/x/referrers/${digest}`, 400, "DIGEST_INVALID"),
    wrong(`POST /v2/x/blobs/uploads/?digest=${digest}`, 400, "DIGEST_INVALID", { body: "x" }),
    wrong(`POST /v2/x/blobs/uploads/?mount=${digest}`, 400, "DIGEST_INVALID"),
  ]),
  wrong("GET /v2/x/blobs/latest", 400, "DIGEST_INVALID"),
  ...[".x", "-x", "x".repeat(129), "x%2Fy", "x%20y", "%0a"].flatMap((tag) => [
    wrong(`GET /v2/x/manifests/${tag}`, 400, "MANIFEST_INVALID"),
    wrong(`PUT /v2/x/manifests/${tag}`, 400, "MANIFEST_INVALID", { body: "{}" }),
    wrong(`DELETE /v2/x/manifests/${tag}`, 400, "MANIFEST_INVALID"),
    wrong(`PUT /v2/x/manifests/${digestOf("{}")}?tag=${tag}`, 400, "MANIFEST_INVALID", { body: "{}" }),
  ]),
  wrong("POST /v2/x/blobs/uploads/?digest-algorithm=md5", 400, "DIGEST_INVALID"),
  wrong("POST /v2/x/blobs/uploads/", 400, "BLOB_UPLOAD_INVALID", { body: "bytes for nobody" }),
  wrong(`POST /v2/x/blobs/uploads/?digest=${digestOf("x")}`, 415, "BLOB_UPLOAD_INVALID", {
    body: "x",
    headers: { "content-encoding": "gzip" },
    sends: { "accept-encoding": "identity" },
  }),
  // What stands before the routes.
  wrong("POST /v2/x/blobs/uploads/", 403, "DENIED", { headers: { origin: "https://elsewhere.example" } }),
  wrong("DELETE /v2/x/manifests/latest", 403, "DENIED", { headers: { "sec-fetch-site": "cross-site" } }),
  wrong("GET /v2/", 431, "SIZE_INVALID", { headers: { "x-long": "x".repeat(16 * 1024) } }),
  // Nothing of it left a repository.
  { call: "GET /v2/_catalog", status: 200, gives: { repositories: [] } },
];

export const TABLE: Readonly<Record<string, readonly Call[]>> = {
  empty,
  refusing,
  uploads,
  mounts,
  manifests,
  lists,
  tagRules,
  packages,
};
