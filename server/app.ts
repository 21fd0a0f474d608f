import { Hono } from "hono";
import type { ChunkPool, Registry } from "../core/mod.ts";
import type { Connection, HealthReport } from "../core/spi/mod.ts";
import type { App, AppEnv, Ask } from "./env.ts";
import { createFront, type Door, type FailedRequest, failures } from "./front.ts";
import { healthAnswers, probeOf } from "./health.ts";
import type { AddressRange } from "./http/address.ts";
import { type Reply, toResponse } from "./http/reply.ts";
import type { HostRules } from "./middleware/allowed_hosts.ts";
import { type Authenticate, authentication } from "./middleware/authentication.ts";
import { DEFAULT_REQUEST_LIMITS, inFlightLimit, type RequestLimits } from "./middleware/limits.ts";
import type { RequestEntry } from "./middleware/request_log.ts";
import { refuseWhenStopping } from "./middleware/stopping.ts";
import { isOciPath } from "./oci/path.ts";
import { ociDoor } from "./oci/routes.ts";

export interface AppOptions {
  readonly registry: Registry;
  /** Turns a request into its caller; every route but `/health`, `/openapi.json` and `/docs` asks it first. */
  readonly authenticate: Authenticate;
  readonly health: () => Promise<HealthReport>;
  /**
   * Aborts when the server begins to stop: new requests are refused, long-polls and event streams end, so that nothing
   * waits for them.
   */
  readonly stopping?: AbortSignal;
  /** Of this program, for the description. */
  readonly version?: string;
  /** Without it only loopback names are answered. */
  readonly config?: HostRules & NetworkRules;
  /** What the transport gives back when it has sent it (`ServeOptions.chunks`); without it chunks are fresh memory. */
  readonly chunks?: ChunkPool;
  /** Gets one entry a request, when its answer is out. */
  readonly log?: (entry: RequestEntry) => void;
  /** Gets every error that is answered with 500 or above, whole. Default: console.error. */
  readonly onError?: (error: unknown, request: FailedRequest) => void;
}

export interface NetworkRules {
  /** What clients know this server by, without a slash at its end. Its host is answered to. */
  readonly publicUrl?: string;
  /** Whose X-Forwarded-For and X-Forwarded-Proto are believed. */
  readonly trustProxy?: readonly AddressRange[];
  readonly limits?: Partial<RequestLimits>;
}

/** Of a Hono app, without what would add routes behind its back: whoever has more puts theirs before `fetch()`. */
export interface ServedApp extends Pick<Hono<AppEnv>, "fetch" | "request"> {
  /** As `fetch()`, for a transport that takes plain answers. */
  answer(request: Request, connection: Connection): Promise<Reply>;
}

/** The HTTP door. Holds no state and no logic of its own; runs on every runtime. */
export function createApp(options: AppOptions): ServedApp {
  const {
    registry,
    authenticate,
    health,
    version = "0.0.0",
    config = {},
    stopping,
    chunks,
    onError = (error, request) => console.error("request failed", request, error),
  } = options;
  const { publicUrl, trustProxy = [], allowedHosts = [] } = config;
  const limits = { ...DEFAULT_REQUEST_LIMITS, ...config.limits };
  const publicName = publicUrl === undefined ? [] : [new URL(publicUrl).hostname];
  const fail = failures(onError);
  const checkStopping = refuseWhenStopping(stopping);
  const inFlight = inFlightLimit(limits);
  const callerOf = authentication(authenticate);

  const admit = <T>(ask: Ask, work: () => Promise<T>): Promise<T> => {
    checkStopping();
    return inFlight(ask, work);
  };

  const probes = healthAnswers(health, stopping);
  let routes: Promise<App> | undefined;
  const loadRoutes = async (): Promise<App> => {
    const { createApi } = await import("./api.ts");
    return createApi({ registry, health: probes, version, admit, callerOf, fail, stopping, chunks });
  };
  // Not among those routes: nothing of what a router, a schema or a description knows is of use to its paths.
  const toOci = ociDoor(registry.oci, chunks);
  const toRoutes = async (ask: Ask): Promise<Response> => {
    routes ??= loadRoutes();
    return await (await routes).fetch(ask.request, ask);
  };
  const door: Door = (ask) => {
    const { path, request } = ask;
    if (isOciPath(path)) return admit(ask, async () => await toOci(ask, await callerOf(ask)));
    // Here, so that the probes of a new server do not wait for what they do not ask for.
    const probe = request.method === "GET" || request.method === "HEAD" ? probeOf(path, probes) : undefined;
    return probe === undefined ? toRoutes(ask) : probe();
  };
  const hosts = { ...config, allowedHosts: [...allowedHosts, ...publicName] };
  const answer = createFront({ publicUrl, hosts, trustProxy, limits, log: options.log, fail }, door);
  const fetch = async (request: Request, connection?: unknown) =>
    toResponse(await answer(request, connection as Partial<Connection> | undefined));
  const app = new Hono<AppEnv>();
  app.all("*", (c) => fetch(c.req.raw, c.env));
  return Object.assign(app, { answer, fetch });
}
