import { createRoute } from "@hono/zod-openapi";
import type { HealthReport } from "../../core/spi/mod.ts";
import { addRoute } from "../add_route.ts";
import type { App } from "../env.ts";
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

/**
 * `GET /health`: 200 when everything works, 503 with the same body when something does not; also while the server stops.
 * `GET /ready`: 200 when this server should be sent requests, 503 when it should not: what it needs cannot be read and
 * written, or it is stopping.
 */
export function healthRoutes(app: App, health: () => Promise<HealthReport>, stopping?: AbortSignal): void {
  addRoute(app, getHealth, async (c) => {
    const report = await health();
    c.header("cache-control", "no-store");
    return c.json(report, report.status === "ok" ? 200 : 503);
  });
  addRoute(app, getReady, async (c) => {
    c.header("cache-control", "no-store");
    const state = stopping?.aborted ? "stopping" : (await health()).status === "ok" ? "ready" : "degraded";
    return c.json({ status: state }, state === "ready" ? 200 : 503);
  });
}
