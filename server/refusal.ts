/** What a transport refuses before there is a request, as a problem like any other. */
import type { Refusal, RefusalStatus } from "../core/spi/mod.ts";
import type { Problem } from "./errors.ts";
import { HTTP_ANSWERS, type HttpErrorCode } from "./http/error.ts";

const ANSWERS: Readonly<
  Record<RefusalStatus, { readonly code: HttpErrorCode | "internal"; readonly detail?: string }>
> = {
  400: {
    code: "malformed_request",
    detail:
      "HTTP/1.1 does not allow such a request (RFC 9112), or its path has dot segments or bytes that are not ASCII",
  },
  408: { code: "request_timeout", detail: "The request came too slowly, or not at all" },
  413: { code: "payload_too_large" },
  431: { code: "headers_too_large" },
  500: { code: "internal" },
};

export function refusal(status: RefusalStatus): Refusal {
  const { code, detail } = ANSWERS[status];
  const problem: Problem = {
    type: `urn:artifact-store:error:${code}`,
    title: code === "internal" ? "Internal error" : HTTP_ANSWERS[code].title,
    status,
    code,
    ...(detail !== undefined && { detail }),
    request_id: crypto.randomUUID(),
  };
  const headers = {
    "content-type": "application/problem+json",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "x-request-id": problem.request_id,
  };
  return { headers, body: `${JSON.stringify(problem)}\n` };
}
