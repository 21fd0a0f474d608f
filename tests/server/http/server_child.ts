/**
 * Spawned on each runtime: the real app over SQLite and files in the directory given. Says `{ url, port }`, and once its
 * standard input ends, what lies around: `{ staged, quarantined }`.
 */
import process from "node:process";
import { openLocal } from "../../../adapters/local.ts";
import { detectRuntime } from "../../../adapters/runtime.ts";
import { createChunkPool } from "../../../core/mod.ts";
import { createApp } from "../../../server/mod.ts";

const runtime = await detectRuntime();
const registry = await openLocal({ dir: runtime.args[0] as string });
// As `serve` does it: chunks are used again, and nobody may look at one too long.
const chunks = createChunkPool();
const app = createApp({
  chunks,
  registry,
  authenticate: () => registry.caller,
  health: () => Promise.reject(new Error("not asked for here")),
  version: "1.2.3",
});
const { url, port, stop } = await runtime.serve({
  hostname: "127.0.0.1",
  port: 0,
  chunks,
  fetch: (request) => app.fetch(request),
});
console.log(JSON.stringify({ name: runtime.name, url, port }));
for await (const _ of process.stdin) {
  // Until it ends.
}
await stop(false);
await registry.close();
