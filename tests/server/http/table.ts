/** Calls and wanted answers, in order: later ones see what earlier ones did. */
import { text } from "../../support/registry_fixture.ts";
import { filling, reading } from "./table_files.ts";
import { importing } from "./table_imports.ts";
import { repositories } from "./table_repositories.ts";
import { ruling } from "./table_tag_rules.ts";
import { archiving, following, uploading } from "./table_uploads.ts";

export interface Call {
  /** `METHOD path`; `{name}` is what an earlier answer was kept as. */
  readonly call: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Strings and bytes as they are, everything else as JSON with its content type. */
  readonly body?: unknown;
  readonly status: number;
  /** `code` of a problem. */
  readonly code?: string;
  /** Wanted headers; `null`: not there. */
  readonly sends?: Readonly<Record<string, string | RegExp | null>>;
  /** The body: text or bytes exactly, or members of the JSON. */
  readonly gives?: string | Uint8Array | Readonly<Record<string, unknown>>;
  /** Keeps a member of the JSON, or a header, under a name. */
  readonly keep?: Readonly<Record<string, string>>;
}

const JSON_TYPE = { "content-type": "application/json" };
const NOBODY = "/packages/019374e0-0000-7000-8000-000000000009";
const file = (path: string) => `/packages/{open}/files/${path}`;

const creating: readonly Call[] = [
  {
    call: "POST /packages",
    body: { name: "team/app", version: "1.0", retention_class: "working", metadata: { build: 7, __proto__: null } },
    headers: { "idempotency-key": "first" },
    status: 201,
    sends: { location: /^\/packages\/[0-9a-f-]{36}$/, "cache-control": "private, no-store", "content-length": /^\d+$/ },
    gives: { name: "team/app", state: "open", metadata: { build: 7 } },
    keep: { open: "package_id", created: "created_at" },
  },
  {
    call: "POST /packages",
    body: { retention_class: "working", metadata: { build: 7 }, version: "1.0", name: "team/app" },
    headers: { "idempotency-key": "first" },
    status: 201,
    gives: { package_id: "{open}", created_at: "{created}" },
  },
  {
    call: "POST /packages",
    body: { name: "other", retention_class: "working" },
    headers: { "idempotency-key": "first" },
    status: 422,
    code: "idempotency_mismatch",
  },
  {
    call: "POST /packages",
    body: { name: "other", retention_class: "working" },
    headers: { "idempotency-key": "not one" },
    status: 400,
    code: "invalid_argument",
  },
  { call: "POST /packages", body: { name: "x" }, status: 400, code: "invalid_argument" },
  { call: "POST /packages", body: { name: "X", retention_class: "working" }, status: 400, code: "invalid_name" },
  {
    call: "POST /packages",
    body: { name: "x", retention_class: "working", nmae: 1 },
    status: 400,
    code: "invalid_argument",
  },
  {
    call: "POST /packages",
    body: '{"name":"x","retention_class":"working","__proto__":1}',
    headers: JSON_TYPE,
    status: 400,
    code: "invalid_argument",
  },
  {
    call: "POST /packages",
    body: { name: "x", retention_class: "nope" },
    status: 422,
    code: "unknown_retention_class",
  },
  {
    call: "POST /packages",
    body: { name: "x", retention_class: "working", metadata: [] },
    status: 400,
    code: "invalid_argument",
  },
  {
    call: "POST /packages",
    body: { name: "x", retention_class: "working", metadata_schema: "none" },
    status: 422,
    code: "unknown_metadata_schema",
  },
  { call: "POST /packages", body: "{", headers: JSON_TYPE, status: 400, code: "invalid_argument" },
  {
    call: "POST /packages",
    body: new Uint8Array([0x22, 0xff, 0x22]),
    headers: JSON_TYPE,
    status: 400,
    code: "invalid_argument",
  },
  { call: "POST /packages", headers: JSON_TYPE, status: 400, code: "invalid_argument" },
  {
    call: "POST /packages",
    body: "{}",
    headers: { "content-type": "text/plain" },
    status: 415,
    code: "unsupported_media_type",
  },
  {
    call: "POST /packages",
    body: "{}",
    headers: { "content-type": "application/json; charset=latin1" },
    status: 415,
    code: "unsupported_media_type",
  },
  {
    call: "POST /packages",
    body: "{}",
    headers: { ...JSON_TYPE, "content-encoding": "gzip" },
    status: 415,
    code: "unsupported_media_type",
  },
  {
    call: "POST /packages",
    body: `${"[".repeat(65)}${"]".repeat(65)}`,
    headers: JSON_TYPE,
    status: 400,
    code: "invalid_argument",
  },
  { call: "POST /packages", body: "[".repeat(1_000_000), headers: JSON_TYPE, status: 400, code: "invalid_argument" },
  {
    call: "POST /packages",
    body: `"${"x".repeat(1_048_576)}"`,
    headers: JSON_TYPE,
    status: 413,
    code: "limit_exceeded",
  },
  { call: "PUT /packages", status: 405, code: "method_not_allowed", sends: { allow: "GET, HEAD, POST" } },
];

