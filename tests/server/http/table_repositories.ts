/** Calls about repositories: shown, deleted, and the histories of their tags. */
import { digestOf, manifest, OCI_MANIFEST } from "../oci/content.ts";
import type { Call } from "./table.ts";

const CONFIG = "{}";
const ONE = manifest(CONFIG, ["one"]);
const TWO = manifest(CONFIG, ["two"]);
/** Segments that say what parts of a repository are called, at every place where they could be taken for one. */
const ODD = [
  ...["tags", "history", "retention", "holds", "restore", "tags/history", "x/tags", "x/history", "x/retention"],
  ...[
    "x/holds",
    "x/restore",
    "x/tags/v1",
    "tags/v1/history",
    "tags/v1/restore",
    "x/tags/v1/retention",
    "x/tags/v1/holds",
  ],
];
/** These read as something else where their slashes are plain. */
const AMBIGUOUS = [
  "x/tags/v1/history",
  "x/tags/v1/restore",
  "tags/tags/tags/history",
  "a/tags/b/history/tags/c/history",
];

const path = (name: string, part = "") => `/v1/repositories/${encodeURIComponent(name)}${part}`;
const plain = (name: string, part = "") => `/v1/repositories/${name}${part}`;
const push = (name: string, layer: string, tag: string): readonly Call[] => [
  ...[CONFIG, layer].map((content) => ({
    call: `POST /v2/${name}/blobs/uploads/?digest=${digestOf(content)}`,
    body: content,
    status: 201,
  })),
  {
    call: `PUT /v2/${name}/manifests/${tag}`,
    headers: { "content-type": OCI_MANIFEST },
    body: layer === "one" ? ONE : TWO,
    status: 201,
  },
];
const HISTORY = plain("house/app", "/tags/latest/history");
const RESTORE = path("house/app", "/tags/latest/restore");

const bad = (call: string, more: Partial<Call> = {}): Call => ({
  ...{ call, status: 400, code: "invalid_argument" },
  ...more,
});
const as = (point: string) => `/v2/house/app/manifests/latest?as-of=${point}`;
const pulled = (point: string, content: string): readonly Call[] => [
  { call: `GET ${as(point)}`, status: 200, sends: { "docker-content-digest": digestOf(content) }, gives: content },
  {
    call: `HEAD ${as(point)}`,
    status: 200,
    sends: { "docker-content-digest": digestOf(content), "content-length": String(content.length) },
    gives: "",
  },
];

const showing: readonly Call[] = [
  { call: "GET /v1/repositories?prefix=house/", status: 200, gives: '{"items":[],"next_cursor":null}\n' },
  ...push("house/app", "one", "latest"),
  {
    call: `GET ${HISTORY}`,
    status: 200,
    gives: { "items.length": 1, "items.0.digest": digestOf(ONE), next_cursor: null },
    keep: { one: "items.0.sequence" },
  },
  ...push("house/app", "two", "latest"),
  {
    call: `GET ${plain("house/app")}`,
    status: 200,
    sends: { "cache-control": "private, no-store" },
    gives: {
      ...{ name: "house/app", tags: 1, manifests: 2, blobs: 3, bytes: ONE.length + TWO.length + 8, last_pull: null },
      ...{ last_push: /Z$/, pull_tracking_since: /Z$/ },
    },
  },
  { call: `HEAD ${path("house/app")}`, status: 200, gives: "" },
  { call: `GET /v2/house/app/manifests/latest`, status: 200, gives: TWO },
  { call: `GET ${path("house/app")}`, status: 200, gives: { last_pull: /:00:00\.000Z$/ } },
  {
    call: "GET /v1/repositories?prefix=house/&limit=1",
    status: 200,
    gives: { "items.length": 1, "items.0.name": "house/app", next_cursor: null },
  },
  { call: "GET /v1/repositories?prefix=x", status: 200, gives: { "items.length": 0 } },
  bad("GET /v1/repositories?limit=0", { gives: { error: /limit/ } }),
  bad("GET /v1/repositories?perfix=x"),
];

