import { OpenAPIHono } from "@hono/zod-openapi";
import { requestId } from "hono/request-id";
import { type ChunkPool, isRegistryError, type Registry } from "../core/mod.ts";
import type { HealthReport } from "../core/spi/mod.ts";
import type { App, AppEnv } from "./env.ts";
import { errorResponse } from "./errors.ts";
import type { AddressRange } from "./http/address.ts";
import { HttpError } from "./http/error.ts";
import { routePath, wellFormedUrl } from "./http/path.ts";
import { invalidRequest } from "./invalid_request.ts";
import { allowedHosts, type HostRules } from "./middleware/allowed_hosts.ts";
import { type Authenticate, authentication } from "./middleware/authentication.ts";
import { client } from "./middleware/client.ts";
import { errorMember } from "./middleware/error_member.ts";
import { DEFAULT_REQUEST_LIMITS, headLimits, inFlightLimit, type RequestLimits } from "./middleware/limits.ts";
import { type RequestEntry, requestLog } from "./middleware/request_log.ts";
import { responseHeaders } from "./middleware/response_headers.ts";
import { sameOrigin } from "./middleware/same_origin.ts";
import { refuseWhenStopping } from "./middleware/stopping.ts";
import { notFound } from "./not_found.ts";
import { ociErrorResponse } from "./oci/errors.ts";
import { isOciPath } from "./oci/path.ts";
import { ociRoutes } from "./oci/routes.ts";
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

export interface FailedRequest {
  readonly request_id: string;
  readonly method: string;
  readonly path: string;
}

/** The HTTP door. Holds no state and no logic of its own; `app.fetch` runs on every runtime. */
export function createApp(options: AppOptions): App {
  const {
    registry,
    authenticate,
    health,
    version = "0.0.0",
    config = {},
    onError = (error, request) => console.error("request failed", request, error),
  } = options;
  const app: App = new OpenAPIHono<AppEnv>({ defaultHook: invalidRequest, getPath: routePath });
  app.use(requestId({ limitLength: 64 }));
  const { publicUrl, trustProxy = [], allowedHosts: hosts = [] } = config;
  const limits = { ...DEFAULT_REQUEST_LIMITS, ...config.limits };
  const publicName = publicUrl === undefined ? [] : [new URL(publicUrl).hostname];
  app.use(responseHeaders(publicUrl));
  app.use(client(trustProxy));
  app.use(requestLog(options.log));
  app.use("/v1/*", errorMember);
  app.use(headLimits(limits));
  app.use(allowedHosts({ ...config, allowedHosts: [...hosts, ...publicName] }));
  app.use(wellFormedUrl);
  app.use(sameOrigin(publicUrl === undefined ? undefined : new URL(publicUrl).origin));
  // Before what may be refused: whoever watches a server must reach it when it is busy or stopping.
  healthRoutes(app, health, options.stopping);
  app.use(refuseWhenStopping(options.stopping));
  app.use(inFlightLimit(limits));
  describeApi(app, version);
  consoleRoutes(app);
  app.use(authentication(authenticate));
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
  ociRoutes(app, registry.oci, options.chunks);
  app.notFound(notFound(app));
  app.onError((error, c) => {
    const { path } = c.req;
    const response = isOciPath(path) ? ociErrorResponse(error, path) : errorResponse(error, c.get("requestId"));
    // Somebody who hangs up is no failure of ours, nor is what this program says that it cannot do.
    const isOurs = !(isRegistryError(error, "cancelled") || isRegistryError(error, "unsupported"));
    if (response.status >= 500 && isOurs && !(error instanceof HttpError))
      onError(error, { request_id: c.get("requestId"), method: c.req.method, path });
    return response;
  });
  return app;
}
