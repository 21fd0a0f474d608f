/** Calls about finalised packages at `/v2/packages/<tenant>/<name>`: pulled whole and in part, listed, and not to be changed. */
import type { Call } from "../http/table.ts";
import { descriptor, digestOf, manifest, OCI_INDEX, OCI_MANIFEST } from "./content.ts";

const REPOSITORY = "packages/default/pkg/demo";
const at = `/v2/${REPOSITORY}`;
const NOTE = "what was tested";
const noted = digestOf(NOTE);
const TYPE = { "content-type": OCI_MANIFEST };

const released = (name: string, version: string, files: Readonly<Record<string, string>>): readonly Call[] => [
  {
    call: "POST /packages",
    body: { name, version, retention_class: "working" },
    status: 201,
    keep: { [version]: "package_id" },
  },
  ...Object.entries(files).map(([path, body]) => ({
    call: `PUT /packages/{${version}}/files/${path}`,
    headers: { "content-type": "text/plain" },
    ...{ body, status: 201 },
  })),
  { call: `POST /packages/{${version}}/finalize`, status: 200 },
];

const pulled: readonly Call[] = [
  { call: `GET ${at}/manifests/latest`, status: 404, code: "NAME_UNKNOWN" },
  { call: `GET ${at}/tags/list`, status: 404, code: "NAME_UNKNOWN" },
  { call: `GET ${at}/referrers/${noted}`, status: 200, gives: { manifests: [] } },
  { call: `HEAD ${at}/blobs/${noted}`, status: 404 },
  ...released("pkg/demo", "r1", { "notes/a.txt": NOTE, "b%20%C3%BC.txt": "" }),
  {
    call: `GET ${at}/manifests/r1`,
    status: 200,
    sends: {
      "content-type": OCI_MANIFEST,
      "docker-content-digest": /^sha256:[0-9a-f]{64}$/,
      "content-length": /^\d+$/,
    },
    gives: {
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      artifactType: "application/vnd.artifactstore.package.v1",
      "config.mediaType": "application/vnd.artifactstore.package.manifest.v1+cbor",
      "layers.length": 2,
      "layers.0": {
        annotations: { "org.opencontainers.image.title": "b ü.txt" },
        ...{ digest: digestOf(""), mediaType: "text/plain", size: 0 },
      },
      "layers.1": {
        annotations: { "org.opencontainers.image.title": "notes/a.txt" },
        ...{ digest: noted, mediaType: "text/plain", size: NOTE.length },
      },
    },
    keep: { artifact: "docker-content-digest", length: "content-length", config: "config.digest" },
  },
  ...["r1", "{r1}", "latest", "{artifact}"].flatMap((reference) => [
    {
      call: `HEAD ${at}/manifests/${reference}`,
      status: 200,
      sends: { "content-type": OCI_MANIFEST, "docker-content-digest": "{artifact}", "content-length": "{length}" },
      gives: "",
    },
    { call: `GET ${at}/manifests/${reference}`, status: 200, sends: { "docker-content-digest": "{artifact}" } },
    { call: `GET ${at}/manifests/${reference}`, headers: { "if-none-match": '"{artifact}"' }, status: 304, gives: "" },
  ]),
  { call: `GET ${at}/manifests/r2`, status: 404, code: "MANIFEST_UNKNOWN" },
  { call: `GET ${at}/manifests/${noted}`, status: 404, code: "MANIFEST_UNKNOWN" },
  { call: `GET ${at}/manifests/sha256:bad`, status: 400, code: "DIGEST_INVALID" },
  { call: `GET ${at}/manifests/latest?as-of=1`, status: 400, code: "UNSUPPORTED" },
  {
    call: `GET ${at}/blobs/${noted}`,
    status: 200,
    sends: { "docker-content-digest": noted, "content-length": String(NOTE.length), "accept-ranges": "bytes" },
    gives: NOTE,
  },
  { call: `HEAD ${at}/blobs/${noted}`, status: 200, sends: { "content-length": String(NOTE.length) }, gives: "" },
  { call: `GET ${at}/blobs/${digestOf("")}`, status: 200, sends: { "content-length": "0" }, gives: "" },
  {
    call: `GET ${at}/blobs/${noted}`,
    headers: { range: "bytes=5-7" },
    status: 206,
    sends: { "content-range": `bytes 5-7/${NOTE.length}` },
    gives: NOTE.slice(5, 8),
  },
  { call: `GET ${at}/blobs/${noted}`, headers: { range: "bytes=99-" }, status: 416, code: "SIZE_INVALID" },
  { call: `GET ${at}/blobs/{config}`, status: 200, sends: { "docker-content-digest": "{config}" } },
  // Canonical CBOR: a map of six, which begins with the key "files".
  { call: `GET ${at}/blobs/{config}`, headers: { range: "bytes=0-6" }, status: 206, gives: "\ufffdefiles" },
  { call: `HEAD ${at}/blobs/{config}`, status: 200, gives: "" },
  { call: `GET ${at}/blobs/${digestOf("not here")}`, status: 404, code: "BLOB_UNKNOWN" },
  { call: `GET ${at}/blobs/${digestOf(NOTE, "sha512")}`, status: 404, code: "BLOB_UNKNOWN" },
];

