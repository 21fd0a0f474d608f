/** `/packages/{id}/files`: the entries of a package, in and out. */
import { createRoute, z } from "@hono/zod-openapi";
import {
  type Algorithm,
  type Caller,
  type ChunkPool,
  type IngestFileInput,
  isRegistryError,
  type Registry,
  RegistryError,
} from "../../core/mod.ts";
import { addRoute } from "../add_route.ts";
import type { App } from "../env.ts";
import { contentLength, decodeUtf8, passingBodyOf, smallBody } from "../http/body.ts";
import { expectedDigests } from "../http/digests.ts";
import { attachment } from "../http/disposition.ts";
import { HttpError } from "../http/error.ts";
import { fileResponse } from "../http/file_content.ts";
import { json } from "../json.ts";
import { FileParams, flag, HEADERS, headers, PackageParam, PageQuery } from "../schemas/common.ts";
import { binary, ConditionalHeaders, contentResponses } from "../schemas/content.ts";
import { EntryPageSchema, EntrySchema } from "../schemas/entry.ts";
import { ENTRY_LINKS } from "../schemas/links.ts";
import { problems } from "../schemas/problem.ts";

/** Where a path with slashes is matched; `.` would leave out line ends, which names of files may have. */
const AT = "/packages/:id/files/:path{[^]+}";
const MAX_TARGET = 4096;

const list = createRoute({
  method: "get",
  path: "/packages/{id}/files",
  operationId: "listFiles",
  tags: ["files"],
  summary: "Entries of a package, in byte order of their paths",
  request: { params: PackageParam, query: PageQuery },
  responses: {
    200: { description: "A page", headers: headers(), content: { "application/json": { schema: EntryPageSchema } } },
    ...problems(404),
  },
});

const get = createRoute({
  method: "get",
  path: "/packages/{id}/files/{path}",
  operationId: "getFile",
  tags: ["files"],
  summary: "The bytes of a file",
  request: { params: FileParams, headers: ConditionalHeaders },
  responses: { ...contentResponses, ...problems(404, 412, 416) },
});

const digestHeader = z
  .string()
  .optional()
  .openapi({
    description:
      "RFC 9530. The bytes are refused unless they have every digest given: `sha-256`, `sha-512`, or (not registered) `blake3`",
    examples: ["sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"],
  });

const entryAnswer = (description: string) => ({
  description,
  headers: {
    ...headers("Location"),
    ETag: { ...HEADERS.ETag, description: "Of a file", required: false },
    "Content-Deduplicated": {
      description: "Of a file. `?1`: a stored copy of these bytes was kept",
      required: false,
      schema: { type: "string" as const, example: "?0" },
    },
  },
  content: { "application/json": { schema: EntrySchema } },
  links: ENTRY_LINKS,
});

const put = createRoute({
  method: "put",
  path: "/packages/{id}/files/{path}",
  operationId: "putFile",
  tags: ["files"],
  summary: "Add an entry to an open package",
  description:
    "The body is the content, as it is. `Content-Type` is kept as the media type of the file (without parameters; `application/x-www-form-urlencoded`, which curl sends unasked, is not kept).\n\n`kind=directory` adds an empty directory (no body), `kind=symlink` a symbolic link whose target is the body.\n\nA body that is cut, or does not have the length or digests that were announced, leaves nothing behind.",
  request: {
    params: FileParams,
    query: z.strictObject({
      kind: z.enum(["file", "directory", "symlink"]).default("file"),
      executable: flag("The file may be executed"),
      replace: flag("A file of this path is replaced; otherwise it is refused with 409"),
      sha512: flag("A SHA-512 digest of the file is kept as well"),
    }),
    headers: z.object({
      "content-digest": digestHeader,
      "repr-digest": digestHeader,
      "if-none-match": z
        .string()
        .optional()
        .openapi({
          pattern: "^\\*$",
          description: "`*`: refuse with 412 if the path exists",
          examples: ["*"],
        }),
    }),
    body: { required: true, content: { "application/octet-stream": { schema: binary } } },
  },
  responses: {
    200: entryAnswer("The entry, which took the place of another"),
    201: entryAnswer("The new entry"),
    ...problems(404, 409, 412, 413, 415, 422),
  },
});

const remove = createRoute({
  method: "delete",
  path: "/packages/{id}/files/{path}",
  operationId: "deleteFile",
  tags: ["files"],
  summary: "Take an entry out of an open package",
  request: { params: FileParams },
  responses: { 204: { description: "It is gone", headers: headers() }, ...problems(404, 409) },
});

