/** Calls about uploads that take several requests, archives, and the feed. */
import { createHash } from "node:crypto";
import { member, tar } from "../../support/tar_bytes.ts";
import type { Call } from "./table.ts";

const sf = (bytes: string) => `sha-256=:${createHash("sha256").update(bytes).digest("base64")}:`;
const IANA = "https://iana.org/assignments/http-problem-types#";
const NOWHERE = "019374e0-0000-7000-8000-000000000009";
const MORE = { "content-type": "application/partial-upload", "upload-complete": "?0" };
const LAST = { ...MORE, "upload-complete": "?1" };
const LIMIT = /^max-size=\d+, max-age=8(6400|6[34]\d\d)$/;
const to = (path: string) => `POST /uploads?package_id={up}&path=${path}`;

const begin: readonly Call[] = [
  {
    call: "POST /packages",
    body: { name: "uploaded", retention_class: "working" },
    status: 201,
    keep: { up: "package_id" },
  },
  {
    call: `${to("a/b.bin")}&executable=true&media_type=text/x`,
    headers: { "upload-complete": "?0", "upload-length": "12" },
    status: 201,
    sends: {
      location: /^\/uploads\/[0-9a-f-]{36}$/,
      "upload-offset": "0",
      "upload-complete": "?0",
      "upload-length": "12",
      "upload-limit": LIMIT,
      "cache-control": "no-store",
    },
    gives: { package_id: "{up}", path: "a/b.bin", offset: 0, length: 12, complete: false, entry: null, refusal: null },
    keep: { upload: "upload_id" },
  },
];

const goOn: readonly Call[] = [
  {
    call: "PATCH /uploads/{upload}",
    headers: { ...MORE, "upload-offset": "0", "content-digest": sf("hello") },
    body: "hello",
    status: 204,
    sends: { "upload-offset": "5", "upload-complete": "?0", "upload-length": "12", "upload-limit": LIMIT },
    gives: "",
  },
  {
    call: "HEAD /uploads/{upload}",
    status: 200,
    sends: {
      "upload-offset": "5",
      "upload-complete": "?0",
      "upload-length": "12",
      "upload-limit": LIMIT,
      "cache-control": "no-store",
    },
    gives: "",
  },
  { call: "GET /uploads/{upload}", status: 200, gives: { offset: 5, length: 12, complete: false, refusal: null } },
  // Where the client thinks that it is, and where it is.
  {
    call: "PATCH /uploads/{upload}",
    headers: { ...MORE, "upload-offset": "0" },
    body: "hello",
    status: 409,
    code: "upload_offset_mismatch",
    sends: { "upload-offset": "5", "upload-complete": "?0" },
    gives: { type: `${IANA}mismatching-upload-offset`, "expected-offset": 5, "provided-offset": 0 },
  },
  {
    call: "PATCH /uploads/{upload}",
    headers: { ...MORE, "upload-offset": "9" },
    body: "x",
    status: 409,
    sends: { "upload-offset": "5" },
    gives: { "expected-offset": 5, "provided-offset": 9 },
  },
  {
    call: "PATCH /uploads/{upload}",
    headers: { ...MORE, "upload-offset": "5", "upload-length": "13" },
    body: "x",
    status: 400,
    code: "upload_length_mismatch",
    gives: { type: `${IANA}inconsistent-upload-length` },
  },
  {
    call: "PATCH /uploads/{upload}",
    headers: { ...LAST, "upload-offset": "5" },
    body: "x",
    status: 400,
    code: "upload_length_mismatch",
  },
  {
    call: "PATCH /uploads/{upload}",
    headers: { ...MORE, "upload-offset": "5", "content-digest": sf("other") },
    body: ", wor",
    status: 422,
    code: "digest_mismatch",
  },
  {
    call: "PATCH /uploads/{upload}",
    headers: { "upload-complete": "?0", "upload-offset": "5", "content-type": "text/plain" },
    body: "x",
    status: 415,
    sends: { "accept-patch": "application/partial-upload" },
  },
  // None of it moved the upload.
  { call: "HEAD /uploads/{upload}", status: 200, sends: { "upload-offset": "5" } },
  { call: "PATCH /uploads/{upload}", headers: { ...MORE, "upload-offset": "5" }, body: "", status: 204 },
  {
    call: "PATCH /uploads/{upload}",
    headers: { ...LAST, "upload-offset": "5", "repr-digest": sf("hello, world") },
    body: ", world",
    status: 200,
    sends: { "upload-offset": "12", "upload-complete": "?1", "upload-length": "12" },
    gives: {
      complete: true,
      offset: 12,
      "entry.path": "a/b.bin",
      "entry.size": 12,
      "entry.executable": true,
      "entry.media_type": "text/x",
      replaced: false,
      refusal: null,
    },
  },
  // The final answer is given again to whatever comes, however often.
  {
    call: "PATCH /uploads/{upload}",
    headers: { ...LAST, "upload-offset": "5" },
    body: ", world",
    status: 200,
    sends: { "upload-complete": "?1", "upload-offset": "12" },
    gives: { complete: true, "entry.size": 12 },
  },
  {
    call: "PATCH /uploads/{upload}",
    headers: { ...MORE, "upload-offset": "77" },
    body: "x",
    status: 200,
    gives: { "entry.size": 12 },
  },
  { call: "GET /uploads/{upload}", status: 200, gives: { complete: true, "entry.path": "a/b.bin" } },
  { call: "HEAD /uploads/{upload}", status: 200, sends: { "upload-complete": "?1", "upload-offset": "12" } },
  { call: "GET /packages/{up}/files/a/b.bin", status: 200, gives: "hello, world" },
];

