import type { MiddlewareHandler } from "hono";
import type { AppEnv } from "../env.ts";

/**
 * Answers are data: a browser shall neither guess their type nor run anything in them. A route that serves pages sets
 * a wider policy itself.
 */
const HEADERS: readonly (readonly [name: string, value: string])[] = [
  ["x-content-type-options", "nosniff"],
  ["content-security-policy", "default-src 'none'; frame-ancestors 'none'"],
  ["referrer-policy", "no-referrer"],
];

/** What every answer carries. Set on the finished response: one that a route built by itself drops `c.header()`. */
export const responseHeaders: MiddlewareHandler<AppEnv> = async (c, next) => {
  await next();
  c.res.headers.set("x-request-id", c.get("requestId"));
  for (const [name, value] of HEADERS) {
    if (!c.res.headers.has(name)) c.res.headers.set(name, value);
  }
};
