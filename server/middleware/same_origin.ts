/**
 * A web page elsewhere must not write here. Browsers say where a request that changes something comes from; whoever says
 * nothing (curl, an SDK, a registry client) is no page. Reading is kept from pages by the absence of CORS headers.
 */
import type { MiddlewareHandler } from "hono";
import type { AppEnv } from "../env.ts";
import { HttpError } from "../http/error.ts";

const SAFE = new Set(["GET", "HEAD", "OPTIONS"]);

/** `publicOrigin`: of `server.public_url`; a proxy may have put another Host before us. */
export function sameOrigin(publicOrigin: string | undefined): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    if (!SAFE.has(c.req.method)) {
      const site = c.req.header("sec-fetch-site");
      const origin = c.req.header("origin");
      const own = [`${c.get("client").scheme}://${c.req.header("host") ?? new URL(c.req.url).host}`, publicOrigin];
      const fromElsewhere = site !== undefined && site !== "same-origin" && site !== "none";
      if (fromElsewhere || (origin !== undefined && !own.includes(origin.toLowerCase()))) {
        throw new HttpError("cross_origin", "A page of another origin may not change anything here");
      }
    }
    await next();
  };
}
