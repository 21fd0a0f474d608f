/** Problem details (RFC 9457) in the description. */
import { z } from "@hono/zod-openapi";

export const ProblemSchema = z
  .object({
    type: z.string().openapi({
      description: "Names the code; not meant to be fetched",
      example: "urn:artifact-store:error:package_not_found",
    }),
    title: z.string().openapi({ example: "Package not found" }),
    status: z.int().openapi({ example: 404 }),
    code: z.string().openapi({ description: "Stable; decide by it", example: "package_not_found" }),
    detail: z.string().optional().openapi({ description: "For people; says what to do" }),
    error: z
      .string()
      .optional()
      .openapi({ description: "Below `/v1/` only: the detail, or else the title, once more" }),
    data: z.record(z.string(), z.unknown()).optional().openapi({ description: "Facts that belong to the code" }),
    request_id: z.string().openapi({
      description: "As in X-Request-Id and in the server's log",
      example: "019374e0-0000-7000-8000-000000000001",
    }),
  })
  .openapi("Problem");

const MEANINGS: Readonly<Record<number, string>> = {
  400: "The request is not well-formed",
  403: "The caller may not do this",
  404: "There is no such thing, or the caller may not know of it",
  406: "Not in a form that the client accepts",
  408: "The request took too long to arrive",
  409: "The state of things does not allow it",
  410: "It was there; `data` says which event removed it",
  412: "A precondition of the request does not hold",
  413: "A limit is exceeded",
  414: "The URL is too long",
  415: "The body is of a type or coding that is not taken here",
  416: "The range lies outside of the content",
  421: "This server does not answer to that Host",
  422: "The content does not fit what was said about it",
  429: "Too many requests at once; try again in a moment",
  431: "The headers are too large or too many",
  500: "This server failed; its log has the request id",
  501: "Not supported",
  503: "Not now; try again later",
  507: "The storage or the database is full",
};

/** What any route may answer: what is refused before it is reached, our failures, not now, disk full. */
const ANY = [400, 403, 408, 414, 421, 429, 431, 500, 503, 507] as const;

/** Responses of a route for these statuses, besides those that any may have. */
export function problems(...statuses: readonly number[]) {
  const content = { "application/problem+json": { schema: ProblemSchema } };
  const all = [...new Set([...statuses, ...ANY])].sort((a, b) => a - b);
  return Object.fromEntries(all.map((status) => [status, { description: MEANINGS[status] ?? "Refused", content }]));
}