export function fileRoutes(app: App, registry: Registry, chunks: ChunkPool | undefined): void {
  addRoute(app, list, async (c) => {
    const { limit, cursor } = c.req.valid("query");
    const query = { ...(limit === undefined ? {} : { limit }), ...(cursor === undefined ? {} : { cursor }) };
    const page = await registry.listFiles(c.get("caller"), c.req.valid("param").id, query);
    return json({ items: page.items, next_cursor: page.cursor ?? null });
  });

  addRoute(
    app,
    get,
    async (c) => {
      const { id, path } = c.req.valid("param");
      const file = await registry.findFile(c.get("caller"), { package: id, path });
      // A path of an open package may get other content, and any package may be deleted: ask again each time.
      const options = { cacheControl: "private, no-cache", disposition: attachment(path), chunks };
      return await fileResponse(c.req.raw, file, options);
    },
    { at: AT, head: true },
  );

  addRoute(
    app,
    put,
    async (c) => {
      const { id, path } = c.req.valid("param");
      const { kind, executable, replace, sha512 } = c.req.valid("query");
      const request = c.req.raw;
      const mustBeNew = checkPreconditions(request.headers, replace);
      if (kind !== "file" && (replace || executable || sha512)) {
        throw new RegistryError(
          "invalid_argument",
          "replace, executable and sha512 are for files; remove the entry and add it",
        );
      }
      const caller = c.get("caller");
      const packageId = await packageIdOf(registry, caller, id);
      const location = `/packages/${packageId}/files/${path.split("/").map(encodeURIComponent).join("/")}`;
      try {
        if (kind === "directory") {
          await smallBody(request, 0);
          return json(await registry.addDirectory(caller, { packageId, path }), 201, { location });
        }
        if (kind === "symlink") {
          const target = decodeUtf8(await smallBody(request, MAX_TARGET));
          return json(await registry.addSymlink(caller, { packageId, path, target }), 201, { location });
        }
        const algorithms: readonly Algorithm[] = sha512 ? ["sha512"] : [];
        const input = { packageId, path, executable, algorithms, ...inputOf(request, chunks) };
        const { entry, replaced, deduplicated } = await (replace
          ? registry.putFile(caller, input)
          : registry.ingestFile(caller, input));
        return json(entry, replaced ? 200 : 201, {
          location,
          etag: `"${entry.content_address}"`,
          "content-deduplicated": deduplicated ? "?1" : "?0",
        });
      } catch (error) {
        if (mustBeNew && isRegistryError(error, "path_exists")) {
          throw new HttpError("precondition_failed", "The path exists, and If-None-Match: * wants that it does not");
        }
        throw error;
      }
    },
    { at: AT },
  );

  addRoute(
    app,
    remove,
    async (c) => {
      const { id, path } = c.req.valid("param");
      const caller = c.get("caller");
      await registry.removeFile(caller, { packageId: await packageIdOf(registry, caller, id), path });
      return new Response(null, { status: 204 });
    },
    { at: AT },
  );
}

/** Mutations take ids; who names a finalised package by its version shall hear that it is closed. */
async function packageIdOf(registry: Registry, caller: Caller, ref: string): Promise<string> {
  return ref.includes("@") ? (await registry.getPackage(caller, ref)).package_id : ref;
}

/** Whether the path must not exist. A precondition that is not understood is not passed over. */
function checkPreconditions(headers: Headers, replace: boolean): boolean {
  if (headers.has("if-match")) {
    throw new RegistryError(
      "invalid_argument",
      "If-Match is not understood here; use replace=true or If-None-Match: *",
    );
  }
  if (headers.has("content-range")) {
    throw new RegistryError("invalid_argument", "A part of a file cannot be put (RFC 9110, 14.5); use /uploads");
  }
  const ifNoneMatch = headers.get("if-none-match");
  if (ifNoneMatch === null) return false;
  if (ifNoneMatch.trim() !== "*" || replace) {
    throw new RegistryError("invalid_argument", "If-None-Match takes only * here, and not together with replace=true");
  }
  return true;
}

function inputOf(
  request: Request,
  chunks: ChunkPool | undefined,
): Pick<IngestFileInput, "source" | "mediaType" | "expected" | "expectedSize"> {
  const expected = expectedDigests(request.headers);
  const mediaType = mediaTypeOf(request.headers);
  const expectedSize = contentLength(request.headers);
  return {
    source: passingBodyOf(request, chunks),
    expected,
    ...(mediaType === undefined ? {} : { mediaType }),
    ...(expectedSize === undefined ? {} : { expectedSize }),
  };
}

function mediaTypeOf(headers: Headers): string | undefined {
  const [type = ""] = (headers.get("content-type") ?? "").split(";");
  const mediaType = type.trim().toLowerCase();
  if (mediaType.startsWith("multipart/")) {
    throw new HttpError("unsupported_media_type", "Send the content itself, not a form (curl: -T file)");
  }
  return mediaType === "" || mediaType === "application/x-www-form-urlencoded" ? undefined : mediaType;
}
