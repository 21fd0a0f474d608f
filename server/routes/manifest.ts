/** `/packages/{id}/manifest`: canonical CBOR, or its JSON projection. */
import { createRoute, z } from "@hono/zod-openapi";
import { type Registry, toStream } from "../../core/mod.ts";
import { addRoute } from "../add_route.ts";
import type { App } from "../env.ts";
import { negotiate } from "../http/accept.ts";
import { hexToBase64 } from "../http/digests.ts";
import { HttpError } from "../http/error.ts";
import { isNotModified } from "../http/etag.ts";
import { headers, PackageParam } from "../schemas/common.ts";
import { binary } from "../schemas/content.ts";
import { problems } from "../schemas/problem.ts";

/** The first is what a client gets that does not mind. */
const FORMS = ["application/json", "application/cbor"] as const;

const get = createRoute({
  method: "get",
  path: "/packages/{id}/manifest",
  operationId: "getManifest",
  tags: ["packages"],
  summary: "The manifest of a finalised package",
  description:
    "`application/cbor`: the canonical bytes (RFC 8949, 4.2), whose BLAKE3 is `manifest_digest`. `application/json`: the same as canonical JSON (RFC 8785), for which a large one takes its time; 413 where it is too large for that.",
  request: {
    params: PackageParam,
    headers: z.object({
      "if-match": z.string().optional().openapi({ description: "412 unless one of these is the ETag" }),
      "if-none-match": z.string().optional().openapi({ description: "304 if one of these is the ETag" }),
    }),
  },
  responses: {
    200: {
      description: "The manifest",
      headers: headers("Content-Length", "ETag", "Vary"),
      content: {
        "application/json": { schema: z.looseObject({ manifest_version: z.int() }).openapi("Manifest") },
        "application/cbor": { schema: binary },
      },
    },
    304: { description: "The client has it already", headers: headers("ETag", "Vary") },
    ...problems(404, 406, 409, 412, 413),
  },
});

export function manifestRoutes(app: App, registry: Registry): void {
  addRoute(
    app,
    get,
    async (c) => {
      const request = c.req.raw;
      const type = negotiate(request.headers.get("accept"), FORMS);
      if (type === undefined) throw new HttpError("not_acceptable", `A manifest is ${FORMS.join(" or ")}`);
      const caller = c.get("caller");
      const { id } = c.req.valid("param");
      const { manifest_digest: digest } = await registry.getPackage(caller, id);
      const isCbor = type === "application/cbor";
      const etag = `"${digest}${isCbor ? "" : ";json"}"`;
      const validators = { etag, vary: "accept", "cache-control": "private, no-cache" };
      if (digest !== null && isNotModified(request.headers, etag)) {
        return new Response(null, { status: 304, headers: validators });
      }
      const { length, body } = await registry.getManifest(caller, id, isCbor ? "cbor" : "jcs");
      if (request.method === "HEAD") await body.return?.();
      const reprDigest = isCbor ? { "repr-digest": `blake3=:${hexToBase64((digest ?? "").split(":")[1] ?? "")}:` } : {};
      return new Response(request.method === "HEAD" ? null : toStream(body), {
        headers: { ...validators, "content-type": type, "content-length": String(length), ...reprDigest },
      });
    },
    { head: true },
  );
}
