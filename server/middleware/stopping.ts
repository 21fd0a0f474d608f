/** A server that stops takes no new work; what runs may end. */
import type { MiddlewareHandler } from "hono";
import type { AppEnv } from "../env.ts";
import { HttpError } from "../http/error.ts";

export function refuseWhenStopping(stopping: AbortSignal | undefined): MiddlewareHandler<AppEnv> {
  return async (_c, next) => {
    if (stopping?.aborted) {
      throw new HttpError("stopping", "This server is stopping; ask another one, or this one again when it is back", {
        "retry-after": "5",
        connection: "close",
      });
    }
    await next();
  };
}
