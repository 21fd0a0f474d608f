/** `/uploads`: files over several requests (draft-ietf-httpbis-resumable-upload, interop version 8). */
import { createRoute } from "@hono/zod-openapi";
import {
  type ChunkPool,
  type Digest,
  isRegistryError,
  type Registry,
  RegistryError,
  type Upload,
} from "../../core/mod.ts";
import { addRoute } from "../add_route.ts";
import type { App } from "../env.ts";
import { errorResponse } from "../errors.ts";
import { contentLength, passingBodyOf } from "../http/body.ts";
import { expectedDigests } from "../http/digests.ts";
import { HttpError } from "../http/error.ts";
import { json } from "../json.ts";
import { HEADERS, headers } from "../schemas/common.ts";
import { binary } from "../schemas/content.ts";
import { UPLOAD_LINKS } from "../schemas/links.ts";
import { problems } from "../schemas/problem.ts";
import {
  AppendUploadHeaders,
  CreateUploadHeaders,
  UPLOAD_HEADERS,
  UploadParam,
  UploadSchema,
  UploadTarget,
} from "../schemas/upload.ts";

const PARTIAL = "application/partial-upload";
const upload = { "application/json": { schema: UploadSchema } };

const create = createRoute({
  method: "post",
  path: "/uploads",
  operationId: "createUpload",
  tags: ["uploads"],
  summary: "Begin a file whose bytes come over several requests",
  description:
    "The body may hold the first bytes, or all of them, or be empty. Keep `Location`: whatever happens to a connection, ask it with HEAD how far the upload is and send the rest with PATCH. 100 uploads may be open at once.",
  request: {
    query: UploadTarget,
    headers: CreateUploadHeaders,
    body: {
      required: false,
      content: { "application/octet-stream": { schema: binary }, [PARTIAL]: { schema: binary } },
    },
  },
  responses: {
    201: {
      description: "The upload. With `Upload-Complete: ?1` the file is in its package",
      headers: { ...UPLOAD_HEADERS, Location: { ...HEADERS.Location, description: "The upload" } },
      content: upload,
      links: UPLOAD_LINKS,
    },
    ...problems(404, 409, 413, 415, 422, 429),
  },
});

const get = createRoute({
  method: "get",
  path: "/uploads/{id}",
  operationId: "getUpload",
  tags: ["uploads"],
  summary: "How far an upload is",
  description:
    "GET only looks. HEAD ends a request that is under way on the upload, so that its `Upload-Offset` is the one to go on at. The final answer can be read here for a day.",
  request: { params: UploadParam },
  responses: { 200: { description: "The upload", headers: UPLOAD_HEADERS, content: upload }, ...problems(404) },
});

const append = createRoute({
  method: "patch",
  path: "/uploads/{id}",
  operationId: "appendUpload",
  tags: ["uploads"],
  summary: "Send bytes",
  description:
    "A newer request on an upload ends an older one. If the connection breaks, what arrived is kept. 409 `upload_offset_mismatch` tells the true `Upload-Offset`. An answer with `Upload-Complete: ?1` is final, also when it is a refusal, and is given again to whatever is sent later.",
  request: {
    params: UploadParam,
    headers: AppendUploadHeaders,
    body: { required: true, content: { [PARTIAL]: { schema: binary } } },
  },
  responses: {
    200: { description: "The file is in its package", headers: UPLOAD_HEADERS, content: upload },
    204: { description: "The bytes are durable", headers: UPLOAD_HEADERS },
    ...problems(404, 409, 413, 415, 422),
  },
});

const cancel = createRoute({
  method: "delete",
  path: "/uploads/{id}",
  operationId: "cancelUpload",
  tags: ["uploads"],
  summary: "Give an upload up, and free its bytes",
  request: { params: UploadParam },
  responses: { 204: { description: "It is gone", headers: headers() }, ...problems(404, 409) },
});

