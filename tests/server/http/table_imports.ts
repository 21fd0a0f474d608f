/** Images of `/v2/` that become packages. */
import { descriptor, digestOf, IMAGE, INDEX, imageOf, indexOf } from "../../support/oci_images.ts";
import type { Call } from "./table.ts";

const TYPE = { "content-type": "application/octet-stream" };
const image = imageOf(["layer"]);
const sparse = indexOf([descriptor(IMAGE, "nowhere")]);
const named = { repository: "team/image", reference: "1.0", name: "kept", retention_class: "working" };
const importOci = (body: unknown, status: number, code: string): Call => ({
  call: "POST /packages/import-oci",
  body,
  status,
  code,
});

export const importing: readonly Call[] = [
  ...["{}", "layer"].map((body) => ({
    call: `POST /v2/team/image/blobs/uploads/?digest=${digestOf(body)}`,
    body,
    headers: TYPE,
    status: 201,
  })),
  { call: "PUT /v2/team/image/manifests/1.0", body: image, headers: { "content-type": IMAGE }, status: 201 },
  { call: "PUT /v2/team/image/manifests/sparse", body: sparse, headers: { "content-type": INDEX }, status: 201 },
  {
    call: "POST /packages/import-oci",
    body: { ...named, version: "1", metadata: { build: 7 } },
    headers: { "idempotency-key": "import" },
    status: 201,
    sends: { location: /^\/packages\/[0-9a-f-]{36}$/, "cache-control": "private, no-store" },
    gives: {
      state: "finalized",
      name: "kept",
      version: "1",
      metadata: { build: 7 },
      file_count: 5,
      warnings: [],
      "import.digest": digestOf(image),
      "import.media_type": IMAGE,
      "import.files": 5,
      "import.deduplicated_files": 2,
      "import.missing": [],
    },
    keep: { imported: "package_id" },
  },
  {
    call: "POST /packages/import-oci",
    body: { ...named, version: "1", metadata: { build: 7 }, referrers: false },
    headers: { "idempotency-key": "import" },
    status: 201,
    gives: { package_id: "{imported}" },
  },
  {
    call: "POST /packages/import-oci",
    body: named,
    headers: { "idempotency-key": "import" },
    status: 422,
    code: "idempotency_mismatch",
  },
  {
    call: "GET /packages/{imported}/files/oci-layout",
    status: 200,
    gives: '{"imageLayoutVersion":"1.0.0"}',
  },
  { call: `GET /packages/{imported}/files/blobs/sha256/${digestOf(image).slice(7)}`, status: 200, gives: image },
  { call: "POST /packages/{imported}/verify", status: 200, gives: { ok: true } },
  importOci({ ...named, version: "1" }, 409, "version_exists"),
  importOci({ ...named, reference: "none" }, 404, "manifest_not_found"),
  importOci({ ...named, repository: "nobody" }, 404, "repository_not_found"),
  importOci({ ...named, repository: "No" }, 400, "invalid_name"),
  importOci({ ...named, reference: "no/tag" }, 400, "invalid_tag"),
  importOci({ ...named, reference: "sha256:1" }, 400, "invalid_digest"),
  importOci({ ...named, reference: "sparse" }, 422, "manifest_blob_unknown"),
  {
    call: "POST /packages/import-oci",
    body: { ...named, reference: "sparse", allow_missing: true },
    status: 201,
    gives: { "import.missing_count": 1, "import.missing.0": digestOf("nowhere") },
  },
  importOci({ ...named, retention_class: "ever" }, 422, "unknown_retention_class"),
  importOci({ ...named, refs: true }, 400, "invalid_argument"),
  importOci({ ...named, referrers: "yes" }, 400, "invalid_argument"),
  importOci({ reference: "1.0" }, 400, "invalid_argument"),
  { call: "PUT /packages/import-oci", status: 405, code: "method_not_allowed", sends: { allow: "POST" } },
];
