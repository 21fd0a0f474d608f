/** Renews docs/api/openapi.json, the description as it is released: `bun scripts/write_openapi.ts`. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Registry } from "../core/mod.ts";
import { createApp, openApiDocument } from "../server/mod.ts";

const ROOT = join(import.meta.dirname, "..");
export const SNAPSHOT = join(ROOT, "docs/api/openapi.json");
export const RENEW = "bun scripts/write_openapi.ts";

/** What `/openapi.json` says, laid out for people and diffs. No handler runs, so nothing is there to be handled. */
export function describe(): string {
  const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { version: string };
  const nobody = () => {
    throw new Error("Only the description is wanted");
  };
  const app = createApp({ registry: {} as Registry, authenticate: nobody, health: nobody });
  return `${JSON.stringify(openApiDocument(app, version), null, 2)}\n`;
}

if (import.meta.main) {
  mkdirSync(dirname(SNAPSHOT), { recursive: true });
  writeFileSync(SNAPSHOT, describe());
}
