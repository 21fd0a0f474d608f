import type { Hono } from "hono";
import type { HealthReport } from "../../core/spi/mod.ts";
import type { AppEnv } from "../env.ts";

/** `GET /health`: 200 when everything works, 503 with the same body when something does not. */
export function healthRoutes(app: Hono<AppEnv>, health: () => Promise<HealthReport>): void {
  app.get("/health", async (c) => {
    const report = await health();
    c.header("cache-control", "no-store");
    return c.json(report, report.status === "ok" ? 200 : 503);
  });
}
