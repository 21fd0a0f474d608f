/**
 * Finds out once which runtime this is and loads its adapter. The imports are spelt out, one a runtime, so that
 * `bun build --compile` can embed them.
 */
import { RegistryError } from "../core/base/errors.ts";
import type { Runtime, ServeOptions } from "../core/spi/runtime.ts";

let detected: Promise<Runtime> | undefined;

export function detectRuntime(): Promise<Runtime> {
  detected ??= load();
  return detected;
}

async function load(): Promise<Runtime> {
  const { loadSecureServer, ...runtime } = await loadAdapter();
  return {
    ...runtime,
    async serve(options) {
      // Not above: most commands serve nothing, and most servers no TLS.
      const { serve } = await import("./runtime/serve.ts");
      return await serve(options, loadSecureServer).catch((error) => Promise.reject(explain(error, options)));
    },
  };
}

/** Bun and Deno define `process` too, for Node's programs: look for their own globals first. */
async function loadAdapter() {
  const https = async () => (await import("./runtime/secure.ts")).createHttpsServer;
  if ("Bun" in globalThis) {
    const { createBunRuntime } = await import("./runtime-bun/mod.ts");
    const ofBun = async () => (await import("./runtime-bun/secure.ts")).createBunSecureServer;
    return { ...createBunRuntime(), loadSecureServer: ofBun };
  }
  if ("Deno" in globalThis) {
    const { createDenoRuntime } = await import("./runtime-deno/mod.ts");
    return { ...createDenoRuntime(), loadSecureServer: https };
  }
  const { createNodeRuntime } = await import("./runtime-node/mod.ts");
  return { ...createNodeRuntime(), loadSecureServer: https };
}

/** Three runtimes report a port in use in three ways. */
function explain(error: unknown, { hostname, port }: ServeOptions): unknown {
  const { code, name } = (error ?? {}) as { code?: unknown; name?: unknown };
  const address = `${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
  const choose = "--listen, ARTIFACTSTORE_LISTEN or server.listen";
  let problem: string;
  if (code === "EADDRINUSE" || name === "AddrInUse") {
    problem = `another program listens there; stop it or choose another port with ${choose} (port 0 takes any free one)`;
  } else if (code === "EACCES" || code === "EPERM" || name === "PermissionDenied") {
    problem = `this user may not listen there; choose a port from 1024 with ${choose}`;
  } else if (code === "EADDRNOTAVAIL" || code === "EINVAL" || code === "ENOTFOUND" || name === "AddrNotAvailable") {
    problem = `this machine has no such address; choose one with ${choose}`;
  } else {
    return error;
  }
  return new RegistryError("config_invalid", `server.listen is "${address}": ${problem}`, { address }, error);
}
