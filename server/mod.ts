/** The HTTP door: `createApp(...)` gives a Hono app; `app.fetch` serves it anywhere. */
export { type AppOptions, createApp, type FailedRequest } from "./app.ts";
export type { App, AppEnv } from "./env.ts";
export { ERROR_ANSWERS, errorResponse, type Problem } from "./errors.ts";
export type { HostRules } from "./middleware/allowed_hosts.ts";
export type { Authenticate } from "./middleware/authentication.ts";
export { openApiDocument } from "./openapi.ts";
