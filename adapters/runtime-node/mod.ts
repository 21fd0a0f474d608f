import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import type { Listening, Runtime, ServeOptions, Signal } from "../../core/spi/runtime.ts";

const SIGNALS: readonly Signal[] = ["SIGINT", "SIGTERM"];

export function createNodeRuntime(): Runtime {
  return {
    name: "node",
    version: process.versions.node,
    args: process.argv.slice(2),
    env: { ...process.env },
    cwd: () => process.cwd(),
    serve,
    onSignal(handler) {
      for (const signal of SIGNALS) process.on(signal, handler);
      return () => {
        for (const signal of SIGNALS) process.off(signal, handler);
      };
    },
    exit: (code) => process.exit(code),
  };
}

async function serve({ hostname, port, fetch }: ServeOptions): Promise<Listening> {
  const server = createAdaptorServer({
    fetch: (request) => fetch(request),
    // A library that changes the globals of the process which loads it is a bad guest.
    overrideGlobalObjects: false,
    serverOptions: {
      // Node would cut every request that takes longer than five minutes, an upload for instance. Headers may not
      // dawdle, and the check runs often enough to mean it.
      requestTimeout: 0,
      headersTimeout: 10_000,
      connectionsCheckingInterval: 2_000,
    },
  }) as Server;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, hostname, () => {
      server.off("error", reject);
      resolve();
    });
  });
  const bound = (server.address() as AddressInfo).port;
  return {
    url: `http://${hostname.includes(":") ? `[${hostname}]` : hostname}:${bound}`,
    port: bound,
    stop: (graceful) => stop(server, graceful),
  };
}

function stop(server: Server, graceful: boolean): Promise<void> {
  return new Promise((resolve) => {
    // close() ends the connections that are idle now; those that finish a request later would stay open until their
    // keep-alive runs out.
    const sweep = setInterval(() => server.closeIdleConnections(), 50);
    server.close(() => {
      clearInterval(sweep);
      resolve();
    });
    if (!graceful) server.closeAllConnections();
  });
}