const refusing: readonly Call[] = [
  {
    call: `GET ${path("nobody")}`,
    ...{ status: 404, code: "repository_not_found" },
    gives: { error: /no repository nobody/, detail: /no repository nobody/ },
  },
  ...["X", "x//y", "x/", "-x", "é", "x%2F", "%2Fx", "x".repeat(256)].map((name) => ({
    call: `GET /v1/repositories/${name}`,
    ...{ status: 400, code: "invalid_name" },
  })),
  { call: "GET /v1/repositories/", status: 404, code: "not_found", gives: { error: "Not found" } },
  { call: "GET /v1/nothing", status: 404, code: "not_found", gives: { error: "Not found" } },
  { call: "GET /packages/nothing", status: 404, code: "package_not_found", gives: { error: undefined } },
  {
    call: `PUT ${plain("house/app")}`,
    status: 405,
    sends: { allow: "GET, HEAD, DELETE" },
    gives: { error: /Allowed/ },
  },
  { call: `DELETE ${HISTORY}`, status: 405, sends: { allow: "GET, HEAD" } },
  { call: `GET ${RESTORE}`, status: 405, sends: { allow: "POST" } },
  { call: `GET ${path("house/app", "/tags/none/history")}`, status: 404, code: "manifest_not_found" },
  { call: `GET ${path("nobody", "/tags/latest/history")}`, status: 404, code: "repository_not_found" },
  { call: `GET ${path("house/app", "/tags/-/history")}`, status: 400, code: "invalid_tag" },
  bad(`GET ${HISTORY}?cursor=x`),
  bad(`GET ${HISTORY}?limit=1001`),
  // `+` is a space in a query.
  ...["x", "", "-1", "1.5", "999999999", "2026-13-01T00:00:00Z", "2999-01-01T00:00:00Z", "1&as-of=2"].map((point) => ({
    call: `GET ${as(point)}`,
    ...{ status: 400, gives: { "errors.0.code": "MANIFEST_INVALID" } },
  })),
  {
    call: `GET /v2/house/app/manifests/${digestOf(ONE)}?as-of=1`,
    ...{ status: 400, gives: { "errors.0.code": "MANIFEST_INVALID" } },
  },
  { call: `GET ${as("1")}`, status: 404, gives: { "errors.0.code": "MANIFEST_UNKNOWN" } },
  ...[{}, { as_of: true }, { as_of: -1 }, { as_of: "soon" }, { as_of: 1, more: 1 }, { as_of: null }].map((body) =>
    bad(`POST ${RESTORE}`, { body }),
  ),
  { call: `POST ${RESTORE}`, body: { as_of: 1 }, status: 404, code: "manifest_not_found" },
  { call: `POST ${RESTORE}`, body: "x", status: 415, code: "unsupported_media_type", gives: { error: /JSON/ } },
  bad(`DELETE ${plain("house/app")}`, { gives: { error: /reason/ } }),
  bad(`DELETE ${plain("house/app")}?reason=`),
  bad(`DELETE ${plain("house/app")}?reason=x&dry_run=1`),
  bad(`DELETE ${plain("house/app")}?reason=${"x".repeat(2001)}`),
];