const found: readonly Call[] = [
  ...released("pkg/demo", "r2", { "notes/a.txt": NOTE }),
  { call: `GET ${at}/manifests/r2`, status: 200, keep: { second: "docker-content-digest" } },
  { call: `HEAD ${at}/manifests/latest`, status: 200, sends: { "docker-content-digest": "{second}" } },
  {
    call: `GET ${at}/tags/list?last=f`,
    status: 200,
    sends: { link: null },
    gives: { name: REPOSITORY, tags: ["latest", "r1", "r2"] },
  },
  { call: `GET ${at}/tags/list`, status: 200, gives: { "tags.length": 5 } },
  {
    call: `GET ${at}/tags/list?n=1&last=latest`,
    status: 200,
    sends: { link: `<${at}/tags/list?n=1&last=r1>; rel="next"` },
    gives: { tags: ["r1"] },
  },
  { call: `GET ${at}/tags/list?n=0`, status: 200, sends: { link: null }, gives: { tags: [] } },
  ...released("pkg/a", "r3", {}),
  { call: "GET /v2/_catalog?last=packages/&n=1", status: 200, gives: { repositories: ["packages/default/pkg/a"] } },
  {
    call: "GET /v2/_catalog?last=packages/default/pkg/a&n=1",
    status: 200,
    gives: { repositories: [REPOSITORY] },
  },
  // Of others, and of nobody.
  ...["packages/other/pkg/demo", "packages/default/pkg", "packages/default", "packages/x/y/z"].flatMap((name) => [
    { call: `GET /v2/${name}/manifests/r1`, status: 404, code: "NAME_UNKNOWN" },
    { call: `GET /v2/${name}/tags/list`, status: 404, code: "NAME_UNKNOWN" },
    { call: `GET /v2/${name}/blobs/${noted}`, status: 404, code: "NAME_UNKNOWN" },
    { call: `GET /v2/${name}/referrers/${noted}`, status: 200, gives: { manifests: [] } },
    { call: `POST /v2/${name}/blobs/uploads/`, status: 403, code: "DENIED" },
    { call: `POST /v2/other/blobs/uploads/?mount=${noted}&from=${name}`, status: 202 },
  ]),
];

const IMAGE = manifest("{}");
const denied = (call: string, more: Partial<Call> = {}): Call => ({ call, status: 403, code: "DENIED", ...more });
const saying = (pattern: RegExp): Partial<Call> => ({ gives: { "errors.0.message": pattern } });

