/** Clients of administration read the message of a refusal as `error`; problem details have it as `detail`. */
import type { MiddlewareHandler } from "hono";
import type { AppEnv } from "../env.ts";
import type { Problem } from "../errors.ts";

/** For paths below `/v1/`. Inside of whatever measures answers, outside of whatever refuses. */
export const errorMember: MiddlewareHandler<AppEnv> = async (c, next) => {
  await next();
  const { res } = c;
  if (res.headers.get("content-type") !== "application/problem+json") return;
  const problem = (await res.json()) as Problem;
  const body = `${JSON.stringify({ ...problem, error: problem.detail ?? problem.title })}\n`;
  // Without this, Hono would add the headers of the old answer to those of the new one.
  c.res = undefined;
  c.res = new Response(body, { status: res.status, headers: res.headers });
};
