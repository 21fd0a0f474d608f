/** Spawned by runtime.test.ts on each runtime: the real app behind the real adapter, plus routes that take their time. */
import process from "node:process";
import { Hono } from "hono";
import { openLocal } from "../../adapters/local.ts";
import { detectRuntime } from "../../adapters/runtime.ts";
import { isRegistryError } from "../../core/base/errors.ts";
import { createApp } from "../../server/mod.ts";

const runtime = await detectRuntime();
const say = (line: object) => console.log(JSON.stringify(line));

const registry = await openLocal({ dir: process.env.SMOKE_DIRECTORY ?? "" });

const app = createApp({
  registry,
  authenticate: () => registry.caller,
  health: async () => ({
    status: "ok",
    version: "0",
    commit: "unknown",
    registry: { ok: true, head: null },
    database: { ok: true, kind: "none", version: "0", synchronous: "none" },
    storage: [],
    hasher: { kernel: "none", name: "none" },
    runtime: { name: runtime.name, version: runtime.version },
  }),
});

let open = () => {};
const gate = new Promise<void>((resolve) => {
  open = resolve;
});
const own = new Hono();
own.get("/slow", () => {
  const encoder = new TextEncoder();
  return new Response(
    new ReadableStream({
      async start(controller) {
        controller.enqueue(encoder.encode("begin,"));
        say({ slow: true });
        await gate;
        for (let part = 0; part < 100; part++) controller.enqueue(encoder.encode("x".repeat(10_000)));
        controller.enqueue(encoder.encode(",end"));
        controller.close();
      },
    }),
  );
});
own.get("/never", () => {
  say({ slow: true });
  return new Promise<Response>(() => {});
});
own.post("/count", async (c) => {
  let bytes = 0;
  for await (const chunk of c.req.raw.body ?? []) bytes += chunk.byteLength;
  return c.json({ bytes });
});

own.notFound(async (c) => await app.fetch(c.req.raw));

const [port = "0", hostname = "127.0.0.1"] = runtime.args;
try {
  const server = await runtime.serve({ hostname, port: Number(port), fetch: (request) => own.fetch(request) });
  runtime.onSignal(async (signal) => {
    say({ signal });
    const stopped = server.stop(signal === "SIGTERM");
    // The stop is under way before the slow answer goes on.
    setTimeout(open, 100);
    await stopped;
    say({ stopped: true });
    runtime.exit(0);
  });
  say({ url: server.url, port: server.port, name: runtime.name, version: runtime.version });
} catch (error) {
  if (!isRegistryError(error)) throw error;
  say({ code: error.code, message: error.message });
  runtime.exit(2);
}
