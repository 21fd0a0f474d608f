import type { OpenAPIHono } from "@hono/zod-openapi";
import type { Caller, Connection } from "../core/spi/mod.ts";

export interface Client {
  /** Unknown where the app is called without a transport. */
  readonly ip: string | undefined;
  /** What the client spoke, to us or to the proxy. */
  readonly scheme: "http" | "https";
}

/** A request on its way, whichever door answers it. */
export interface Ask {
  readonly request: Request;
  /** What the transport tells; nothing of it where the app is called without one. */
  readonly connection: Partial<Connection>;
  /** What routes are matched against. */
  readonly path: string;
  readonly requestId: string;
  /** Where the request came from. */
  readonly client: Client;
  /** What a body of JSON may have. */
  readonly maxJsonBytes: number;
  /** For the log: codes of what was allowed and yet is worth knowing. Routes add theirs. */
  readonly warnings: string[];
  /** Takes this request out of those that are being answered: it waits for something to happen, and costs nothing. */
  onlyWaits: () => void;
}

/** What routes find in their context. */
export interface AppEnv {
  readonly Bindings: Ask;
  readonly Variables: {
    /** Who calls, with this request's id in its context and its signal. */
    readonly caller: Caller;
  };
}

/** What routes are added to. */
export type App = OpenAPIHono<AppEnv>;
