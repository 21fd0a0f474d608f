/** One entry a request, when its answer is out. */
import type { Ask } from "../env.ts";

/** Sent to a log as it stands, hence the snake_case keys. */
export interface RequestEntry {
  readonly request_id: string;
  readonly method: string;
  /** Without the query: people put secrets there. Percent-encoded, so it is one line. */
  readonly path: string;
  readonly status: number;
  /** Of the body; null where there is no transport that counts. */
  readonly bytes: number | null;
  readonly ms: number;
  readonly ip: string | null;
  /** Codes of what was allowed and yet is worth knowing. */
  readonly warnings?: readonly string[];
  /** The connection ended before the answer did. */
  readonly cut?: true;
}

/** @returns to be called when it is known what is answered; `begun`: of `performance.now()` */
export function requestLog(
  log: ((entry: RequestEntry) => void) | undefined,
): (ask: Ask, status: number, begun: number) => void {
  if (log === undefined) return () => {};
  return ({ request, connection: { finished }, requestId, client, warnings }, status, begun) => {
    const write = (bytes: number | null, whole: boolean) =>
      log({
        request_id: requestId,
        method: request.method,
        path: pathOf(request.url),
        status,
        bytes,
        ms: Math.round((performance.now() - begun) * 10) / 10,
        ip: client.ip ?? null,
        ...(warnings.length > 0 && { warnings }),
        ...(whole ? {} : { cut: true }),
      });
    if (finished === undefined) write(null, true);
    else void finished.then(({ bytes, whole }) => write(bytes, whole));
  };
}

function pathOf(url: string): string {
  const start = url.indexOf("/", url.indexOf("://") + 3);
  if (start < 0) return "/";
  const query = url.indexOf("?", start);
  const path = query < 0 ? url.slice(start) : url.slice(start, query);
  const fragment = path.indexOf("#");
  return fragment < 0 ? path : path.slice(0, fragment);
}
