/** Renews docs/api/openapi.json, the description as it is released: `bun scripts/write_openapi.ts`. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describeRoutes } from "../server/api.ts";

const ROOT = join(import.meta.dirname, "..");
export const SNAPSHOT = join(ROOT, "docs/api/openapi.json");
export const RENEW = "bun scripts/write_openapi.ts";

/** What `/openapi.json` says, laid out for people and diffs. */
export function describe(): string {
  const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { version: string };
  return `${JSON.stringify(describeRoutes(version), null, 2)}\n`;
}

if (import.meta.main) {
  mkdirSync(dirname(SNAPSHOT), { recursive: true });
  writeFileSync(SNAPSHOT, describe());
}
