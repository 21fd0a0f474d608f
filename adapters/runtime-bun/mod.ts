import type { Listening, Runtime, ServeOptions, Signal } from "../../core/spi/runtime.ts";

const SIGNALS: readonly Signal[] = ["SIGINT", "SIGTERM"];

export function createBunRuntime(): Runtime {
  return {
    name: "bun",
    version: Bun.version,
    args: process.argv.slice(2),
    env: { ...process.env },
    cwd: () => process.cwd(),
    serve: async (options) => serve(options),
    onSignal(handler) {
      for (const signal of SIGNALS) process.on(signal, handler);
      return () => {
        for (const signal of SIGNALS) process.off(signal, handler);
      };
    },
    exit: (code) => process.exit(code),
  };
}

function serve({ hostname, port, fetch }: ServeOptions): Listening {
  const server = Bun.serve({
    hostname,
    port,
    fetch: (request) => fetch(request),
    // By default Bun answers 413 above 128 MiB and cuts a connection that is idle for 10 s: an upload or a long poll.
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    idleTimeout: 0,
    // No error pages with source code. It also turns SO_REUSEPORT on (Bun 1.4.4), and then a second server on the same
    // port silently takes half of the connections.
    development: false,
    reusePort: false,
  });
  const bound = server.port ?? port;
  return {
    url: `http://${hostname.includes(":") ? `[${hostname}]` : hostname}:${bound}`,
    port: bound,
    stop: (graceful) => server.stop(!graceful),
  };
}
