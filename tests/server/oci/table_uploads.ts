/** Calls about blobs: uploads in every form, reading, mounting. */
import type { Call } from "../http/table.ts";
import { digestOf } from "./content.ts";

const HELLO = digestOf("hello, world");
const HELLO512 = digestOf("hello, world", "sha512");
const EMPTY = digestOf("");
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const NOWHERE = "019374e0-0000-7000-8000-000000000009";
const start = "POST /v2/team/app/blobs/uploads/";
const up = "/v2/team/app/blobs/uploads/{up}";
const begun = (keep: string): Call => ({ call: start, status: 202, keep: { [keep]: "docker-upload-uuid" } });
const chunk = (range: string, body: string, status: number, sends: Call["sends"] = {}): Call => ({
  call: `PATCH ${up}`,
  headers: { "content-range": range },
  ...{ body, status, sends },
});

const inChunks: readonly Call[] = [
  {
    ...begun("up"),
    sends: {
      location: /^\/v2\/team\/app\/blobs\/uploads\/[0-9a-f-]{36}$/,
      range: "0-0",
      "content-length": "0",
      "docker-upload-uuid": UUID,
      "docker-distribution-api-version": "registry/2.0",
    },
    gives: "",
  },
  { call: `GET ${up}`, status: 204, sends: { location: up, range: "0-0", "docker-upload-uuid": "{up}" }, gives: "" },
  chunk("0-4", "hello", 202, { location: up, range: "0-4", "docker-upload-uuid": "{up}", "content-length": "0" }),
  // What is there already, and what would leave a gap.
  ...["0-4", "7-11", "4-8", "6-10"].map((range) => ({
    ...chunk(range, "hello", 416, { location: up, range: "0-4", "docker-upload-uuid": "{up}" }),
    code: "BLOB_UPLOAD_INVALID",
    gives: { "errors.0.detail.offset": 5 },
  })),
  { call: `GET ${up}?digest=${HELLO}`, status: 204, sends: { location: up, range: "0-4" } },
  { call: `HEAD ${up}`, status: 204, sends: { range: "0-4" } },
  // A stream, and another one after it; nothing at all.
  { call: `PATCH ${up}`, body: ", wo", status: 202, sends: { range: "0-8" } },
  { call: `PATCH ${up}`, body: "", status: 202, sends: { range: "0-8" } },
  { call: `PATCH ${up}`, body: "rl", status: 202, sends: { range: "0-10" } },
  { ...chunk("11-13", "d", 400), code: "SIZE_INVALID" },
  { ...chunk("11-9", "d", 400), code: "SIZE_INVALID" },
  ...["11", "11-", "-11", "a-b", "bytes 11", "11-11,12-12", "0x0-0x1"].map((range) => ({
    ...chunk(range, "d", 400),
    code: "BLOB_UPLOAD_INVALID",
  })),
  { call: `PATCH /v2/other/blobs/uploads/{up}`, body: "d", status: 404, code: "BLOB_UPLOAD_UNKNOWN" },
  { call: `PUT ${up}`, body: "d", status: 400, code: "DIGEST_INVALID" },
  ...["sha256:zz", "md5:d41d8cd98f00b204e9800998ecf8427e", "hello", ""].map((digest) => ({
    call: `PUT ${up}?digest=${digest}`,
    body: "d",
    status: 400,
    code: "DIGEST_INVALID",
  })),
  {
    call: `PUT ${up}?digest=${HELLO}`,
    headers: { "content-range": "12-12" },
    body: "d",
    status: 416,
    code: "BLOB_UPLOAD_INVALID",
    sends: { location: up, range: "0-10" },
  },
  // None of it moved the upload, and no blob is there before the end.
  { call: `GET ${up}`, status: 204, sends: { range: "0-10" } },
  { call: `HEAD /v2/team/app/blobs/${HELLO}`, status: 404 },
  { call: "GET /v2/_catalog", status: 200, gives: '{"repositories":[]}' },
  {
    call: `PUT ${up}?digest=${encodeURIComponent(HELLO)}`,
    headers: { "content-range": "11-11" },
    body: "d",
    status: 201,
    sends: { location: `/v2/team/app/blobs/${HELLO}`, "docker-content-digest": HELLO, "content-length": "0" },
    gives: "",
  },
  { call: "GET /v2/_catalog", status: 200, gives: '{"repositories":["team/app"]}' },
  // A client that did not hear the answer asks again.
  { call: `PUT ${up}?digest=${HELLO}`, status: 201, sends: { location: `/v2/team/app/blobs/${HELLO}` } },
  { call: `GET ${up}`, status: 404, code: "BLOB_UPLOAD_UNKNOWN" },
];

