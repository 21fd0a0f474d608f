/** Compiled by runtime_compiled.test.ts: everything that could break when it is embedded, in one small program. */
import { loadHasher } from "../../adapters/hasher.ts";
import { detectRuntime } from "../../adapters/runtime.ts";
import { loadConfig } from "../../cli/config.ts";
import { version } from "../../cli/version.ts";

const runtime = await detectRuntime();
const config = loadConfig({ flags: { listen: "127.0.0.1:0" }, env: runtime.env, cwd: runtime.cwd() });
const hasher = await loadHasher();
const server = await runtime.serve({ ...config.server.listen, fetch: () => new Response("here") });
const response = await fetch(server.url);
await response.text();
await server.stop(true);
console.log(
  JSON.stringify({
    args: runtime.args,
    runtime: runtime.name,
    ...(await version()),
    kernel: hasher.kernel,
    level: config.log.level,
    health: response.status,
  }),
);
