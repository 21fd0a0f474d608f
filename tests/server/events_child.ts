/**
 * Spawned by events_live.test.ts on each runtime: the whole server over a SQLite file, in memory otherwise. Prints its
 * address, then a line per POST /stop, which begins a graceful stop as a signal would.
 */
import process from "node:process";
import { Hono } from "hono";
import { openSqliteDatabase } from "../../adapters/database-sqlite/mod.ts";
import { detectRuntime } from "../../adapters/runtime.ts";
import { createApp } from "../../server/mod.ts";
import { append } from "../core/feed/support.ts";
import { caller, openFixture } from "../support/registry_fixture.ts";

const runtime = await detectRuntime();
const stopping = new AbortController();
const database = await openSqliteDatabase({ path: runtime.args[0] as string });
let queries = 0;
const read = database.read.withPlugin({
  transformQuery({ node }) {
    queries++;
    return node;
  },
  transformResult: async ({ result }) => result,
});
const { registry } = await openFixture({ database: { ...database, read } });
const app = createApp({
  registry,
  authenticate: () => caller,
  health: async () => ({}) as never,
  stopping: stopping.signal,
  onError: (error) => console.log(JSON.stringify({ error: String(error) })),
});
// Many large events at once, which no route makes.
const own = new Hono();
own.post("/test/append", async (c) => {
  await append(registry, Number(c.req.query("count")), { size: Number(c.req.query("size")) });
  return c.body(null, 204);
});
own.get("/test/queries", (c) => c.json({ queries }));
own.get("/test/memory", (c) => {
  const { gc } = globalThis as { gc?: () => void };
  (globalThis as { Bun?: { gc(force: boolean): void } }).Bun?.gc(true);
  gc?.();
  return c.json({ rss: process.memoryUsage().rss });
});
own.post("/test/stop", (c) => {
  stopping.abort();
  setTimeout(async () => {
    await listening.stop(true);
    await registry.close();
    console.log(JSON.stringify({ stopped: true }));
  }, 0);
  return c.body(null, 204);
});
own.notFound(async (c) => await app.fetch(c.req.raw));
const listening = await runtime.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch: (request) => own.fetch(request),
  onError: (error) => console.log(JSON.stringify({ error: String(error) })),
});
console.log(JSON.stringify({ url: listening.url, port: listening.port }));