const refuse: readonly Call[] = [
  // A whole file at once, an empty one, one that replaces.
  {
    call: to("one"),
    headers: { "upload-complete": "?1" },
    body: "one",
    status: 201,
    sends: { "upload-complete": "?1", "upload-offset": "3" },
    gives: { complete: true, "entry.size": 3 },
  },
  { call: to("none"), headers: { "upload-complete": "?1" }, body: "", status: 201, gives: { "entry.size": 0 } },
  {
    call: `${to("one")}&replace=true`,
    headers: { "upload-complete": "?1" },
    body: "two!",
    status: 201,
    gives: { replaced: true, "entry.size": 4 },
  },
  // Refused for good, and told so again.
  {
    call: to("bad"),
    headers: { "upload-complete": "?0", "repr-digest": sf("good") },
    status: 201,
    keep: { bad: "upload_id" },
  },
  {
    call: "PATCH /uploads/{bad}",
    headers: { ...LAST, "upload-offset": "0" },
    body: "evil",
    status: 422,
    code: "digest_mismatch",
    sends: { "upload-complete": "?1" },
  },
  {
    call: "PATCH /uploads/{bad}",
    headers: { ...LAST, "upload-offset": "0" },
    body: "good",
    status: 422,
    code: "digest_mismatch",
    sends: { "upload-complete": "?1" },
  },
  {
    call: "GET /uploads/{bad}",
    status: 200,
    gives: { complete: true, entry: null, "refusal.code": "digest_mismatch" },
  },
  { call: "GET /packages/{up}/files/bad", status: 404, code: "file_not_found" },
  { call: to("one"), headers: { "upload-complete": "?0" }, status: 409, code: "path_exists" },
  {
    call: to("huge"),
    headers: { "upload-complete": "?0", "upload-length": "999999999999999" },
    status: 413,
    code: "limit_exceeded",
    sends: { "upload-limit": /^max-size=\d+$/ },
  },
  // Given up.
  { call: to("gone"), headers: { "upload-complete": "?0" }, body: "some", status: 201, keep: { gone: "upload_id" } },
  { call: "DELETE /uploads/{gone}", status: 204, gives: "" },
  ...["DELETE", "GET", "HEAD"].map((method) => ({ call: `${method} /uploads/{gone}`, status: 404 })),
  {
    call: "PATCH /uploads/{gone}",
    headers: { ...MORE, "upload-offset": "4" },
    body: "x",
    status: 404,
    code: "upload_not_found",
  },
  { call: `GET /uploads/${NOWHERE}`, status: 404, code: "upload_not_found" },
  {
    call: `POST /uploads?package_id=${NOWHERE}&path=x`,
    headers: { "upload-complete": "?0" },
    status: 404,
    code: "package_not_found",
  },
  { call: "POST /uploads?package_id={up}", headers: { "upload-complete": "?0" }, status: 400 },
  { call: to("x"), status: 400, code: "invalid_argument" },
  { call: to("../x"), headers: { "upload-complete": "?0" }, status: 400, code: "invalid_path" },
  { call: to("%FF"), headers: { "upload-complete": "?1" }, body: "x", status: 400, code: "invalid_argument" },
  { call: "PUT /uploads", status: 405, sends: { allow: "POST" } },
  { call: "TRACE /uploads/{upload}", status: 405, sends: { allow: "GET, HEAD, PATCH, DELETE" } },
];

const TREE = tar(
  member({ name: "bin/", type: "5" }),
  member({ name: "bin/tool", mode: 0o755 }, "#!"),
  member({ name: "hollow/", type: "5" }),
  member({ name: "again", type: "2", link: "bin/tool" }),
);
const TAR = { "content-type": "application/x-tar" };

