/** Asks a new app for what needs no schema, then for a route; prints what it had loaded of those that make schemas. */
import type { Registry } from "../../core/mod.ts";
import type { HealthReport } from "../../core/spi/mod.ts";
import { createApp } from "../../server/mod.ts";

const loaded = () => Object.keys(require.cache).filter((path) => /node_modules\/(@hono\/zod-openapi|zod)\//.test(path));
const app = createApp({
  registry: { oci: {} } as Registry,
  authenticate: () => ({}) as never,
  health: async () => ({ status: "ok" }) as HealthReport,
});
const ask = async (method: string, path: string) => (await app.request(path, { method })).status;
const statuses = [await ask("GET", "/v2/"), await ask("GET", "/health"), await ask("HEAD", "/ready")];
const before = loaded();
statuses.push(await ask("POST", "/health"));
console.log(JSON.stringify({ statuses, before, after: loaded() }));
