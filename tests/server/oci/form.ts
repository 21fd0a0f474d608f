/** The form that answers below `/v2/` have in common. */
import { OCI_CODES, SERVER_CODES } from "../../../server/oci/errors.ts";
import type { Answer } from "../http/asking.ts";

/** What is wrong with an answer: the spec has one form for every refusal, and a list of codes for those of a client's making. */
export function malformed(answer: Pick<Answer, "status" | "headers" | "body">, method: string): string | undefined {
  const { status, headers, body } = answer;
  if (headers.get("docker-distribution-api-version") !== "registry/2.0") return "does not say what it is";
  if (status < 400 || method === "HEAD") return undefined;
  if (headers.get("content-type") !== "application/json") return "is not JSON";
  if (status === 429 && !headers.has("retry-after")) return "does not say when to try again";
  const { errors, ...more } = JSON.parse(body) as { errors: { code: string; message: string; detail?: unknown }[] };
  const codes: readonly string[] = status < 500 ? OCI_CODES : SERVER_CODES;
  const good = (error: { code: string; message: string }) =>
    codes.includes(error.code) &&
    typeof error.message === "string" &&
    Object.keys(error).every((key) => ["code", "message", "detail"].includes(key));
  return Object.keys(more).length === 0 && errors.length > 0 && errors.every(good) ? undefined : body;
}
