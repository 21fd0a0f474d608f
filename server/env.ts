import type { OpenAPIHono } from "@hono/zod-openapi";
import type { RequestIdVariables } from "hono/request-id";
import type { Caller, Connection } from "../core/spi/mod.ts";

export interface Client {
  /** Unknown where the app is called without a transport. */
  readonly ip: string | undefined;
  /** What the client spoke, to us or to the proxy. */
  readonly scheme: "http" | "https";
}

/** What middleware leaves in the context for those after it. */
export interface AppEnv {
  /** What the transport tells; nothing of it where the app is called without one. */
  readonly Bindings: Partial<Connection>;
  readonly Variables: RequestIdVariables & {
    /** Who calls, with this request's id in its context and its signal. */
    readonly caller: Caller;
    /** Where the request came from. */
    readonly client: Client;
    /** What a body of JSON may have. */
    readonly maxJsonBytes: number;
    /** For the log: codes of what was allowed and yet is worth knowing. */
    readonly warnings: readonly string[];
    /** Takes this request out of those that are being answered: it waits for something to happen, and costs nothing. */
    readonly onlyWaits: () => void;
  };
}

/** What routes are added to. */
export type App = OpenAPIHono<AppEnv>;
