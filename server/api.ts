/**
 * The routes that `/openapi.json` describes, and the description. To load them and their schemas, and to build them, takes
 * longer than all the rest of a server's start: `app.ts` does it with the first request for one of them.
 */
import { OpenAPIHono } from "@hono/zod-openapi";
import type { ChunkPool, Registry } from "../core/mod.ts";
import type { Caller } from "../core/spi/mod.ts";
import type { App, AppEnv, Ask } from "./env.ts";
import type { FrontOptions } from "./front.ts";
import type { HealthAnswers } from "./health.ts";
import { routePath } from "./http/path.ts";
import { toResponse } from "./http/reply.ts";
import { invalidRequest } from "./invalid_request.ts";
import { notFound } from "./not_found.ts";
import { describeApi, openApiDocument } from "./openapi.ts";
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

export interface ApiOptions {
  readonly registry: Registry;
  readonly health: HealthAnswers;
  /** Of this program, for the description. */
  readonly version: string;
  /** Lets a request to its route, or throws why not now. */
  readonly admit: <T>(ask: Ask, work: () => Promise<T>) => Promise<T>;
  readonly callerOf: (ask: Ask) => Promise<Caller>;
  readonly fail: FrontOptions["fail"];
  readonly stopping: AbortSignal | undefined;
  readonly chunks: ChunkPool | undefined;
}

export function createApi(options: ApiOptions): App {
  const { registry, version, admit, callerOf, fail, stopping, chunks } = options;
  const app: App = new OpenAPIHono<AppEnv>({ defaultHook: invalidRequest, getPath: routePath });
  // Before what may be refused: whoever watches a server must reach it when it is busy or stopping.
  healthRoutes(app, options.health);
  app.use((c, next) => admit(c.env, next));
  describeApi(app, version);
  consoleRoutes(app);
  app.use(async (c, next) => {
    c.set("caller", await callerOf(c.env));
    await next();
  });
  packageRoutes(app, registry);
  ociImportRoutes(app, registry);
  fileRoutes(app, registry, chunks);
  archiveRoutes(app, registry);
  manifestRoutes(app, registry);
  objectRoutes(app, registry, chunks);
  metadataSchemaRoutes(app, registry);
  uploadRoutes(app, registry, chunks);
  doctorRoutes(app, registry);
  eventRoutes(app, registry, stopping);
  repositoryRoutes(app, registry.oci);
  tagRuleRoutes(app, registry.oci);
  app.notFound(notFound(app));
  app.onError((error, c) => toResponse(fail(error, c.env)));
  return app;
}

/** What `/openapi.json` says, without a server. */
export function describeRoutes(version: string): ReturnType<App["getOpenAPI31Document"]> {
  const never = (): never => {
    throw new Error("Only the description is wanted");
  };
  // No handler runs, so there is nothing that one would work with.
  const app = createApi({
    registry: {} as Registry,
    ...{ health: { health: never, ready: never }, admit: never, callerOf: never, fail: never },
    ...{ version, stopping: undefined, chunks: undefined },
  });
  return openApiDocument(app, version);
}
