/** Clients of administration read the message of a refusal as `error`; problem details have it as `detail`. */
import type { Problem } from "../errors.ts";
import { headerOf, type Reply, toResponse } from "../http/reply.ts";

export function isOfAdministration(path: string): boolean {
  return path.startsWith("/v1/") || path === "/v1";
}

/** For paths below `/v1/`, whoever refuses. */
export async function withErrorMember(reply: Reply): Promise<Reply> {
  if (headerOf(reply, "content-type") !== "application/problem+json") return reply;
  const response = toResponse(reply);
  const problem = (await response.json()) as Problem;
  const body = `${JSON.stringify({ ...problem, error: problem.detail ?? problem.title })}\n`;
  return new Response(body, { status: response.status, headers: response.headers });
}
