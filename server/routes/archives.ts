/** `/packages/{id}/archive`: many entries at once, in and out. */
import { createRoute, z } from "@hono/zod-openapi";
import {
  ARCHIVE_OUTPUT_FORMATS,
  type ArchiveInputFormat,
  type ArchiveOutputFormat,
  type Package,
  type Registry,
  toStream,
} from "../../core/mod.ts";
import { addRoute } from "../add_route.ts";
import type { App } from "../env.ts";
import { negotiate } from "../http/accept.ts";
import { encodedBodyOf } from "../http/body.ts";
import { attachment } from "../http/disposition.ts";
import { HttpError } from "../http/error.ts";
import { json } from "../json.ts";
import { ArchiveReportSchema } from "../schemas/archive.ts";
import { headers, PackageParam } from "../schemas/common.ts";
import { binary } from "../schemas/content.ts";
import { problems } from "../schemas/problem.ts";

const TYPES = { tar: "application/x-tar", zip: "application/zip" } as const satisfies Record<
  ArchiveOutputFormat,
  string
>;

/** What a type says together with the content coding; `identity` where there is none. */
const INPUT: Readonly<Record<string, Readonly<Record<string, ArchiveInputFormat>>>> = {
  "application/x-tar": { identity: "tar", gzip: "tar+gzip", "x-gzip": "tar+gzip", zstd: "tar+zstd" },
  "application/gzip": { identity: "tar+gzip" },
  "application/x-gzip": { identity: "tar+gzip" },
  "application/x-tar+gzip": { identity: "tar+gzip" },
  "application/zstd": { identity: "tar+zstd" },
  "application/x-tar+zstd": { identity: "tar+zstd" },
};

const upload = createRoute({
  method: "post",
  path: "/packages/{id}/archive",
  operationId: "importArchive",
  tags: ["archives"],
  summary: "Add everything that a tar holds to an open package",
  description:
    "Files, symbolic links, empty directories and the owner's executable bit are kept; hard links become files. All of it is added, or nothing.\n\n`Content-Type: application/x-tar`, compressed with `Content-Encoding: gzip` or `zstd`; or the type names the compression: `application/gzip`, `application/zstd`.\n\nWhat cannot be taken is answered with `archive_refused`, whose `data.entries` names paths and reasons (the first hundred); an archive that is cut or malformed with `invalid_archive`.",
  request: {
    params: PackageParam,
    headers: z.object({
      "content-encoding": z.string().optional().openapi({ description: "`gzip` or `zstd`", example: "gzip" }),
    }),
    body: {
      required: true,
      content: {
        "application/x-tar": { schema: binary },
        "application/gzip": { schema: binary },
        "application/zstd": { schema: binary },
      },
    },
  },
  responses: {
    200: {
      description: "All of it is in the package",
      headers: headers(),
      content: { "application/json": { schema: ArchiveReportSchema } },
    },
    ...problems(404, 409, 413, 415, 422, 501),
  },
});

const download = createRoute({
  method: "get",
  path: "/packages/{id}/archive",
  operationId: "exportArchive",
  tags: ["archives"],
  summary: "The whole package as a tar or a zip",
  description:
    "`format` decides; without it `Accept` does (`application/x-tar` or `application/zip`), and otherwise it is a tar. The same finalised package gives the same bytes. The length is not known before; where stored content turns out to be damaged, the connection is cut and the archive has no end.",
  request: {
    params: PackageParam,
    query: z.strictObject({
      format: z
        .enum(ARCHIVE_OUTPUT_FORMATS)
        .optional()
        .openapi({ description: "Goes before `Accept`", example: "zip" }),
    }),
    headers: z.object({
      accept: z.string().optional().openapi({ description: "Which form", example: "application/zip" }),
    }),
  },
  responses: {
    200: {
      description: "The archive",
      headers: headers("Content-Disposition", "Vary"),
      content: { "application/x-tar": { schema: binary }, "application/zip": { schema: binary } },
    },
    ...problems(404, 406),
  },
});

export function archiveRoutes(app: App, registry: Registry): void {
  addRoute(app, upload, async (c) => {
    const request = c.req.raw;
    const caller = c.get("caller");
    const { id } = c.req.valid("param");
    const format = inputFormat(request.headers);
    // Mutations take ids; who names a finalised package by its version shall hear that it is closed.
    const packageId = id.includes("@") ? (await registry.getPackage(caller, id)).package_id : id;
    return json(await registry.importArchive(caller, { packageId, source: encodedBodyOf(request), format }));
  });

  addRoute(
    app,
    download,
    async (c) => {
      const request = c.req.raw;
      const format = c.req.valid("query").format ?? acceptedFormat(request.headers);
      const { package: found, body } = await registry.exportArchive(c.get("caller"), {
        package: c.req.valid("param").id,
        format,
      });
      return new Response(request.method === "HEAD" ? null : toStream(body), {
        headers: {
          "content-type": TYPES[format],
          "content-disposition": attachment(`${fileName(found)}.${format}`),
          "cache-control": "private, no-cache",
          vary: "accept",
        },
      });
    },
    { head: true },
  );
}

/** @throws {HttpError} `unsupported_media_type` */
function inputFormat(headers: Headers): ArchiveInputFormat {
  const [type = ""] = (headers.get("content-type") ?? "").split(";");
  const coding = headers.get("content-encoding")?.trim().toLowerCase() || "identity";
  const codings = own(INPUT, type.trim().toLowerCase());
  if (codings === undefined) {
    throw new HttpError(
      "unsupported_media_type",
      "Send a tar, and say so: Content-Type: application/x-tar, application/gzip or application/zstd",
    );
  }
  const format = own(codings, coding);
  if (format !== undefined) return format;
  throw new HttpError(
    "unsupported_media_type",
    "A tar may have the Content-Encoding gzip or zstd; where the Content-Type names the compression, it has none",
    { "accept-encoding": "gzip, zstd" },
  );
}

function own<T>(table: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}

/** @throws {HttpError} `not_acceptable` */
function acceptedFormat(headers: Headers): ArchiveOutputFormat {
  const type = negotiate(headers.get("accept"), [TYPES.tar, TYPES.zip]);
  if (type !== undefined) return type === TYPES.tar ? "tar" : "zip";
  throw new HttpError("not_acceptable", `An archive is ${TYPES.tar} or ${TYPES.zip}`);
}

/** Names have slashes, which file names do not. */
function fileName({ name, version, package_id }: Package): string {
  return `${name.replaceAll("/", "_")}-${version ?? package_id}`;
}
