import type { MiddlewareHandler } from "hono";
import type { AppEnv } from "../env.ts";

/**
 * Answers are data: a browser shall neither guess their type nor run anything in them, nor give them to pages of
 * others. A route that serves pages sets a wider policy itself.
 */
const HEADERS: readonly (readonly [name: string, value: string])[] = [
  ["x-content-type-options", "nosniff"],
  ["content-security-policy", "default-src 'none'; frame-ancestors 'none'"],
  ["cross-origin-resource-policy", "same-origin"],
  ["referrer-policy", "no-referrer"],
];

/** A year (RFC 6797). Only where TLS was spoken: elsewhere it means nothing. */
const HSTS = "max-age=31536000";

/**
 * What every answer carries. Set on the finished response: one that a route built by itself drops `c.header()`.
 * `publicUrl`: what clients know this server by; a Location that starts with `/` would lose its path.
 */
export function responseHeaders(publicUrl?: string): MiddlewareHandler<AppEnv> {
  const https = publicUrl?.startsWith("https:") ?? false;
  return async (c, next) => {
    await next();
    const { headers } = c.res;
    headers.set("x-request-id", c.get("requestId"));
    for (const [name, value] of HEADERS) {
      if (!headers.has(name)) headers.set(name, value);
    }
    if (https || c.get("client")?.scheme === "https") headers.set("strict-transport-security", HSTS);
    const location = publicUrl === undefined ? null : headers.get("location");
    if (location?.startsWith("/")) headers.set("location", `${publicUrl}${location}`);
  };
}