export function uploadRoutes(app: App, registry: Registry, chunks: ChunkPool | undefined): void {
  addRoute(app, create, (c) =>
    answered(c.env.requestId, async () => {
      const request = c.req.raw;
      const caller = c.get("caller");
      const target = c.req.valid("query");
      const sent = c.req.valid("header");
      const complete = sent["upload-complete"] === "?1";
      const length = lengthOf(0, complete, sent["upload-length"], request);
      const source = passingBodyOf(request, chunks);
      const expectedHere = digestsIn("content-digest", sent["content-digest"]);
      let upload = await registry.createUpload(caller, {
        packageId: target.package_id,
        path: target.path,
        executable: target.executable,
        replace: target.replace ? "either" : false,
        algorithms: target.sha512 ? ["sha512"] : [],
        expected: digestsIn("repr-digest", sent["repr-digest"]),
        ...(target.media_type === undefined ? {} : { mediaType: target.media_type }),
        ...(length === undefined ? {} : { expectedSize: length }),
      });
      const location = `/uploads/${upload.upload_id}`;
      if (complete || hasBody(request)) {
        const uploadId = upload.upload_id;
        try {
          upload = await registry.appendUpload(caller, { uploadId, offset: 0, source, complete, expectedHere });
        } catch (error) {
          // Who is not told where it is cannot go on with it. A final refusal keeps no bytes.
          await registry.cancelUpload(caller, uploadId).catch(() => {});
          throw error;
        }
      }
      return json(body(upload), 201, { ...stateOf(upload), location });
    }),
  );

  addRoute(
    app,
    get,
    async (c) => {
      const { id } = c.req.valid("param");
      const caller = c.get("caller");
      const head = c.req.raw.method === "HEAD";
      const upload = await (head ? registry.resumeUpload(caller, id) : registry.getUpload(caller, id));
      return json(body(upload), 200, stateOf(upload));
    },
    { head: true },
  );

  addRoute(app, append, (c) =>
    answered(c.env.requestId, async () => {
      const request = c.req.raw;
      checkType(request.headers);
      const sent = c.req.valid("header");
      const offset = sent["upload-offset"];
      const complete = sent["upload-complete"] === "?1";
      const length = lengthOf(offset, complete, sent["upload-length"], request);
      const upload = await registry.appendUpload(c.get("caller"), {
        uploadId: c.req.valid("param").id,
        ...{ offset, complete, source: passingBodyOf(request, chunks) },
        expected: digestsIn("repr-digest", sent["repr-digest"]),
        expectedHere: digestsIn("content-digest", sent["content-digest"]),
        ...(length === undefined ? {} : { length }),
      });
      if (upload.complete) return json(body(upload), 200, stateOf(upload));
      return new Response(null, { status: 204, headers: stateOf(upload) });
    }),
  );

  addRoute(app, cancel, async (c) => {
    await registry.cancelUpload(c.get("caller"), c.req.valid("param").id);
    return new Response(null, { status: 204, headers: { "cache-control": "no-store" } });
  });
}

const IANA = "https://iana.org/assignments/http-problem-types#";

/** What the draft wants of refusals: the headers, and its own problem types. */
async function answered(requestId: string, work: () => Promise<Response>): Promise<Response> {
  try {
    return await work();
  } catch (error) {
    if (!isRegistryError(error)) throw error;
    const { code, data } = error;
    if (code === "upload_offset_mismatch") {
      const { offset, provided_offset: provided } = data;
      const said = { "upload-offset": String(offset), "upload-complete": "?0" };
      const members = { "expected-offset": offset, "provided-offset": provided };
      return await refused(error, requestId, said, { type: `${IANA}mismatching-upload-offset`, ...members });
    }
    if (code === "upload_length_mismatch") {
      return await refused(error, requestId, {}, { type: `${IANA}inconsistent-upload-length` });
    }
    if (data.upload_complete === true) return await refused(error, requestId, { "upload-complete": "?1" }, {});
    if (code === "limit_exceeded" && typeof data.limit === "number") {
      return await refused(error, requestId, { "upload-limit": `max-size=${data.limit}` }, {});
    }
    throw error;
  }
}

/** The problem that any other route would answer, with `more` headers and the draft's members. */
async function refused(
  error: RegistryError,
  requestId: string,
  more: Readonly<Record<string, string>>,
  members: Readonly<Record<string, unknown>>,
): Promise<Response> {
  const answer = errorResponse(error, requestId);
  const problem = { ...((await answer.json()) as object), ...members };
  const told = { ...Object.fromEntries(answer.headers), ...more };
  return new Response(`${JSON.stringify(problem)}\n`, { status: answer.status, headers: told });
}

function stateOf(upload: Upload): Record<string, string> {
  const { offset, complete, length, max_size, expires_at } = upload;
  const age = Math.max(0, Math.floor((Date.parse(expires_at) - Date.now()) / 1000));
  return {
    "upload-offset": String(offset),
    "upload-complete": complete ? "?1" : "?0",
    ...(length === null ? {} : { "upload-length": String(length) }),
    "upload-limit": `max-size=${max_size}, max-age=${age}`,
    "cache-control": "no-store",
  };
}

function body({ result, refusal, ...upload }: Upload) {
  return {
    ...upload,
    entry: result?.entry ?? null,
    deduplicated: result?.deduplicated ?? null,
    replaced: result?.replaced ?? null,
    refusal: refusal && { code: refusal.code, detail: refusal.message, data: refusal.data },
  };
}

/** Bytes of the whole, as far as this request tells: the last one ends where its own content does. */
function lengthOf(
  offset: number,
  complete: boolean,
  said: number | undefined,
  { headers }: Request,
): number | undefined {
  const content = complete ? contentLength(headers) : undefined;
  if (content === undefined) return said;
  const length = offset + content;
  if (said === undefined || said === length) return length;
  throw new RegistryError(
    "upload_length_mismatch",
    `Upload-Length says ${said}, but this last request would end at ${length}`,
    { offset, length: said },
  );
}

function digestsIn(field: "content-digest" | "repr-digest", value: string | undefined): Digest[] {
  return value === undefined ? [] : expectedDigests(new Headers({ [field]: value }));
}

function hasBody(request: Request): boolean {
  return request.body !== null && contentLength(request.headers) !== 0;
}

function checkType(headers: Headers): void {
  const [type = ""] = (headers.get("content-type") ?? "").split(";");
  if (type.trim().toLowerCase() === PARTIAL) return;
  throw new HttpError("unsupported_media_type", `Send the bytes as they are, with Content-Type: ${PARTIAL}`, {
    "accept-patch": PARTIAL,
  });
}