export const archiving: readonly Call[] = [
  {
    call: "POST /packages",
    body: { name: "a/b", retention_class: "working" },
    status: 201,
    keep: { box: "package_id" },
  },
  {
    call: "POST /packages/{box}/archive",
    headers: TAR,
    body: TREE,
    status: 200,
    gives: { package_id: "{box}", added: 3, bytes: 2, "entries.0.outcome": "implied", "entries.1.path": "bin/tool" },
  },
  {
    call: "POST /packages/{box}/archive",
    headers: TAR,
    body: TREE,
    status: 422,
    code: "archive_refused",
    gives: { "data.refused": 2, "data.entries.0.code": "path_exists" },
  },
  {
    call: "POST /packages/{box}/archive",
    headers: TAR,
    body: tar(member({ name: "fine" }, "x"), member({ name: "../up" }, "y")),
    status: 422,
    code: "archive_refused",
    gives: { "data.refused": 1, "data.entries.0.code": "invalid_path" },
  },
  { call: "GET /packages/{box}/files/fine", status: 404, code: "file_not_found" },
  {
    call: "POST /packages/{box}/archive",
    headers: TAR,
    body: TREE.subarray(0, 700),
    status: 400,
    code: "invalid_archive",
  },
  {
    call: "POST /packages/{box}/archive",
    headers: { "content-type": "text/plain" },
    body: TREE,
    status: 415,
    code: "unsupported_media_type",
  },
  {
    call: "POST /packages/{box}/archive",
    headers: { ...TAR, "content-encoding": "br" },
    body: TREE,
    status: 415,
    sends: { "accept-encoding": "gzip, zstd" },
  },
  {
    call: "GET /packages/{box}/archive",
    status: 200,
    sends: {
      "content-type": "application/x-tar",
      "content-disposition": 'attachment; filename="a_b-{box}.tar"',
      vary: "accept",
    },
  },
  {
    call: "GET /packages/{box}/archive",
    headers: { accept: "application/zip" },
    status: 200,
    sends: { "content-type": "application/zip" },
  },
  {
    call: "HEAD /packages/{box}/archive?format=zip",
    status: 200,
    sends: { "content-type": "application/zip" },
    gives: "",
  },
  { call: "GET /packages/{box}/archive", headers: { accept: "text/html" }, status: 406, code: "not_acceptable" },
  { call: "GET /packages/{box}/archive?format=rar", status: 400, code: "invalid_argument" },
  { call: `GET /packages/${NOWHERE}/archive`, status: 404, code: "package_not_found" },
  { call: "POST /packages/{box}/finalize", status: 200 },
  { call: "POST /packages/{box}/archive", headers: TAR, body: TREE, status: 409, code: "package_not_open" },
];

const HASH = /^[0-9a-f]{64}$/;
export const following: readonly Call[] = [
  { call: "GET /events/head", status: 200, gives: { hash: HASH }, keep: { head: "sequence", newest: "hash" } },
  {
    call: "GET /events?limit=1",
    status: 200,
    sends: { "content-type": "application/json", vary: "accept", "cache-control": "private, no-store" },
    gives: {
      last_sequence: 1,
      "events.length": 1,
      "events.0.sequence": 1,
      "events.0.type": "v1.tenant.created",
      "events.0.prev_hash": "0".repeat(64),
      "events.0.hash": HASH,
    },
  },
  { call: "GET /events?since={head}", status: 200, gives: { events: [], pending: 0 } },
  { call: "GET /events?since={head}&wait=1", status: 200, gives: { events: [], pending: 0 } },
  {
    call: "GET /events?subject={box}",
    status: 200,
    gives: { "events.0.type": "v1.package.created", "events.0.subject": "{box}", pending: 0 },
    keep: { page: "last_sequence" },
  },
  {
    call: "GET /events?type=v1.package.finalized&subject={box}",
    status: 200,
    gives: { "events.length": 1, "events.0.hash": "{newest}" },
  },
  { call: "GET /events?limit=1000", headers: { "last-event-id": "{head}" }, status: 200, gives: { events: [] } },
  {
    call: "GET /events?limit=2",
    headers: { accept: "application/cbor" },
    status: 200,
    sends: { "content-type": "application/cbor" },
  },
  {
    call: "GET /events/1/payload",
    status: 200,
    sends: { "content-type": "application/cbor", "content-length": /^\d+$/ },
  },
  { call: "GET /events/999999/payload", status: 404, code: "event_not_found" },
  { call: "GET /events", headers: { accept: "text/html" }, status: 406, code: "not_acceptable" },
  ...["since=-1", "wait=61", "limit=0", "type=v1.nothing", "subject=a%20b", "sicne=1", "since=1&since=2"].map(
    (query) => ({
      call: `GET /events?${query}`,
      status: 400,
      code: "invalid_argument",
    }),
  ),
  { call: "POST /events", status: 405, sends: { allow: "GET, HEAD" } },
];

export const uploading: readonly Call[] = [...begin, ...goOn, ...refuse];
