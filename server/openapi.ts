/** `/openapi.json`: the description that the routes themselves make (OpenAPI 3.1). */
import type { App } from "./env.ts";

export const API_INFO = {
  title: "artifact-store",
  description:
    "Packages of files and OCI artifacts in one content-addressed store, under one tamper-evident event log.",
  license: { name: "Apache-2.0", identifier: "Apache-2.0" },
} as const;

export function describeApi(app: App, version = "0.1.0"): void {
  app.get("/openapi.json", (c) => {
    c.header("cache-control", "no-cache");
    return c.json(app.getOpenAPI31Document({ openapi: "3.1.0", info: { ...API_INFO, version } }));
  });
}
