/** The server's refusals (RFC 9457 problem details), as errors. */

export interface ApiErrorOptions {
  readonly code: string;
  readonly status: number;
  readonly title: string;
  readonly detail?: string | undefined;
  readonly data?: Readonly<Record<string, unknown>> | undefined;
  readonly requestId?: string | undefined;
  readonly body?: unknown;
  readonly headers?: Headers | undefined;
}

export class ApiError extends Error {
  override readonly name = "ApiError";
  /** Stable; decide by it. `http_<status>` where the answer names none: to HEAD, and of proxies. */
  readonly code: string;
  readonly status: number;
  readonly title: string;
  /** For people; says what to do. */
  readonly detail: string | undefined;
  /** Facts that belong to the code. */
  readonly data: Readonly<Record<string, unknown>>;
  /** As in the server's log. */
  readonly requestId: string | undefined;
  /** What came, parsed if it was JSON. */
  readonly body: unknown;
  readonly headers: Headers;

  constructor({ code, status, title, detail, data = {}, requestId, body, headers = new Headers() }: ApiErrorOptions) {
    super(`${detail ?? title} (${code}, ${status})`);
    this.code = code;
    this.status = status;
    this.title = title;
    this.detail = detail;
    this.data = data;
    this.requestId = requestId;
    this.body = body;
    this.headers = headers;
  }
}

/** `body`: what came, parsed if it was JSON. */
export function readError(body: unknown, { status, statusText, headers }: Response): ApiError {
  const problem = (typeof body === "object" && body !== null ? body : {}) as Readonly<Record<string, unknown>>;
  const text = (name: string) => (typeof problem[name] === "string" ? (problem[name] as string) : undefined);
  const { data } = problem;
  return new ApiError({
    code: text("code") ?? `http_${status}`,
    status,
    title: text("title") ?? (statusText || `The server answered ${status}`),
    detail: text("detail"),
    data: typeof data === "object" && data !== null ? (data as Record<string, unknown>) : undefined,
    requestId: text("request_id") ?? headers.get("x-request-id") ?? undefined,
    body,
    headers,
  });
}
