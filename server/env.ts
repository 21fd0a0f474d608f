import type { OpenAPIHono } from "@hono/zod-openapi";
import type { RequestIdVariables } from "hono/request-id";
import type { Caller } from "../core/spi/mod.ts";

/** What middleware leaves in the context for those after it. */
export interface AppEnv {
  readonly Variables: RequestIdVariables & {
    /** Who calls, with this request's id in its context and its signal. */
    readonly caller: Caller;
  };
}

/** What routes are added to. */
export type App = OpenAPIHono<AppEnv>;
