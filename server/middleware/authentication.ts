/** Who calls. The composition root says how to find out; no route is reached without an answer. */
import type { MiddlewareHandler } from "hono";
import type { Caller } from "../../core/spi/mod.ts";
import type { AppEnv } from "../env.ts";

/** @throws {RegistryError} when the credentials are no good */
export type Authenticate = (request: Request) => Caller | Promise<Caller>;

export function authentication(authenticate: Authenticate): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const caller = await authenticate(c.req.raw);
    const { ip } = c.get("client");
    c.set("caller", {
      ...caller,
      context: { ...caller.context, ...(ip !== undefined && { ip }), request_id: c.get("requestId") },
      signal: c.req.raw.signal,
    });
    await next();
  };
}
