/** The HTTP door: `createApp(...)` gives a Hono app; `app.fetch` serves it anywhere, `app.answer` behind our transport. */
export { type AppOptions, createApp, type NetworkRules, type ServedApp } from "./app.ts";
export type { AppEnv } from "./env.ts";
export { ERROR_ANSWERS, errorResponse, type Problem } from "./errors.ts";
export type { FailedRequest } from "./front.ts";
export { type AddressRange, inRanges, parseRange } from "./http/address.ts";
export type { HostRules } from "./middleware/allowed_hosts.ts";
export type { Authenticate } from "./middleware/authentication.ts";
export { DEFAULT_REQUEST_LIMITS, type RequestLimits } from "./middleware/limits.ts";
export type { RequestEntry } from "./middleware/request_log.ts";
export { refusal } from "./refusal.ts";