const finding: readonly Call[] = [
  { call: "GET /packages", status: 200, gives: { next_cursor: null, "items.0.package_id": "{open}" } },
  { call: "GET /packages?limit=1", status: 200, gives: { "items.length": 1, next_cursor: /^\d+$/ } },
  { call: "GET /packages?name_prefix=team/&state=open&metadata=build=7", status: 200, gives: { "items.length": 1 } },
  { call: "GET /packages?metadata=build=7&metadata=x=y", status: 200, gives: { items: [] } },
  { call: "GET /packages?created_before=2020-01-01T00:00:00Z", status: 200, gives: { items: [] } },
  { call: "GET /packages?external_system=jira&external_id=AS-1", status: 200, gives: { items: [] } },
  ...["limit=0", "limit=1001", "limit=1e2", "limit=1&limit=2", "cursor=x", "nmae=x", "state=gone", "metadata=x"].map(
    (query) => ({ call: `GET /packages?${query}`, status: 400, code: "invalid_argument" }),
  ),
  { call: "GET /packages?external_id=AS-1", status: 400, code: "invalid_argument" },
  { call: "GET /packages?created_after=now", status: 400, code: "invalid_argument" },
  { call: "GET /packages/{open}", status: 200, gives: { package_id: "{open}" } },
  { call: "HEAD /packages/{open}", status: 200, gives: "" },
  { call: `GET ${NOBODY}`, status: 404, code: "package_not_found" },
  { call: "GET /packages/x@y", status: 404, code: "package_not_found" },
  { call: "GET /packages/%E0%A4%A", status: 400, code: "invalid_argument" },
  { call: "GET /packages/%FF", status: 400, code: "invalid_argument" },
];

const manifest = "/packages/{open}/manifest";
const closing: readonly Call[] = [
  { call: `GET ${manifest}`, status: 409, code: "package_not_finalized" },
  {
    call: "POST /packages/{open}/finalize",
    status: 200,
    gives: { state: "finalized", file_count: 5 },
    keep: { digest: "manifest_digest" },
  },
  { call: "POST /packages/{open}/finalize", status: 200, gives: { manifest_digest: "{digest}" } },
  { call: "GET /packages/team%2Fapp@1.0", status: 200, gives: { package_id: "{open}" } },
  { call: "GET /packages/team%2Fapp%401.0/files/form", status: 200, gives: "a=b" },
  { call: `PUT ${file("late")}`, body: "x", status: 409, code: "package_not_open" },
  { call: "PUT /packages/team%2Fapp@1.0/files/late", body: "x", status: 409, code: "package_not_open" },
  { call: `DELETE ${file("form")}`, status: 409, code: "package_not_open" },
  { call: "POST /packages/{open}/abandon", body: { reason: "no" }, status: 409, code: "package_not_open" },
  {
    call: `GET ${manifest}`,
    status: 200,
    sends: { "content-type": "application/json", vary: "accept", "content-length": /^\d+$/ },
    gives: { manifest_version: 1, "files.length": 7 },
    keep: { jcs: "etag" },
  },
  { call: `GET ${manifest}`, headers: { accept: "*/*" }, status: 200, sends: { "content-type": "application/json" } },
  {
    call: `GET ${manifest}`,
    headers: { accept: "application/*;q=0.5, application/cbor" },
    status: 200,
    sends: { "content-type": "application/cbor", etag: '"{digest}"', "repr-digest": /^blake3=:/ },
  },
  {
    call: `GET ${manifest}`,
    headers: { accept: "application/json;q=0, */*;q=0.1" },
    status: 200,
    sends: { "content-type": "application/cbor" },
  },
  { call: `HEAD ${manifest}`, headers: { accept: "application/cbor" }, status: 200, gives: "" },
  { call: `GET ${manifest}`, headers: { accept: "text/html" }, status: 406, code: "not_acceptable" },
  { call: `GET ${manifest}`, headers: { "if-none-match": "{jcs}" }, status: 304, gives: "" },
  { call: `GET ${manifest}`, headers: { "if-none-match": '"{digest}"' }, status: 200 },
  { call: "POST /packages/{open}/verify", status: 200, gives: { ok: true, manifest_ok: true, damaged: [] } },
  {
    call: "POST /packages",
    body: { name: "team/app", version: "1.0", retention_class: "working" },
    status: 409,
    code: "version_exists",
  },
  {
    call: "POST /packages",
    body: { name: "given-up", retention_class: "transient" },
    status: 201,
    keep: { up: "package_id" },
  },
  { call: "POST /packages/{up}/abandon", body: {}, status: 400, code: "invalid_argument" },
  { call: "POST /packages/{up}/abandon", body: { reason: "" }, status: 400, code: "invalid_argument" },
  { call: "POST /packages/{up}/abandon", body: { reason: "cancelled" }, status: 200, gives: { state: "abandoned" } },
  { call: "POST /packages/{up}/abandon", body: { reason: "again" }, status: 200, gives: { state: "abandoned" } },
  { call: "POST /packages/{up}/finalize", status: 409, code: "package_not_open" },
  { call: `POST ${NOBODY}/finalize`, status: 404, code: "package_not_found" },
];

