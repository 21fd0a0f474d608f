/** Calls about manifests: in, out, away. */
import type { Call } from "../http/table.ts";
import {
  DOCKER_LIST,
  DOCKER_MANIFEST,
  descriptor,
  digestOf,
  index,
  manifest,
  OCI_INDEX,
  OCI_MANIFEST,
} from "./content.ts";

const CONFIG = '{"architecture":"amd64"}';
const LAYER = "layer bytes";
const ONE = manifest(CONFIG, [LAYER], { annotations: { unknown: "kept" }, unheard: ["of"] });
const TWO = manifest(CONFIG, [LAYER, LAYER]);
const LONG = manifest(CONFIG, [LAYER], { annotations: { algorithm: "sha512" } });
const BARE = JSON.stringify({
  schemaVersion: 2,
  config: descriptor("application/vnd.docker.container.image.v1+json", CONFIG),
  layers: [
    descriptor("application/vnd.docker.image.rootfs.diff.tar.gzip", LAYER),
    descriptor("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", "elsewhere", {
      urls: ["https://x.example"],
    }),
  ],
});
const LIST = JSON.stringify({
  schemaVersion: 2,
  mediaType: DOCKER_LIST,
  manifests: [descriptor(DOCKER_MANIFEST, BARE)],
});

const at = (reference: string) => `/v2/img/manifests/${reference}`;
const put = (reference: string, body: string, type: string, more: Partial<Call> = {}): Call => ({
  call: `PUT ${at(reference)}`,
  headers: { "content-type": type },
  body,
  status: 201,
  sends: {
    location: `/v2/img/manifests/${digestOf(body)}`,
    "docker-content-digest": digestOf(body),
    "content-length": "0",
    "oci-subject": null,
    "oci-tag": null,
  },
  gives: "",
  ...more,
});
const pulled = (reference: string, body: string, type: string, digest = digestOf(body)): readonly Call[] => [
  {
    call: `GET ${at(reference)}`,
    status: 200,
    sends: {
      "content-type": type,
      "content-length": String(body.length),
      "docker-content-digest": digest,
      etag: `"${digest}"`,
    },
    gives: body,
  },
  {
    call: `HEAD ${at(reference)}`,
    status: 200,
    sends: { "content-type": type, "content-length": String(body.length), "docker-content-digest": digest },
    gives: "",
  },
];
const refused = (reference: string, body: unknown, status: number, code: string, more: Partial<Call> = {}): Call => ({
  call: `PUT ${at(reference)}`,
  headers: { "content-type": OCI_MANIFEST },
  ...{ body, status, code },
  ...more,
});

const pushing: readonly Call[] = [
  refused("latest", ONE, 400, "MANIFEST_BLOB_UNKNOWN", {
    gives: { "errors.length": 2, "errors.1.code": "MANIFEST_BLOB_UNKNOWN", "errors.0.detail.digest": /^sha256:/ },
  }),
  { call: "GET /v2/img/tags/list", status: 404, code: "NAME_UNKNOWN" },
  ...[CONFIG, LAYER].map((content) => ({
    call: `POST /v2/img/blobs/uploads/?digest=${digestOf(content)}`,
    body: content,
    status: 201,
  })),
  { call: "GET /v2/img/tags/list", status: 200, gives: '{"name":"img","tags":[]}' },
  { call: `GET ${at("latest")}`, status: 404, code: "MANIFEST_UNKNOWN" },
  put("latest", ONE, OCI_MANIFEST),
  ...pulled("latest", ONE, OCI_MANIFEST),
  ...pulled(digestOf(ONE), ONE, OCI_MANIFEST),
  put("latest", ONE, OCI_MANIFEST),
  put(digestOf(ONE), ONE, OCI_MANIFEST),
  // The type without parameters, whatever came with it.
  put("params", TWO, `${OCI_MANIFEST}; charset=utf-8`),
  ...pulled("params", TWO, OCI_MANIFEST),
  { call: `GET ${at("latest")}`, headers: { "if-none-match": `"${digestOf(ONE)}"` }, status: 304, gives: "" },
  { call: `GET ${at("latest")}`, headers: { "if-none-match": `"${digestOf(TWO)}"` }, status: 200, gives: ONE },
  // Docker's types, with and without the mediaType in the body.
  put("docker", BARE, DOCKER_MANIFEST),
  ...pulled("docker", BARE, DOCKER_MANIFEST),
  put("list", LIST, DOCKER_LIST),
  ...pulled("list", LIST, DOCKER_LIST),
  // A manifest is what it is, whatever the client would rather have.
  ...[DOCKER_MANIFEST, "*/*", "application/json", "text/html", "", `${OCI_INDEX};q=0`].map((accept) => ({
    call: `GET ${at("list")}`,
    headers: { accept },
    status: 200,
    sends: { "content-type": DOCKER_LIST },
    gives: LIST,
  })),
  put("index", index([ONE, TWO]), OCI_INDEX),
  ...pulled("index", index([ONE, TWO]), OCI_INDEX),
  put("none", index([]), OCI_INDEX),
  // A tag answers under the digest that it was given.
  put(`${digestOf(LONG, "sha512")}?tag=long&tag=512`, LONG, OCI_MANIFEST, {
    sends: { "docker-content-digest": digestOf(LONG, "sha512"), "oci-tag": "long, 512" },
  }),
  ...pulled("long", LONG, OCI_MANIFEST, digestOf(LONG, "sha512")),
  ...pulled(digestOf(LONG, "sha512"), LONG, OCI_MANIFEST, digestOf(LONG, "sha512")),
];

