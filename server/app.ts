import { OpenAPIHono } from "@hono/zod-openapi";
import { requestId } from "hono/request-id";
import { isRegistryError, type Registry } from "../core/mod.ts";
import type { HealthReport } from "../core/spi/mod.ts";
import type { App, AppEnv } from "./env.ts";
import { errorResponse } from "./errors.ts";
import { routePath, wellFormedPath } from "./http/path.ts";
import { invalidRequest } from "./invalid_request.ts";
import { allowedHosts, type HostRules } from "./middleware/allowed_hosts.ts";
import { type Authenticate, authentication } from "./middleware/authentication.ts";
import { responseHeaders } from "./middleware/response_headers.ts";
import { notFound } from "./not_found.ts";
import { describeApi } from "./openapi.ts";
import { archiveRoutes } from "./routes/archives.ts";
import { consoleRoutes } from "./routes/console.ts";
import { eventRoutes } from "./routes/events.ts";
import { fileRoutes } from "./routes/files.ts";
import { healthRoutes } from "./routes/health.ts";
import { manifestRoutes } from "./routes/manifest.ts";
import { metadataSchemaRoutes } from "./routes/metadata_schemas.ts";
import { objectRoutes } from "./routes/objects.ts";
import { packageRoutes } from "./routes/packages.ts";
import { uploadRoutes } from "./routes/uploads.ts";

export interface AppOptions {
  readonly registry: Registry;
  /** Turns a request into its caller; every route but `/health`, `/openapi.json` and `/docs` asks it first. */
  readonly authenticate: Authenticate;
  readonly health: () => Promise<HealthReport>;
  /** Aborts when the server begins to stop: long-polls and event streams end, so that nothing waits for them. */
  readonly stopping?: AbortSignal;
  /** Of this program, for the description. */
  readonly version?: string;
  /** Without it only loopback names are answered. */
  readonly config?: HostRules;
  /** Gets every error that is answered with 500 or above, whole. Default: console.error. */
  readonly onError?: (error: unknown, request: FailedRequest) => void;
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
  app.use(responseHeaders);
  app.use(allowedHosts(config));
  app.use(wellFormedPath);
  healthRoutes(app, health);
  describeApi(app, version);
  consoleRoutes(app);
  app.use(authentication(authenticate));
  packageRoutes(app, registry);
  fileRoutes(app, registry);
  archiveRoutes(app, registry);
  manifestRoutes(app, registry);
  objectRoutes(app, registry);
  metadataSchemaRoutes(app, registry);
  uploadRoutes(app, registry);
  eventRoutes(app, registry, options.stopping);
  app.notFound(notFound(app));
  app.onError((error, c) => {
    const response = errorResponse(error, c.get("requestId"));
    // Somebody who hangs up is no failure of ours.
    if (response.status >= 500 && !isRegistryError(error, "cancelled"))
      onError(error, { request_id: c.get("requestId"), method: c.req.method, path: c.req.path });
    return response;
  });
  return app;
}