const blob = `/v2/team/app/blobs/${HELLO}`;
const part = (range: string, status: number, contentRange: string | null, gives?: string): Call => ({
  call: `GET ${blob}`,
  headers: { range },
  status,
  sends: { "content-range": contentRange, ...(status === 206 && { "accept-ranges": "bytes" }) },
  ...(gives === undefined ? { code: "SIZE_INVALID" } : { gives }),
});

const reading: readonly Call[] = [
  {
    call: `GET ${blob}`,
    status: 200,
    sends: {
      "content-type": "application/octet-stream",
      "content-length": "12",
      "docker-content-digest": HELLO,
      "accept-ranges": "bytes",
      etag: `"${HELLO}"`,
    },
    gives: "hello, world",
  },
  {
    call: `HEAD ${blob}`,
    status: 200,
    sends: { "content-type": "application/octet-stream", "content-length": "12", "docker-content-digest": HELLO },
    gives: "",
  },
  { call: `GET ${blob.replace(":", "%3A")}`, status: 200, gives: "hello, world" },
  part("bytes=0-4", 206, "bytes 0-4/12", "hello"),
  part("bytes=7-", 206, "bytes 7-11/12", "world"),
  part("bytes=-5", 206, "bytes 7-11/12", "world"),
  part("bytes=7-99", 206, "bytes 7-11/12", "world"),
  part("bytes=12-", 416, "bytes */12"),
  part("bytes=99-100", 416, "bytes */12"),
  part("bytes=5-0", 416, "bytes */12"),
  part("bytes=-0", 416, "bytes */12"),
  part("bytes=0-1,3-4", 200, null, "hello, world"),
  part("lines=0-1", 200, null, "hello, world"),
  { call: `HEAD ${blob}`, headers: { range: "bytes=0-4" }, status: 200, sends: { "content-length": "12" } },
  { call: `GET ${blob}`, headers: { "if-none-match": `"${HELLO}"` }, status: 304, gives: "" },
  { call: `GET ${blob}`, headers: { "if-none-match": '"other"' }, status: 200, gives: "hello, world" },
  { call: `GET ${blob}`, headers: { range: "bytes=0-4", "if-range": '"other"' }, status: 200, gives: "hello, world" },
  { call: `GET /v2/other/blobs/${HELLO}`, status: 404 },
];

const atOnce: readonly Call[] = [
  {
    call: `${start}?digest=${digestOf("once")}`,
    body: "once",
    status: 201,
    sends: { location: `/v2/team/app/blobs/${digestOf("once")}`, "docker-content-digest": digestOf("once") },
  },
  { call: `${start.slice(0, -1)}?digest=${digestOf("slash")}`, body: "slash", status: 201 },
  { call: `${start}?digest=${digestOf("once")}`, body: "twice", status: 400, code: "DIGEST_INVALID" },
  { call: `${start}?digest=${EMPTY}`, body: "", status: 201 },
  { call: `GET /v2/team/app/blobs/${EMPTY}`, status: 200, sends: { "content-length": "0" }, gives: "" },
  { call: `HEAD /v2/team/app/blobs/${EMPTY}`, status: 200, sends: { "content-length": "0" }, gives: "" },
  // The other algorithm, told before, told late, and both for the same bytes.
  { call: `${start}?digest-algorithm=sha512`, status: 202, keep: { long: "docker-upload-uuid" } },
  {
    call: `PUT /v2/team/app/blobs/uploads/{long}?digest=${digestOf("told", "sha512")}`,
    body: "told",
    status: 201,
    sends: { "docker-content-digest": digestOf("told", "sha512") },
  },
  { call: `GET /v2/team/app/blobs/${digestOf("told")}`, status: 200, gives: "told" },
  begun("late"),
  {
    call: `PUT /v2/team/app/blobs/uploads/{late}?digest=${HELLO512}`,
    body: "hello, world",
    status: 201,
    sends: { "docker-content-digest": HELLO512 },
  },
  {
    call: `GET /v2/team/app/blobs/${HELLO512}`,
    status: 200,
    sends: { "docker-content-digest": HELLO512 },
    gives: "hello, world",
  },
  { call: `GET ${blob}`, status: 200, sends: { "docker-content-digest": HELLO } },
  // Wrong content ends an upload.
  begun("evil"),
  { call: `PUT /v2/team/app/blobs/uploads/{evil}?digest=${HELLO}`, body: "evil", status: 400, code: "DIGEST_INVALID" },
  { call: "GET /v2/team/app/blobs/uploads/{evil}", status: 404, code: "BLOB_UPLOAD_UNKNOWN" },
];