const refused: readonly Call[] = [
  // Before the body is looked at.
  denied(`PUT ${at}/manifests/r3`, {
    headers: TYPE,
    body: "x".repeat(100_000),
    ...saying(/with a subject.* by its digest/),
  }),
  denied(`PUT ${at}/manifests/${digestOf(IMAGE)}?tag=r3`, { headers: TYPE, body: IMAGE, ...saying(/without tags/) }),
  denied(`PUT ${at}/manifests/${digestOf(IMAGE)}`, { headers: TYPE, body: IMAGE, ...saying(/another repository/) }),
  denied(`PUT /v2/packages/default/none/manifests/${digestOf(IMAGE)}`, { headers: TYPE, body: IMAGE }),
  denied(`POST /v2/packages/default/none/blobs/uploads/?digest=${digestOf("{}")}`, { body: "{}" }),
  denied(`POST /v2/packages/default/none/blobs/uploads/?mount=${noted}&from=${REPOSITORY}`),
  ...["r1", "{r1}", "latest", "{artifact}"].map((reference) =>
    denied(`DELETE ${at}/manifests/${reference}`, saying(/goes when the package goes/)),
  ),
  denied(`DELETE ${at}/blobs/${noted}`, saying(/goes when the package goes/)),
  denied(`DELETE ${at}/blobs/{config}`),
  { call: `DELETE ${at}/manifests/none`, status: 404, code: "MANIFEST_UNKNOWN" },
  { call: `DELETE ${at}/blobs/${digestOf("none")}`, status: 404, code: "BLOB_UNKNOWN" },
  { call: `GET ${at}/blobs/${noted}`, status: 200, gives: NOTE },
];

/** Of a subject that is no package's, for its digest is known: that is allowed everywhere. */
const SBOM = manifest("{}", [NOTE, "an sbom"], { subject: descriptor(OCI_MANIFEST, IMAGE), artifactType: "x/sbom" });

const referred: readonly Call[] = [
  { call: `POST ${at}/blobs/uploads/?digest=${digestOf("{}")}`, body: "{}", status: 201 },
  {
    call: `PUT ${at}/manifests/${digestOf(SBOM)}`,
    headers: TYPE,
    body: SBOM,
    status: 400,
    code: "MANIFEST_BLOB_UNKNOWN",
  },
  { call: `POST ${at}/blobs/uploads/`, status: 202, keep: { up: "location" } },
  { call: `PATCH {up}`, body: "an sbom", status: 202, sends: { range: "0-6" } },
  { call: `PUT {up}?digest=${digestOf("an sbom")}`, status: 201 },
  {
    // The note is the package's: nobody has pushed it.
    call: `PUT ${at}/manifests/${digestOf(SBOM)}`,
    ...{ headers: TYPE, body: SBOM, status: 201 },
    sends: { "oci-subject": digestOf(IMAGE), location: `${at}/manifests/${digestOf(SBOM)}` },
  },
  {
    call: `GET ${at}/referrers/${digestOf(IMAGE)}?artifactType=x/sbom`,
    status: 200,
    sends: { "content-type": OCI_INDEX, "oci-filters-applied": "artifactType" },
    gives: { "manifests.length": 1, "manifests.0.digest": digestOf(SBOM) },
  },
  { call: `GET ${at}/manifests/${digestOf(SBOM)}`, status: 200, gives: SBOM },
  { call: `GET ${at}/tags/list`, status: 200, gives: { "tags.length": 5 } },
  { call: `DELETE ${at}/manifests/${digestOf(SBOM)}`, status: 202 },
  { call: `DELETE ${at}/blobs/${digestOf("an sbom")}`, status: 202 },
  { call: `GET ${at}/manifests/${digestOf(SBOM)}`, status: 404, code: "MANIFEST_UNKNOWN" },
  { call: `GET ${at}/blobs/${digestOf("an sbom")}`, status: 404, code: "BLOB_UNKNOWN" },
];

const mounted: readonly Call[] = [
  {
    call: `POST /v2/pkg/taken/blobs/uploads/?mount=${noted}&from=${REPOSITORY}`,
    status: 201,
    sends: { location: `/v2/pkg/taken/blobs/${noted}`, "docker-content-digest": noted },
  },
  { call: `GET /v2/pkg/taken/blobs/${noted}`, status: 200, gives: NOTE },
  { call: `POST /v2/pkg/unnamed/blobs/uploads/?mount=${noted}`, status: 201 },
  { call: `POST /v2/pkg/taken/blobs/uploads/?mount={config}&from=${REPOSITORY}`, status: 201 },
  { call: `POST /v2/pkg/not/blobs/uploads/?mount=${digestOf("none")}&from=${REPOSITORY}`, status: 202 },
  { call: "GET /v2/pkg/not/tags/list", status: 404, code: "NAME_UNKNOWN" },
];

export const packages: readonly Call[] = [...pulled, ...found, ...refused, ...referred, ...mounted];
