import { OpenAPIHono } from "@hono/zod-openapi";
import type { ChunkPool, Registry } from "../core/mod.ts";
import type { Connection, HealthReport } from "../core/spi/mod.ts";
import type { App, AppEnv } from "./env.ts";
import { createFront, type Door, type FailedRequest, failures } from "./front.ts";
import type { AddressRange } from "./http/address.ts";
import { routePath } from "./http/path.ts";
import { type Reply, toResponse } from "./http/reply.ts";
import { invalidRequest } from "./invalid_request.ts";
import type { HostRules } from "./middleware/allowed_hosts.ts";
import { type Authenticate, authentication } from "./middleware/authentication.ts";
import { DEFAULT_REQUEST_LIMITS, inFlightLimit, type RequestLimits } from "./middleware/limits.ts";
import type { RequestEntry } from "./middleware/request_log.ts";
import { refuseWhenStopping } from "./middleware/stopping.ts";
import { notFound } from "./not_found.ts";
import { isOciPath } from "./oci/path.ts";
import { ociDoor } from "./oci/routes.ts";
import { describeApi } from "./openapi.ts";
import { archiveRoutes } from "./routes/archives.ts";
import { consoleRoutes } from "./routes/console.ts";
import { doctorRoutes } from "./routes/doctor.ts";
import { eventRoutes } from "./routes/events.ts";
import { fileRoutes } from "./routes/files.ts";
import { healthRoutes } from "./routes/health.ts";
import { manifestRoutes } from "./routes/manifest.ts";
import { metadataSchemaRoutes } from "./routes/metadata_schemas.ts";
import { objectRoutes } from "./routes/objects.ts";
import { ociImportRoutes } from "./routes/oci_imports.ts";
import { packageRoutes } from "./routes/packages.ts";
import { repositoryRoutes } from "./routes/repositories.ts";
import { tagRuleRoutes } from "./routes/tag_rules.ts";
import { uploadRoutes } from "./routes/uploads.ts";

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

/** A Hono app whose `request()` and `fetch()` pass everything that stands before its routes. */
export interface ServedApp extends App {
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
    onError = (error, request) => console.error("request failed", request, error),
  } = options;
  const { publicUrl, trustProxy = [], allowedHosts = [] } = config;
  const limits = { ...DEFAULT_REQUEST_LIMITS, ...config.limits };
  const publicName = publicUrl === undefined ? [] : [new URL(publicUrl).hostname];
  const fail = failures(onError);
  const checkStopping = refuseWhenStopping(options.stopping);
  const inFlight = inFlightLimit(limits);
  const callerOf = authentication(authenticate);

  const app: App = new OpenAPIHono<AppEnv>({ defaultHook: invalidRequest, getPath: routePath });
  // Before what may be refused: whoever watches a server must reach it when it is busy or stopping.
  healthRoutes(app, health, options.stopping);
  app.use((c, next) => {
    checkStopping();
    return inFlight(c.env, next);
  });
  describeApi(app, version);
  consoleRoutes(app);
  app.use(async (c, next) => {
    c.set("caller", await callerOf(c.env));
    await next();
  });
  packageRoutes(app, registry);
  ociImportRoutes(app, registry);
  fileRoutes(app, registry, options.chunks);
  archiveRoutes(app, registry);
  manifestRoutes(app, registry);
  objectRoutes(app, registry, options.chunks);
  metadataSchemaRoutes(app, registry);
  uploadRoutes(app, registry, options.chunks);
  doctorRoutes(app, registry);
  eventRoutes(app, registry, options.stopping);
  repositoryRoutes(app, registry.oci);
  tagRuleRoutes(app, registry.oci);
  app.notFound(notFound(app));
  app.onError((error, c) => toResponse(fail(error, c.env)));

  const toRoutes = app.fetch;
  // Not among those routes: nothing of what a router, a schema or a description knows is of use to its paths.
  const toOci = ociDoor(registry.oci, options.chunks);
  const door: Door = (ask) => {
    if (!isOciPath(ask.path)) return toRoutes(ask.request, ask);
    checkStopping();
    return inFlight(ask, async () => await toOci(ask, await callerOf(ask)));
  };
  const hosts = { ...config, allowedHosts: [...allowedHosts, ...publicName] };
  const answer = createFront({ publicUrl, hosts, trustProxy, limits, log: options.log, fail }, door);
  return Object.assign(app, {
    answer,
    fetch: async (request: Request, connection?: unknown) =>
      toResponse(await answer(request, connection as Partial<Connection> | undefined)),
  });
}
