/** `/openapi.json`: the description that the routes themselves make (OpenAPI 3.1). */
import type { App } from "./env.ts";

const TAGS = [
  { name: "packages", description: "Sets of files with metadata: open, then finalised for good" },
  { name: "files", description: "What is in a package" },
  { name: "archives", description: "Many files at once, as one tar or zip" },
  { name: "uploads", description: "Content that is sent in several requests, over broken connections" },
  { name: "objects", description: "Bytes by their content address" },
  { name: "repositories", description: "Images and artifacts that are pushed and pulled below `/v2/`" },
  { name: "events", description: "What happened, in order, and the chain that proves it" },
  { name: "maintenance", description: "Looking after the store" },
  { name: "health", description: "How the server is" },
  { name: "metadata schemas", description: "What metadata must look like" },
] as const;

export const API_INFO = {
  title: "artifact-store",
  description:
    "Packages of files and OCI artifacts in one content-addressed store, under one tamper-evident event log.",
  license: { name: "Apache-2.0", identifier: "Apache-2.0" },
} as const;

/** The document. Routes that are added later are in it too. */
export function openApiDocument(app: App, version: string): ReturnType<App["getOpenAPI31Document"]> {
  return app.getOpenAPI31Document({ openapi: "3.1.0", info: { ...API_INFO, version }, tags: [...TAGS] });
}

export function describeApi(app: App, version: string): void {
  app.get("/openapi.json", (c) => {
    c.header("cache-control", "no-cache");
    return c.json(openApiDocument(app, version));
  });
}