const restoring: readonly Call[] = [
  ...pulled("{one}", ONE),
  {
    call: `GET ${HISTORY}?limit=1`,
    status: 200,
    gives: {
      ...{ "items.length": 1, "items.0.digest": digestOf(TWO), "items.0.state": "current" },
      ...{ "items.0.event": "v1.oci.tag_moved", "items.0.protected_until": null },
    },
    keep: { next: "next_cursor", two: "items.0.sequence", at: "items.0.occurred_at" },
  },
  ...pulled("{two}", TWO),
  ...pulled("{at}", TWO),
  {
    call: `GET ${HISTORY}?limit=1&cursor={next}`,
    status: 200,
    gives: {
      ...{ "items.length": 1, "items.0.digest": digestOf(ONE), "items.0.state": "kept" },
      ...{ "items.0.protected_until": /Z$/, next_cursor: null },
    },
  },
  {
    call: `POST ${RESTORE}`,
    body: { as_of: "{one}" },
    status: 200,
    gives: {
      ...{ repository: "house/app", tag: "latest", digest: digestOf(ONE), previous: digestOf(TWO), moved: true },
    },
  },
  {
    call: `POST ${plain("house/app", "/tags/latest/restore")}`,
    body: { as_of: "{one}" },
    ...{ status: 200, gives: { moved: false } },
  },
  { call: "GET /v2/house/app/manifests/latest", status: 200, gives: ONE },
  { call: `DELETE /v2/house/app/manifests/${digestOf(TWO)}`, status: 202 },
  {
    call: `POST ${RESTORE}`,
    body: { as_of: "{two}" },
    ...{ status: 410, code: "content_removed" },
    gives: { "data.digest": digestOf(TWO), "data.occurred_at": /Z$/, error: /was removed by event/ },
    keep: { gone: "data.sequence" },
  },
  {
    call: `GET ${as("{two}")}`,
    status: 410,
    gives: { "errors.0.code": "MANIFEST_UNKNOWN", "errors.0.detail.digest": digestOf(TWO) },
    keep: { said: "errors.0.detail.sequence" },
  },
  { call: `HEAD ${as("{two}")}`, status: 410, gives: "" },
  { call: "GET /events?since={said}&limit=1", status: 200, gives: { "events.length": 0 } },
  {
    call: `GET ${HISTORY}`,
    status: 200,
    gives: { "items.1.state": "removed", "items.1.removed.occurred_at": /Z$/, "items.0.restored_from": /^\d+$/ },
  },
];

const deleting: readonly Call[] = [
  {
    call: `DELETE ${plain("house/app")}?dry_run=true`,
    status: 200,
    gives: { name: "house/app", tags: 1, manifests: 1, blobs: 3, deleted: false },
  },
  {
    call: `DELETE ${path("house/app")}?reason=The%20end`,
    status: 200,
    gives: { tags: 1, manifests: 1, blobs: 3, deleted: true },
  },
  { call: `DELETE ${path("house/app")}?reason=again`, status: 404, code: "repository_not_found" },
  { call: `DELETE ${path("house/app")}?dry_run=true`, status: 404, code: "repository_not_found" },
  { call: "GET /v2/house/app/tags/list", status: 404, gives: { "errors.0.code": "NAME_UNKNOWN" } },
  {
    call: `GET ${HISTORY}`,
    status: 200,
    gives: { "items.0.event": "v1.oci.repository_deleted", "items.1.state": "removed" },
  },
  { call: `POST ${RESTORE}`, body: { as_of: "{one}" }, status: 410, code: "content_removed" },
];

/** Every name is reached, with its slashes encoded; with plain ones too, unless it ends like a part of a repository. */
const naming: readonly Call[] = [
  ...[...ODD, ...AMBIGUOUS].flatMap((name) => [
    ...push(name, "one", "v1"),
    { call: `GET ${path(name)}`, status: 200, gives: { name, tags: 1 } },
    { call: `GET ${path(name, "/tags/v1/history")}`, status: 200, gives: { "items.0.digest": digestOf(ONE) } },
    { call: `GET ${plain(name, "/tags/v1/history")}`, status: 200, gives: { "items.0.digest": digestOf(ONE) } },
  ]),
  ...ODD.map((name) => ({ call: `GET ${plain(name)}`, status: 200, gives: { name } })),
  {
    call: `GET ${plain("x/tags/v1/history")}`,
    ...{ status: 404, code: "repository_not_found", gives: { error: /no repository x;/ } },
  },
  { call: `GET ${plain("x/tags/v1/restore")}`, status: 405, sends: { allow: "POST" } },
  {
    call: `GET ${plain("tags/tags/tags/history")}`,
    ...{ status: 404, code: "manifest_not_found", gives: { error: /^tags never/ } },
  },
  ...[...ODD, ...AMBIGUOUS].map((name) => ({ call: `DELETE ${path(name)}?reason=x`, status: 200, gives: { name } })),
];

export const repositories: readonly Call[] = [...showing, ...refusing, ...restoring, ...deleting, ...naming];
