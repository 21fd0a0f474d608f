import type { Ask } from "../env.ts";
import { headerOf, type Reply, setHeader } from "../http/reply.ts";

/**
 * Answers are data: a browser shall neither guess their type nor run anything in them, nor give them to pages of
 * others. A route that serves pages sets a wider policy itself.
 */
const HEADERS: readonly (readonly [name: string, value: string])[] = [
  ["x-content-type-options", "nosniff"],
  ["content-security-policy", "default-src 'none'; frame-ancestors 'none'"],
  ["cross-origin-resource-policy", "same-origin"],
  ["referrer-policy", "no-referrer"],
];

/** A year (RFC 6797). Only where TLS was spoken: elsewhere it means nothing. */
const HSTS = "max-age=31536000";

/**
 * What every answer carries, refusals too.
 * `publicUrl`: what clients know this server by; a Location that starts with `/` would lose its path.
 */
export function responseHeaders(publicUrl?: string): (reply: Reply, ask: Ask) => void {
  const https = publicUrl?.startsWith("https:") ?? false;
  return (reply, { requestId, client }) => {
    setHeader(reply, "x-request-id", requestId);
    for (const [name, value] of HEADERS) {
      if (headerOf(reply, name) === null) setHeader(reply, name, value);
    }
    if (https || client.scheme === "https") setHeader(reply, "strict-transport-security", HSTS);
    const location = publicUrl === undefined ? null : headerOf(reply, "location");
    if (location?.startsWith("/")) setHeader(reply, "location", `${publicUrl}${location}`);
  };
}