const cancelling: readonly Call[] = [
  { ...begun("gone"), sends: { range: "0-0" } },
  { call: "PATCH /v2/team/app/blobs/uploads/{gone}", body: "some", status: 202, sends: { range: "0-3" } },
  { call: "DELETE /v2/team/app/blobs/uploads/{gone}", status: 204, gives: "" },
  ...["{gone}", NOWHERE, "x", "%00", "..%2F..%2Fx"].flatMap((id) =>
    ["GET", "PATCH", "DELETE", `PUT?digest=${HELLO}`].map((what) => {
      const [method, query] = what.split("?");
      const call = `${method} /v2/team/app/blobs/uploads/${id}${query === undefined ? "" : `?${query}`}`;
      const body = method === "PATCH" || method === "PUT" ? { body: "more" } : {};
      return { call, status: 404, code: "BLOB_UPLOAD_UNKNOWN", ...body };
    }),
  ),
  { call: "POST /v2/never/blobs/uploads/", status: 202, keep: { never: "docker-upload-uuid" } },
  { call: "DELETE /v2/never/blobs/uploads/{never}", status: 204 },
  { call: "GET /v2/never/tags/list", status: 404, code: "NAME_UNKNOWN" },
];

export const uploads: readonly Call[] = [...inChunks, ...reading, ...atOnce, ...cancelling];

const mount = (query: string) => `POST /v2/mine/blobs/uploads/?${query}`;
const notMounted = (query: string): readonly Call[] => [
  {
    call: mount(query),
    status: 202,
    sends: { location: /^\/v2\/mine\/blobs\/uploads\//, range: "0-0" },
    keep: { instead: "docker-upload-uuid" },
  },
  { call: "DELETE /v2/mine/blobs/uploads/{instead}", status: 204 },
];

export const mounts: readonly Call[] = [
  ...notMounted(`mount=${HELLO}&from=nowhere`),
  ...notMounted(`mount=${HELLO}&from=NO%20NAME`),
  ...notMounted(`mount=${HELLO}&from=${"x".repeat(300)}`),
  ...notMounted(`mount=${digestOf("nobody has this")}&from=team/app`),
  ...notMounted(`mount=${digestOf("nobody has this")}`),
  { call: "GET /v2/mine/tags/list", status: 404, code: "NAME_UNKNOWN" },
  {
    call: mount(`mount=${HELLO}&from=team%2Fapp`),
    status: 201,
    sends: { location: `/v2/mine/blobs/${HELLO}`, "docker-content-digest": HELLO, "content-length": "0" },
  },
  { call: `GET /v2/mine/blobs/${HELLO}`, status: 200, gives: "hello, world" },
  { call: mount(`from=team/app&mount=${encodeURIComponent(digestOf("once"))}`), status: 201 },
  { call: mount(`mount=${EMPTY}`), status: 201, sends: { location: `/v2/mine/blobs/${EMPTY}` } },
  // A mount that cannot be, of a blob that comes along.
  { call: mount(`mount=${digestOf("along")}&from=team/app&digest=${digestOf("along")}`), body: "along", status: 201 },
  // Gone here and nowhere else.
  { call: `DELETE /v2/mine/blobs/${HELLO}`, status: 202, sends: { "content-length": "0" }, gives: "" },
  { call: `GET /v2/mine/blobs/${HELLO}`, status: 404, code: "BLOB_UNKNOWN" },
  { call: `HEAD /v2/mine/blobs/${HELLO}`, status: 404, gives: "" },
  { call: `DELETE /v2/mine/blobs/${HELLO}`, status: 404, code: "BLOB_UNKNOWN" },
  { call: `GET /v2/team/app/blobs/${HELLO}`, status: 200, gives: "hello, world" },
  { call: mount(`mount=${HELLO}&from=team/app`), status: 201 },
  { call: `HEAD /v2/mine/blobs/${HELLO}`, status: 200 },
];
