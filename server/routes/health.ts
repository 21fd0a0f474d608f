import { createRoute } from "@hono/zod-openapi";
import { addRoute } from "../add_route.ts";
import type { App } from "../env.ts";
import type { HealthAnswers } from "../health.ts";
import { headers } from "../schemas/common.ts";
import { HealthSchema, ReadySchema } from "../schemas/health.ts";
import { problems } from "../schemas/problem.ts";

const answer = (description: string, schema: typeof HealthSchema | typeof ReadySchema) => ({
  description,
  headers: headers(),
  content: { "application/json": { schema } },
});

const getHealth = createRoute({
  method: "get",
  path: "/health",
  operationId: "getHealth",
  tags: ["health"],
  summary: "How this server and what it works with are",
  responses: {
    ...problems(),
    200: answer("Everything works", HealthSchema),
    503: answer("Something does not; the body says what", HealthSchema),
  },
});

const getReady = createRoute({
  method: "get",
  path: "/ready",
  operationId: "getReady",
  tags: ["health"],
  summary: "Whether requests should be sent here",
  responses: { ...problems(), 200: answer("Yes", ReadySchema), 503: answer("Not now", ReadySchema) },
});

/** Where they stand in the description, and what other methods are told; a GET is answered before it gets here. */
export function healthRoutes(app: App, answers: HealthAnswers): void {
  addRoute(app, getHealth, answers.health);
  addRoute(app, getReady, answers.ready);
}
