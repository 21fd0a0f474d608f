import type { Hono } from "hono";
import type { HealthReport } from "../../core/spi/mod.ts";
import type { AppEnv } from "../env.ts";

/**
 * `GET /health`: 200 when everything works, 503 with the same body when something does not; also while the server stops.
 * `GET /ready`: 200 when this server should be sent requests, 503 when it should not: what it needs cannot be read and
 * written, or it is stopping.
 */
export function healthRoutes(app: Hono<AppEnv>, health: () => Promise<HealthReport>, stopping?: AbortSignal): void {
  app.get("/health", async (c) => {
    const report = await health();
    c.header("cache-control", "no-store");
    return c.json(report, report.status === "ok" ? 200 : 503);
  });
  app.get("/ready", async (c) => {
    c.header("cache-control", "no-store");
    const state = stopping?.aborted ? "stopping" : (await health()).status === "ok" ? "ready" : "degraded";
    return c.json({ status: state }, state === "ready" ? 200 : 503);
  });
}
