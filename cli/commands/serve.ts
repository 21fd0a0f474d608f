import { createChunkPool } from "../../core/mod.ts";
import type { AddressRange, RequestEntry } from "../../server/mod.ts";
import type { Config } from "../config.ts";
import type { CommandSpec } from "../context.ts";
import { createLog, type Log } from "../log.ts";
import { formatBytes } from "../output.ts";
import { readCertificate, watchCertificate } from "../tls_files.ts";
import { version, versionNumber } from "../version.ts";

export const serve: CommandSpec = {
  usage: "serve",
  alias: "server",
  summary: "serve HTTP until Ctrl-C",
  here: true,
  async run(context) {
    const { output, config, runtime, signal } = context;
    const { server, limits } = config;
    const { hostname, port } = server.listen;
    const files =
      server.tls_cert === undefined || server.tls_key === undefined
        ? undefined
        : { cert: server.tls_cert, key: server.tls_key };
    void version();
    // Before the database is opened: a wrong path is told at once.
    const tls = files && readCertificate(files);
    const composed = await context.openHere({ hashBeside: true });
    // Not above: the other commands would load the whole server to say their one line.
    const { createApp, parseRange, refusal } = await import("../../server/mod.ts");
    const format = output.json ? "json" : config.log.format;
    const log = createLog({ level: config.log.level, format, sink: output.stderr });
    const stopping = new AbortController();
    const chunks = createChunkPool({ shared: true });
    const app = createApp({
      chunks,
      registry: composed.registry,
      authenticate: () => composed.caller,
      health: () => composed.health(),
      stopping: stopping.signal,
      version: versionNumber,
      config: {
        listenHost: hostname,
        allowedHosts: server.allowed_hosts,
        ...(server.public_url !== undefined && { publicUrl: server.public_url }),
        trustProxy: server.trust_proxy.map((text) => parseRange(text) as AddressRange),
        limits: requestLimits(config),
      },
      log: (entry) => logRequest(log, entry),
      onError: (error, request) =>
        log("error", `request failed: ${request.method} ${request.path}: ${String(error)}`, {
          event: "request_failed",
          ...request,
          error: String(error),
        }),
    });
    const listening = await runtime.serve({
      hostname,
      port,
      ...(tls && { tls }),
      timeouts: {
        read: server.read_timeout * 1000,
        idle: server.idle_timeout * 1000,
        write: server.write_timeout * 1000,
      },
      limits: {
        maxConnections: limits.max_connections,
        // Parsers count line ends and the request line with the headers; what is told too large here has no words.
        maxHeadBytes: limits.max_header_bytes + limits.max_url_bytes + 4 * limits.max_headers + 4096,
        minRate: limits.min_rate_bytes,
        minRateWindow: limits.min_rate_window * 1000,
      },
      chunks,
      fetch: (request, connection) => app.answer(request, connection),
      refuse: refusal,
      onError: (error) =>
        log("error", `answer failed: ${String(error)}`, { event: "answer_failed", error: String(error) }),
    });
    const watch =
      files &&
      watchCertificate(
        files,
        (pair) => {
          listening.replaceCertificate(pair);
          log("info", "the certificate was read again", { event: "certificate_replaced" });
        },
        (error) =>
          log("warn", `the new certificate is refused, the old one stays: ${String(error)}`, {
            event: "certificate_refused",
            error: String(error),
          }),
      );
    // Without TLS too: a reload that does nothing must not end the server.
    const stopReloading = runtime.onSignal(() => watch?.reload(), ["SIGHUP"]);
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
    log("info", "stopping: running requests may finish (a second Ctrl-C ends at once)", { event: "stopping" });
    await log.flush();
    stopping.abort();
    const graceful = listening.stop(true);
    const late = new Promise<"late">((resolve) => {
      const timer = setTimeout(() => resolve("late"), server.shutdown_timeout * 1000);
      graceful.finally(() => clearTimeout(timer)).catch(() => {});
    });
    if ((await Promise.race([graceful, late])) === "late") {
      log("warn", "stopping: requests that still run are cut off", { event: "cut_off" });
      await listening.stop(false);
    }
    watch?.stop();
    stopReloading();
    await log.flush();
    return undefined;
  },
};

const requestLimits = ({ limits }: Config) => ({
  maxHeaderBytes: limits.max_header_bytes,
  maxHeaders: limits.max_headers,
  maxUrlBytes: limits.max_url_bytes,
  maxJsonBytes: limits.max_json_bytes,
  maxInFlight: limits.max_in_flight,
});

function logRequest(log: Log, entry: RequestEntry): void {
  const { request_id, method, path, status, bytes, ms, ip, cut, warnings = [] } = entry;
  const level = warnings.length > 0 ? "warn" : "info";
  if (!log.writes(level)) return;
  const sent = bytes === null ? "" : ` ${formatBytes(bytes)}`;
  const text = `${method} ${path} ${status}${sent} ${ms} ms ${ip ?? "-"} ${request_id}${cut ? " (cut off)" : ""}`;
  log(level, [text, ...warnings].join(" "), { event: "request", ...entry });
}
