import type { Listening, Runtime, ServeOptions, Signal } from "../../core/spi/runtime.ts";

/** The part of Deno's global that is used here: the type checker knows Bun's and Node's globals only. */
interface DenoGlobal {
  readonly version: { readonly deno: string };
  readonly args: readonly string[];
  readonly env: { toObject(): Record<string, string> };
  cwd(): string;
  exit(code: number): never;
  addSignalListener(signal: Signal, handler: () => void): void;
  removeSignalListener(signal: Signal, handler: () => void): void;
  serve(
    options: { hostname: string; port: number; signal: AbortSignal; onListen(): void },
    handler: (request: Request) => Response | Promise<Response>,
  ): { readonly addr: { readonly port: number }; readonly finished: Promise<void>; shutdown(): Promise<void> };
}

const SIGNALS: readonly Signal[] = ["SIGINT", "SIGTERM"];

export function createDenoRuntime(): Runtime {
  const deno = (globalThis as unknown as { Deno: DenoGlobal }).Deno;
  return {
    name: "deno",
    version: deno.version.deno,
    args: deno.args,
    env: deno.env.toObject(),
    cwd: () => deno.cwd(),
    serve: async (options) => serve(deno, options),
    onSignal(handler) {
      const added = SIGNALS.map((signal) => ({ signal, listener: () => handler(signal) }));
      for (const { signal, listener } of added) deno.addSignalListener(signal, listener);
      return () => {
        for (const { signal, listener } of added) deno.removeSignalListener(signal, listener);
      };
    },
    exit: (code) => deno.exit(code),
  };
}

function serve(deno: DenoGlobal, { hostname, port, fetch }: ServeOptions): Listening {
  const cut = new AbortController();
  // An empty onListen keeps Deno from printing its own line.
  const server = deno.serve({ hostname, port, signal: cut.signal, onListen() {} }, (request) => fetch(request));
  return {
    url: `http://${hostname.includes(":") ? `[${hostname}]` : hostname}:${server.addr.port}`,
    port: server.addr.port,
    async stop(graceful) {
      if (graceful) return server.shutdown();
      cut.abort();
      return server.finished;
    },
  };
}