const schema = { type: "object", required: ["build"] };
const schemas: readonly Call[] = [
  { call: "PUT /metadata-schemas/report/1", body: schema, status: 204, gives: "" },
  { call: "PUT /metadata-schemas/report%2F1", body: schema, status: 204 },
  { call: "PUT /metadata-schemas/report/1", body: { type: "array" }, status: 409, code: "conflict" },
  { call: "PUT /metadata-schemas/report%20", body: schema, status: 400, code: "invalid_argument" },
  { call: "PUT /metadata-schemas/%0A", body: schema, status: 400, code: "invalid_argument" },
  { call: "PUT /metadata-schemas/bad", body: { $ref: "#/nowhere" }, status: 422, code: "invalid_metadata" },
  {
    call: "POST /packages",
    body: { name: "x", retention_class: "working", metadata_schema: "report/1" },
    status: 422,
    code: "invalid_metadata",
  },
  {
    call: "POST /packages",
    body: { name: "x", retention_class: "working", metadata_schema: "report/1", metadata: { build: 1 } },
    status: 201,
  },
];

const sound = { healthy: true, staged: [], scratch: [], missing: [], quarantined: [], stale_views: [] };
const maintaining: readonly Call[] = [
  {
    call: "GET /doctor",
    status: 200,
    sends: { "cache-control": "private, no-store" },
    gives: { ...sound, orphans: [] },
  },
  // Content that came in full and was refused at the end.
  { call: "GET /doctor?grace=0", status: 200, gives: { ...sound, "orphans.length": 1, "orphans.0.size": 1 } },
  { call: "GET /doctor?grace=24h", status: 400, code: "invalid_argument" },
  { call: "GET /doctor?grace=-1", status: 400, code: "invalid_argument" },
  { call: "GET /doctor?graze=1", status: 400, code: "invalid_argument" },
  { call: "POST /doctor/fix?grace=x", status: 400, code: "invalid_argument" },
  { call: "POST /doctor/fix", status: 200, gives: { removed_orphans: 0 } },
  {
    call: "POST /doctor/fix?grace=0",
    status: 200,
    gives: { "report.healthy": true, removed_staged: 0, removed_orphans: 1, removed_scratch: 0, freed_bytes: 1 },
  },
  { call: "GET /doctor?grace=0", status: 200, gives: { ...sound, orphans: [] } },
  { call: "GET /doctor/fix", status: 405, code: "method_not_allowed" },
];

export const TABLE: Readonly<Record<string, readonly Call[]>> = {
  creating,
  finding,
  filling,
  reading,
  closing,
  schemas,
  maintaining,
  uploading,
  archiving,
  following,
  ruling,
  importing,
  repositories,
};

export function bodyBytes(body: unknown): Uint8Array<ArrayBuffer> | undefined {
  if (body === undefined) return undefined;
  if (body instanceof Uint8Array) return body as Uint8Array<ArrayBuffer>;
  return text(typeof body === "string" ? body : JSON.stringify(body));
}
