/** `/metadata-schemas`: what metadata of packages must look like. */
import { createRoute, z } from "@hono/zod-openapi";
import type { Registry } from "../../core/mod.ts";
import { addRoute } from "../add_route.ts";
import type { App } from "../env.ts";
import { GRAMMAR, headers } from "../schemas/common.ts";
import { JsonObject } from "../schemas/package.ts";
import { problems } from "../schemas/problem.ts";

const put = createRoute({
  method: "put",
  path: "/metadata-schemas/{schema_id}",
  operationId: "registerMetadataSchema",
  tags: ["metadata schemas"],
  summary: "Register a JSON Schema (2020-12) for metadata",
  description: "A registered schema never changes: the same again is fine, another one under the same id is refused.",
  request: {
    params: z.object({
      schema_id: z.string().openapi({
        ...GRAMMAR.schemaId,
        description: "Letters, digits and `. _ : / # -`, 200 characters at most; `#` is sent as `%23`",
        example: "test-report/1",
      }),
    }),
    body: {
      required: true,
      content: {
        "application/json": {
          schema: JsonObject.openapi({ example: { type: "object", required: ["build"] } }),
        },
      },
    },
  },
  responses: { 204: { description: "It is registered", headers: headers() }, ...problems(409, 413, 415, 422) },
});

export function metadataSchemaRoutes(app: App, registry: Registry): void {
  addRoute(
    app,
    put,
    async (c) => {
      const { schema_id: schemaId } = c.req.valid("param");
      await registry.registerMetadataSchema(c.get("caller"), { schemaId, schema: c.req.valid("json") });
      return new Response(null, { status: 204 });
    },
    { at: "/metadata-schemas/:schema_id{[^]+}" },
  );
}
