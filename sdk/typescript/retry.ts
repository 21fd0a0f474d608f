import { ApiError } from "./errors.ts";

/** Refusals of the moment; 501 and 507 are of the kind that stays. */
const PASSING = new Set([408, 425, 429, 500, 502, 503, 504]);
/** Nothing that another attempt would bring back, although the status is one of the moment. */
const LOST = new Set(["object_corrupt", "object_missing"]);
const FIRST = 250;
const LONGEST = 10_000;

/** Whether the same again may do better: also a connection that broke, which is any other error of `fetch`. */
export function mayPass(error: unknown): boolean {
  return error instanceof ApiError ? PASSING.has(error.status) && !LOST.has(error.code) : true;
}

/** Waits before the next attempt: twice as long each time, apart from others who wait, or as the server asked. */
export function backOff(attempt: number, error: unknown, signal?: AbortSignal): Promise<void> {
  const asked = error instanceof ApiError ? Number(error.headers.get("retry-after") ?? 0) * 1000 : 0;
  const ours = Math.min(LONGEST, FIRST * 2 ** attempt) * (0.5 + Math.random() / 2);
  return sleep(Math.max(Number.isFinite(asked) ? Math.min(asked, 60_000) : 0, ours), signal);
}

/** Rejects with the reason of `signal` when it aborts. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal?.addEventListener("abort", stop, { once: true });
    if (signal?.aborted) stop();
  });
}
