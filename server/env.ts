import type { RequestIdVariables } from "hono/request-id";

/** What middleware leaves in the context for those after it. */
export interface AppEnv {
  readonly Variables: RequestIdVariables;
}
