import type { RouteConfig, RouteHandler } from "@hono/zod-openapi";
import type { App, AppEnv } from "./env.ts";

/**
 * `app.openapi()` with the request typed by its schemas and a plain `Response` as the answer. That answers fit their
 * schemas is proven by tests over real answers, which sees more than types do (and the types forbid `readonly`).
 */
export function addRoute<R extends RouteConfig & { getRoutingPath(): string }>(
  app: App,
  route: R,
  handler: (c: Parameters<RouteHandler<R, AppEnv>>[0]) => Response | Promise<Response>,
): void {
  app.openapi(route, handler as unknown as RouteHandler<R, AppEnv>);
}
