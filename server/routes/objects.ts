/** `/objects/{content-address}`: bytes by what they are. */
import { createRoute, z } from "@hono/zod-openapi";
import type { ChunkPool, FoundFile, Registry } from "../../core/mod.ts";
import { addRoute } from "../add_route.ts";
import type { App } from "../env.ts";
import { fileResponse } from "../http/file_content.ts";
import { EXAMPLE_ADDRESS, GRAMMAR } from "../schemas/common.ts";
import { ConditionalHeaders, contentResponses } from "../schemas/content.ts";
import { problems } from "../schemas/problem.ts";

const get = createRoute({
  method: "get",
  path: "/objects/{content_address}",
  operationId: "getObject",
  tags: ["objects"],
  summary: "The bytes of an object that a package of yours has",
  request: {
    params: z.object({
      content_address: z
        .string()
        .openapi({ ...GRAMMAR.contentAddress, description: "`blake3:<64 hex>`", example: EXAMPLE_ADDRESS }),
    }),
    headers: ConditionalHeaders,
  },
  responses: { ...contentResponses, ...problems(404, 412, 416) },
});

export function objectRoutes(app: App, registry: Registry, chunks: ChunkPool | undefined): void {
  addRoute(
    app,
    get,
    async (c) => {
      const caller = c.get("caller");
      const found = await registry.findObject(caller, c.req.valid("param").content_address);
      // An object may be in many packages under many types; by its address it is just bytes, for good.
      const entry = { ...found, media_type: null };
      const file: FoundFile = { entry, open: (read) => registry.openFile(caller, entry, read) };
      const options = { cacheControl: "private, max-age=31536000, immutable", disposition: "attachment", chunks };
      return await fileResponse(c.req.raw, file, options);
    },
    { head: true },
  );
}
