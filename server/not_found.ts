/** 404, or 405 with `Allow` where the path exists: read off the router, so no route has to say it. */
import type { Context, Hono } from "hono";
import type { AppEnv } from "./env.ts";
import { problemResponse } from "./errors.ts";

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"];

export function notFound(app: Hono<AppEnv>): (c: Context<AppEnv>) => Response {
  return (c) => {
    const requestId = c.env.requestId;
    const { path } = c.req;
    // OpenAPI, "Path Templating Matching": a path that is there word for word is that one, and no other with a parameter.
    const literal = METHODS.filter((method) => hasRoute(app, method, path, (route) => route === path));
    const allowed = literal.length > 0 ? literal : METHODS.filter((method) => hasRoute(app, method, path));
    if (allowed.length === 0) {
      return problemResponse({ status: 404, title: "Not found", code: "not_found", requestId });
    }
    // Every GET route answers HEAD.
    const allow = (allowed.includes("GET") ? ["GET", "HEAD", ...allowed.slice(1)] : allowed).join(", ");
    return problemResponse({
      status: 405,
      title: "Method not allowed",
      code: "method_not_allowed",
      detail: `Allowed here: ${allow}.`,
      requestId,
      headers: { allow },
    });
  };
}

/** Middleware is registered for every method and does not make a route. */
function hasRoute(
  app: Hono<AppEnv>,
  method: string,
  path: string,
  is: (route: string) => boolean = () => true,
): boolean {
  const [handlers] = app.router.match(method, path);
  return handlers.some(([[, route]]) => route.method === method && is(route.path));
}
