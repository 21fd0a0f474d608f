import type { CommandSpec } from "../context.ts";
import { version } from "../version.ts";

/** How long running requests may take after the first signal. */
const GRACE = 10_000;

export const serve: CommandSpec = {
  usage: "serve",
  alias: "server",
  summary: "serve HTTP until Ctrl-C",
  async run(context) {
    const { output, config, runtime, signal } = context;
    const composed = await context.open();
    const { hostname, port } = config.server.listen;
    // Not above: the other commands would load the whole server to say their one line.
    const { createApp } = await import("../../server/mod.ts");
    const verbose = config.log.level === "debug" || config.log.level === "info";
    const app = createApp({
      registry: composed.registry,
      authenticate: () => composed.caller,
      health: () => composed.health(),
      version: version().version,
      config: { listenHost: hostname, allowedHosts: config.server.allowed_hosts },
      onError: (error, request) =>
        output.note(`request failed: ${request.method} ${request.path}`, { ...request, error: String(error) }),
    });
    const listening = await runtime.serve({
      hostname,
      port,
      async fetch(request) {
        const response = await app.fetch(request);
        if (config.log.level === "debug") {
          output.note(`${request.method} ${new URL(request.url).pathname} ${response.status}`);
        }
        return response;
      },
    });
    const report = await composed.health();
    const { database, storage } = report;
    output.print({ listening: listening.url, ...report }, () => [
      `artifactstore ${report.version} (${report.commit}) listens on ${listening.url}`,
      `  ${database.kind} ${database.version} (synchronous ${database.synchronous}), storage ${storage.map((s) => s.kind).join(", ")}, data in ${config.data.dir}`,
      `  try: curl ${listening.url}/health`,
    ]);
    await output.flush();
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
    if (verbose) output.note("stopping: running requests may finish (a second Ctrl-C ends at once)");
    const graceful = listening.stop(true);
    const late = new Promise<"late">((resolve) => {
      const timer = setTimeout(() => resolve("late"), GRACE);
      graceful.finally(() => clearTimeout(timer)).catch(() => {});
    });
    if ((await Promise.race([graceful, late])) === "late") await listening.stop(false);
    return undefined;
  },
};
