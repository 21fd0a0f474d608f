/** What goes wrong on the way to a server, or behind it, as the library would say it: equal codes, so equal exit codes. */
import { type ErrorCode, isRegistryError, messageOf, RegistryError } from "../../core/mod.ts";
import { ApiError } from "../../sdk/typescript/mod.ts";
import { ERROR_EXITS } from "../output/exit_codes.ts";

/** @param url of the server; without credentials, so it may be shown */
export function toRegistryError(error: unknown, url: string): RegistryError {
  if (isRegistryError(error)) return error;
  if (!(error instanceof ApiError)) return noAnswer(error, url);
  const { code, detail, title, data, status, requestId } = error;
  if (Object.hasOwn(ERROR_EXITS, code)) {
    // The server tells its own failures by their title alone; its log has the rest under this id.
    const message = detail ?? (requestId === undefined ? title : `${title} (${url}, request ${requestId})`);
    return new RegistryError(code as ErrorCode, message, data, error);
  }
  return new RegistryError(
    codeOf(status),
    `${url} answered: ${detail ?? `${title} (${status})`}${hint(status)}`,
    data,
    error,
  );
}

/** Of what HTTP itself, or a proxy, refuses. */
function codeOf(status: number): ErrorCode {
  if (status === 401 || status === 403 || status === 407 || status === 421) return "access_denied";
  if (status === 404 || status === 405 || status === 501) return "unsupported";
  if (status === 413 || status === 414 || status === 431) return "limit_exceeded";
  if (status >= 400 && status < 500 && status !== 408 && status !== 425 && status !== 429) return "invalid_argument";
  return "server_unavailable";
}

const hint = (status: number): string =>
  status === 404 || status === 405 || status < 400
    ? "; is this the URL of an artifact-store server, and is it as new as this program?"
    : "";

/** `fetch` threw: nobody is there, the connection broke, or what came was no answer of ours. */
function noAnswer(error: unknown, url: string): RegistryError {
  const reason = reasonOf(error);
  const todo = /cert|signed|ssl|tls/i.test(reason)
    ? "name the certificate of its authority in NODE_EXTRA_CA_CERTS (Deno: DENO_CERT)"
    : "is the server running, and is the URL right?";
  return new RegistryError("server_unavailable", `No answer from ${url}: ${reason}; ${todo}`, { server: url }, error);
}

/** The system's word for it where there is one (ECONNREFUSED). Node says "fetch failed" and has the reason below. */
function reasonOf(error: unknown): string {
  const { cause, code } = error as { cause?: unknown; code?: unknown };
  if (typeof code === "string" && code !== "") return code;
  return cause instanceof Error ? reasonOf(cause) : messageOf(error);
}
