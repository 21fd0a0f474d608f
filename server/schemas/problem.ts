/** Problem details (RFC 9457) in the description. */
import { z } from "@hono/zod-openapi";

export const ProblemSchema = z
  .object({
    type: z.string().openapi({ example: "urn:artifact-store:error:package_not_found" }),
    title: z.string(),
    status: z.int(),
    code: z.string().openapi({ description: "Stable; decide by it" }),
    detail: z.string().optional(),
    data: z.record(z.string(), z.unknown()).optional(),
    request_id: z.string(),
  })
  .openapi("Problem");

const MEANINGS: Readonly<Record<number, string>> = {
  400: "The request is not well-formed",
  403: "The caller may not do this",
  404: "There is no such thing, or the caller may not know of it",
  409: "The state of things does not allow it",
  412: "A precondition of the request does not hold",
  413: "A limit is exceeded",
  416: "The range lies outside of the content",
  422: "The content does not fit what was said about it",
  500: "This server failed; its log has the request id",
  503: "Not now; try again later",
  507: "The storage or the database is full",
};

/** Responses of a route for these statuses, besides 500 and 503 that any may have. */
export function problems(...statuses: readonly number[]) {
  const content = { "application/problem+json": { schema: ProblemSchema } };
  return Object.fromEntries(
    [...statuses, 500, 503].map((status) => [status, { description: MEANINGS[status] ?? "Refused", content }]),
  );
}
