import type { RouteConfig, RouteHandler } from "@hono/zod-openapi";
import type { MiddlewareHandler } from "hono";
import type { App, AppEnv } from "./env.ts";
import { jsonBody } from "./http/body.ts";

/** What `createRoute` gives. */
export type Route = RouteConfig & { getRoutingPath(): string };

export interface RouteOptions {
  /** Where it is served, if the description cannot say it: a parameter with slashes is `:path{[^]+}` to the router. */
  readonly at?: string;
  /** Describe HEAD too. Every GET answers it; a description that is read by programs should say where it is of use. */
  readonly head?: boolean;
}

/**
 * `app.openapi()` with the request typed by its schemas and a plain `Response` as the answer. That answers fit their
 * schemas is proven by tests over real answers, which sees more than types do (and the types forbid `readonly`).
 * A JSON body is bounded before it is parsed.
 */
export function addRoute<R extends Route>(
  app: App,
  route: R,
  handler: (c: Parameters<RouteHandler<R, AppEnv>>[0]) => Response | Promise<Response>,
  options: RouteOptions = {},
): void {
  const { middleware: own = [] } = route;
  const takesJson = route.request?.body?.content["application/json"] !== undefined;
  const middleware = [...(takesJson ? [jsonBody] : []), ...[own].flat()] as MiddlewareHandler[];
  app.openAPIRegistry.registerPath(route);
  if (options.head === true) app.openAPIRegistry.registerPath(headOf(route));
  const served = { ...route, path: options.at ?? route.path, middleware, hide: true };
  app.openapi(served, handler as unknown as RouteHandler<typeof served, AppEnv>);
}

function headOf(route: Route): RouteConfig {
  const responses = Object.entries(route.responses).map(([status, response]) => {
    const { content: _, ...bare } = response as { content?: unknown; description: string };
    return [status, bare];
  });
  return {
    ...route,
    method: "head",
    ...(route.operationId === undefined ? {} : { operationId: `${route.operationId}Head` }),
    summary: `${route.summary}: its headers`,
    responses: Object.fromEntries(responses),
  };
}