const tooMany = Array.from({ length: 101 }, (_, i) => `tag=t${i}`).join("&");
const tagging: readonly Call[] = [
  put(`${digestOf(ONE)}?tag=a&tag=b&tag=a`, ONE, OCI_MANIFEST, { sends: { "oci-tag": /^a, b/ } }),
  ...pulled("a", ONE, OCI_MANIFEST),
  ...pulled("b", ONE, OCI_MANIFEST),
  refused(`${digestOf(ONE)}?${tooMany}`, ONE, 414, "SIZE_INVALID"),
  { call: `GET ${at("t1")}`, status: 404, code: "MANIFEST_UNKNOWN" },
  // A tag that is moved.
  put("a", TWO, OCI_MANIFEST),
  ...pulled("a", TWO, OCI_MANIFEST),
  ...pulled("b", ONE, OCI_MANIFEST),
];

const refusing: readonly Call[] = [
  refused(digestOf(TWO), ONE, 400, "DIGEST_INVALID"),
  refused(digestOf(ONE, "sha512"), TWO, 400, "DIGEST_INVALID"),
  ...["", "x", "null", "[]", '"x"', "{", '{"schemaVersion":2', "\ufeff{}"].map((body) =>
    refused("bad", body, 400, "MANIFEST_INVALID"),
  ),
  refused("bad", new Uint8Array([0x7b, 0xff, 0x7d]), 400, "MANIFEST_INVALID"),
  refused("bad", ONE, 400, "MANIFEST_INVALID", { headers: { "content-type": "no type" } }),
  refused("bad", ONE, 400, "MANIFEST_INVALID", { headers: { "content-type": OCI_INDEX } }),
  refused("bad", ONE, 415, "MANIFEST_INVALID", {
    headers: { "content-type": OCI_MANIFEST, "content-encoding": "gzip" },
  }),
  refused("bad", "x".repeat(4 * 1024 * 1024 + 1), 413, "SIZE_INVALID"),
  { call: `GET ${at("bad")}`, status: 404, code: "MANIFEST_UNKNOWN" },
];

const deleting: readonly Call[] = [
  { call: `DELETE ${at("b")}`, status: 202, sends: { "content-length": "0" }, gives: "" },
  { call: `GET ${at("b")}`, status: 404, code: "MANIFEST_UNKNOWN" },
  { call: `DELETE ${at("b")}`, status: 404, code: "MANIFEST_UNKNOWN" },
  ...pulled(digestOf(ONE), ONE, OCI_MANIFEST),
  { call: `DELETE ${at(digestOf(ONE))}`, status: 202, gives: "" },
  ...["latest", digestOf(ONE)].map((one) => ({ call: `GET ${at(one)}`, status: 404, code: "MANIFEST_UNKNOWN" })),
  { call: `DELETE ${at(digestOf(ONE))}`, status: 404, code: "MANIFEST_UNKNOWN" },
  ...pulled("a", TWO, OCI_MANIFEST),
  // A blob that a manifest names goes out of sight, not out of the world.
  { call: `DELETE /v2/img/blobs/${digestOf(LAYER)}`, status: 202 },
  { call: `HEAD /v2/img/blobs/${digestOf(LAYER)}`, status: 404 },
  ...pulled("a", TWO, OCI_MANIFEST),
  { call: `POST /v2/img/blobs/uploads/?digest=${digestOf(LAYER)}`, body: LAYER, status: 201 },
  { call: `GET /v2/img/blobs/${digestOf(LAYER)}`, status: 200, gives: LAYER },
];

export const manifests: readonly Call[] = [...pushing, ...tagging, ...refusing, ...deleting];
