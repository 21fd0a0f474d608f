/** Answers as they go to the transport: plain data where all of one is in memory, else a `Response`. */
import type { Answer } from "../../core/spi/mod.ts";

export type Reply = Response | Answer;

export function setHeader({ headers }: Reply, name: string, value: string): void {
  if (headers instanceof Headers) headers.set(name, value);
  else headers[name] = value;
}

export function headerOf({ headers }: Reply, name: string): string | null {
  return headers instanceof Headers ? headers.get(name) : (headers[name] ?? null);
}

/** For whoever wants the one form. */
export function toResponse(reply: Reply): Response {
  if (reply instanceof Response) return reply;
  const { status, headers, body } = reply;
  return new Response(body as Uint8Array<ArrayBuffer> | null, { status, headers });
}

/** What HEAD gets: all but the body (RFC 9110, section 9.3.2). */
export function withoutBody(reply: Reply): Reply {
  if (!(reply instanceof Response)) return reply.body === null ? reply : { ...reply, body: null };
  const { body } = reply;
  if (body === null) return reply;
  body.cancel().catch(() => {});
  return new Response(null, reply);
}
