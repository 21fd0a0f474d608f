/** Commands through a server: the same use cases, asked over HTTP with the SDK. */
import { loadHasher } from "../../adapters/hasher.ts";
import { osUser } from "../../adapters/local.ts";
import { localCaller } from "../../core/mod.ts";
import type { HealthReport } from "../../core/spi/health.ts";
import { ApiError, createClient } from "../../sdk/typescript/mod.ts";
import type { Opened } from "../door.ts";
import { createRemoteRegistry } from "./registry.ts";
import { type Asked, answer, createServer, type Server } from "./server.ts";

export type { Server } from "./server.ts";

/** Asks nothing yet. @param url as `client.server` gives it: http or https, no credentials, no slash at its end */
export async function openRemote(url: string, signal: AbortSignal): Promise<Opened> {
  const server = createServer({ url, api: createClient({ server: url }), hasher: await loadHasher() });
  const caller = localCaller(osUser(), signal);
  return {
    registry: createRemoteRegistry(server),
    server,
    caller,
    holder: url,
    health: () => server.ask(caller, (asked) => healthOf(server, asked)),
    close: async () => {},
  };
}

/** 503 has the report, too. */
async function healthOf(server: Server, asked: Asked): Promise<HealthReport> {
  try {
    return answer<HealthReport>(server, await server.api.getHealth(asked));
  } catch (error) {
    const report =
      error instanceof ApiError && error.status === 503 ? (error.body as Partial<HealthReport>) : undefined;
    if (report?.status === "degraded") return report as HealthReport;
    throw error;
  }
}
