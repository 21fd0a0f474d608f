import { Hono } from "hono";
import { requestId } from "hono/request-id";
import type { HealthReport } from "../core/spi/mod.ts";
import type { AppEnv } from "./env.ts";
import { errorResponse } from "./errors.ts";
import { allowedHosts, type HostRules } from "./middleware/allowed_hosts.ts";
import { responseHeaders } from "./middleware/response_headers.ts";
import { notFound } from "./not_found.ts";
import { healthRoutes } from "./routes/health.ts";

export interface AppOptions {
  readonly health: () => Promise<HealthReport>;
  /** Without it only loopback names are answered. */
  readonly config?: HostRules;
  /** Gets every error that is answered with 500 or above, whole. Default: console.error. */
  readonly onError?: (error: unknown, request: FailedRequest) => void;
}

export interface FailedRequest {
  readonly request_id: string;
  readonly method: string;
  readonly path: string;
}

/** The HTTP door. Holds no state and no logic of its own; `app.fetch` runs on every runtime. */
export function createApp(options: AppOptions): Hono<AppEnv> {
  const {
    health,
    config = {},
    onError = (error, request) => console.error("request failed", request, error),
  } = options;
  const app = new Hono<AppEnv>();
  app.use(requestId({ limitLength: 64 }));
  app.use(responseHeaders);
  app.use(allowedHosts(config));
  healthRoutes(app, health);
  app.notFound(notFound(app));
  app.onError((error, c) => {
    const response = errorResponse(error, c.get("requestId"));
    if (response.status >= 500)
      onError(error, { request_id: c.get("requestId"), method: c.req.method, path: c.req.path });
    return response;
  });
  return app;
}
