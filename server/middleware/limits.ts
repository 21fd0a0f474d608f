/** What a request may take up before anybody looks at what it says. */
import type { Connection } from "../../core/spi/mod.ts";
import type { Ask } from "../env.ts";
import { HttpError } from "../http/error.ts";

export interface RequestLimits {
  /** Names and values of all headers together, in bytes. */
  readonly maxHeaderBytes: number;
  /** Header lines. */
  readonly maxHeaders: number;
  /** Scheme, host, path and query, in characters. */
  readonly maxUrlBytes: number;
  /** A body of JSON. */
  readonly maxJsonBytes: number;
  /** Requests that wait for their answer to begin. */
  readonly maxInFlight: number;
}

export const DEFAULT_REQUEST_LIMITS: RequestLimits = {
  maxHeaderBytes: 16 * 1024,
  maxHeaders: 100,
  // A path of 4,096 bytes, each as %XX, and what stands around it.
  maxUrlBytes: 16 * 1024,
  maxJsonBytes: 1024 * 1024,
  maxInFlight: 1024,
};

/** @throws {HttpError} `uri_too_long`, `headers_too_large` */
export function headLimits(limits: RequestLimits): (ask: Ask) => void {
  const { maxHeaderBytes, maxHeaders, maxUrlBytes } = limits;
  return ({ request, connection }) => {
    const { url, headers } = request;
    if (url.length > maxUrlBytes) {
      throw new HttpError("uri_too_long", `A URL may have ${maxUrlBytes} bytes; this one has ${url.length}`);
    }
    const { headerBytes, headerCount } = headSize(connection, headers);
    if (headerCount > maxHeaders) {
      throw new HttpError("headers_too_large", `A request may have ${maxHeaders} headers; this one has ${headerCount}`);
    }
    if (headerBytes > maxHeaderBytes) {
      const message = `The headers of a request may have ${maxHeaderBytes} bytes; these have ${headerBytes}`;
      throw new HttpError("headers_too_large", message);
    }
  };
}

/** As the transport counted, else what can still be seen: headers that came twice are one here. */
function headSize({ headerBytes, headerCount }: Partial<Connection>, headers: Headers) {
  if (headerBytes !== undefined && headerCount !== undefined) return { headerBytes, headerCount };
  const all = [...headers];
  return {
    headerCount: all.length,
    headerBytes: all.reduce((sum, [name, value]) => sum + name.length + value.length, 0),
  };
}

/**
 * Answers 429 while too many others wait. A stream that has begun (a download, a feed) does not count any more, and who
 * waits for events never did: a thousand long-polls would shut everybody else out, at no cost to us.
 */
export function inFlightLimit({ maxInFlight }: RequestLimits): <T>(ask: Ask, work: () => Promise<T>) => Promise<T> {
  let running = 0;
  return async (ask, work) => {
    if (running >= maxInFlight) {
      throw new HttpError("too_many_requests", `${maxInFlight} requests are being answered; try again in a moment`, {
        "retry-after": "1",
      });
    }
    running++;
    let counted = true;
    const leave = () => {
      if (counted) running--;
      counted = false;
    };
    ask.onlyWaits = leave;
    try {
      return await work();
    } finally {
      leave();
    }
  };
}
