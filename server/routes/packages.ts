/** `/packages`: creating, finding, finalising. */
import { createRoute, z } from "@hono/zod-openapi";
import type { Registry } from "../../core/mod.ts";
import { addRoute } from "../add_route.ts";
import type { App } from "../env.ts";
import { json } from "../json.ts";
import { PackageSchema } from "../schemas/package.ts";
import { problems } from "../schemas/problem.ts";

const get = createRoute({
  method: "get",
  path: "/packages/{id}",
  tags: ["packages"],
  summary: "A package by its id or name@version",
  request: { params: z.object({ id: z.string().openapi({ description: "Id, or `name@version`" }) }) },
  responses: {
    200: { description: "The package", content: { "application/json": { schema: PackageSchema } } },
    ...problems(403, 404),
  },
});

export function packageRoutes(app: App, registry: Registry): void {
  addRoute(app, get, async (c) => json(await registry.getPackage(c.get("caller"), c.req.valid("param").id)));
}
