/** Spawned by runtime_transport.test.ts on each runtime: the bare transport, with routes that try it. */
import { readdirSync, readFileSync } from "node:fs";
import process from "node:process";
import { detectRuntime } from "../../adapters/runtime.ts";
import { createChunkPool } from "../../core/base/chunk_pool.ts";
import { toStream } from "../../core/base/stream.ts";
import type { Answer, Connection, ServeOptions } from "../../core/spi/runtime.ts";

const runtime = await detectRuntime();
const say = (line: object) => console.log(JSON.stringify(line));

interface Told extends Pick<ServeOptions, "timeouts" | "limits"> {
  readonly cert?: string;
  readonly key?: string;
}
const told = JSON.parse(runtime.args[0] ?? "{}") as Told;
const pair = () => ({ cert: readFileSync(told.cert as string, "utf8"), key: readFileSync(told.key as string, "utf8") });

let open = () => {};
const gate = new Promise<void>((resolve) => {
  open = resolve;
});

/** `bytes` times "a", in pieces, as they are asked for; every other one lies in shared memory. */
function letters(bytes: number, piece = 65_536): ReadableStream<Uint8Array> {
  let left = bytes;
  let shared = false;
  return new ReadableStream(
    {
      pull(controller) {
        if (left <= 0) return controller.close();
        const size = Math.min(piece, left);
        left -= size;
        shared = !shared;
        controller.enqueue(new Uint8Array(shared ? new SharedArrayBuffer(size) : new ArrayBuffer(size)).fill(97));
      },
      cancel: () => say({ cancelled: true }),
    },
    { highWaterMark: 0 },
  );
}

/** Each chunk says where it is, in memory that is used again as soon as the transport lets go of it. */
async function* counted(bytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes; at += 65_536) {
    const chunk = chunks.take(65_536);
    new DataView(chunk.buffer, 0, 65_536).setUint32(0, at);
    chunk.fill(at / 65_536, 4);
    seen.add(chunk.buffer);
    yield chunk;
  }
}
const chunks = createChunkPool({ shared: true, small: 4096, large: 65_536, mostLarge: 4096 });
const seen = new Set<ArrayBufferLike>();

async function answer(request: Request, connection: Connection): Promise<Response | Answer> {
  const url = new URL(request.url);
  const number = (name: string) => Number(url.searchParams.get(name));
  switch (url.pathname) {
    case "/hello":
      return new Response("hello\n");
    case "/plain":
      return { status: 200, headers: { "x-plain": "1" }, body: new Uint8Array(number("bytes")).fill(97) };
    case "/plain-nothing":
      return { status: number("status"), headers: {}, body: null };
    case "/plain-head":
      return { status: 200, headers: { "content-length": "1234" }, body: null };
    case "/plain-short":
      return { status: 200, headers: { "content-length": "20" }, body: new Uint8Array(10).fill(97) };
    case "/empty":
      return new Response(null, { status: 204 });
    case "/stream":
      return new Response(letters(number("bytes")), { headers: { "content-length": String(number("bytes")) } });
    case "/reused": {
      const bytes = number("bytes");
      return new Response(toStream(counted(bytes)), { headers: { "content-length": String(bytes) } });
    }
    case "/buffers":
      return Response.json({ buffers: seen.size });
    case "/chunked":
      return new Response(letters(number("bytes")));
    case "/short":
      return new Response(letters(10), { headers: { "content-length": "20" } });
    case "/long":
      return new Response(letters(30), { headers: { "content-length": "20" } });
    case "/broken": {
      const broken = async function* () {
        if (url.searchParams.has("begun")) yield new Uint8Array(100_000);
        await new Promise((resolve) => setTimeout(resolve, 20));
        throw new Error("secret of ours");
      };
      return new Response(toStream(broken()));
    }
    case "/throws":
      throw new Error("secret of ours");
    case "/count": {
      let bytes = 0;
      for await (const chunk of request.body ?? []) bytes += chunk.byteLength;
      return Response.json({ bytes });
    }
    case "/refuses":
      return new Response("too large\n", { status: 413 });
    case "/waits":
      say({ waiting: true });
      return new Promise(() => request.signal.addEventListener("abort", () => say({ aborted: true })));
    case "/gate":
      say({ waiting: true });
      await gate;
      return new Response(letters(5_000_000), { headers: { "content-length": "5000000" } });
    case "/sse":
      return new Response(toStream(first()), {
        headers: { "content-type": "text/event-stream" },
      });
    case "/memory":
      return Response.json({ rss: process.memoryUsage().rss, descriptors: readdirSync("/proc/self/fd").length });
    case "/finished":
      connection.finished.then((finished) => say({ finished }));
      return new Response(letters(number("bytes")), { headers: { "content-length": String(number("bytes")) } });
    default: {
      const { ip, encrypted, headerCount, headerBytes } = connection;
      const { method } = request;
      return Response.json({
        method,
        url: request.url,
        ip,
        encrypted,
        header_count: headerCount,
        header_bytes: headerBytes,
      });
    }
  }
}

async function* first() {
  yield new TextEncoder().encode("data: 1\n\n");
  await new Promise(() => {});
}

const server = await runtime.serve({
  hostname: "127.0.0.1",
  port: 0,
  ...(told.timeouts && { timeouts: told.timeouts }),
  ...(told.limits && { limits: told.limits }),
  ...(told.cert && { tls: pair() }),
  chunks,
  fetch: answer,
  refuse: (status) => ({ headers: { "content-type": "text/x-refusal" }, body: `refused ${status}\n` }),
  onError: (error) => say({ error: String(error) }),
});
runtime.onSignal(
  async (signal) => {
    if (signal === "SIGHUP") {
      try {
        server.replaceCertificate(pair());
        say({ replaced: true });
      } catch (error) {
        say({ replaced: false, told: error instanceof Error });
      }
      return;
    }
    say({ signal });
    const stopped = server.stop(signal === "SIGTERM");
    setTimeout(open, 200);
    await stopped;
    say({ stopped: true });
    runtime.exit(0);
  },
  ["SIGINT", "SIGTERM", "SIGHUP"],
);
say({ url: server.url, port: server.port });
