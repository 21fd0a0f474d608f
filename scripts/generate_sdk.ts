/**
 * Renews sdk/typescript/generated from the description in docs/api/openapi.json: `node scripts/generate_sdk.ts`.
 *
 * Offline, and the same bytes for the same description and the same generator (ADR-0016).
 */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { createClient } from "@hey-api/openapi-ts";

const ROOT = join(import.meta.dirname, "..");
export const GENERATED = join(ROOT, "sdk/typescript/generated");
export const RENEW = "node scripts/generate_sdk.ts";

/** The tool's own fetch client is not written for `exactOptionalPropertyTypes`; who uses it is checked against its types. */
const HEADER = ["// @ts-nocheck", `// Generated from docs/api/openapi.json. Do not edit; renew it: ${RENEW}`];

/** Writes the client into `path`, which is emptied first. */
export async function generate(path: string, input: string = join(ROOT, "docs/api/openapi.json")): Promise<void> {
  rmSync(path, { recursive: true, force: true });
  await createClient({
    input,
    // Without the extension neither Node nor Deno finds a file.
    output: { path, importFileExtension: ".ts", header: HEADER },
    plugins: [
      // Without a global client: each `createClient()` has its own server and headers.
      { name: "@hey-api/client-fetch", throwOnError: true },
      { name: "@hey-api/typescript" },
      { name: "@hey-api/sdk", client: false, operations: { strategy: "single", containerName: "Api" } },
    ],
    logs: { level: "silent", file: false },
  });
}

if (import.meta.main) await generate(GENERATED);
