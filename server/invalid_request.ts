/** What a schema refuses, as the problem that any other bad input gets: where it is and what is wanted. */
import type { Hook } from "@hono/zod-openapi";
import type { AppEnv } from "./env.ts";
import { problemResponse } from "./errors.ts";

/** Issues told at most; a stranger's megabyte of nonsense is not echoed back. */
const MAX_ISSUES = 10;

export const invalidRequest: Hook<unknown, AppEnv, string, unknown> = (result, c) => {
  if (result.success) return undefined;
  const issues = result.error.issues.slice(0, MAX_ISSUES).map((issue) => ({
    at: [result.target, ...issue.path].join("."),
    problem: issue.message.slice(0, 200),
  }));
  return problemResponse({
    status: 400,
    title: "Invalid argument",
    code: "invalid_argument",
    detail: issues.map(({ at, problem }) => `${at}: ${problem}`).join("; "),
    data: { issues },
    requestId: c.env.requestId,
  });
};
