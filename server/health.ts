/** How the server is, for those who watch it. Apart from its routes, because a probe needs no description. */
import type { HealthReport } from "../core/spi/mod.ts";
import { json } from "./json.ts";

export interface HealthAnswers {
  /** `GET /health`: 200 when everything works, 503 with the same body when something does not; also while the server stops. */
  health(): Promise<Response>;
  /**
   * `GET /ready`: 200 when this server should be sent requests, 503 when it should not: what it needs cannot be read and
   * written, or it is stopping.
   */
  ready(): Promise<Response>;
}

const HEADERS = { "cache-control": "no-store" };

export function healthAnswers(health: () => Promise<HealthReport>, stopping?: AbortSignal): HealthAnswers {
  return {
    async health() {
      const report = await health();
      return json(report, report.status === "ok" ? 200 : 503, HEADERS);
    },
    async ready() {
      const state = stopping?.aborted ? "stopping" : (await health()).status === "ok" ? "ready" : "degraded";
      return json({ status: state }, state === "ready" ? 200 : 503, HEADERS);
    },
  };
}

/** What answers a GET of this path, if it is one of these. */
export function probeOf(path: string, answers: HealthAnswers): (() => Promise<Response>) | undefined {
  if (path === "/health") return answers.health;
  return path === "/ready" ? answers.ready : undefined;
}
