/** What HTTP itself refuses, besides what a use case refuses (`RegistryError`). Thrown; `errorResponse` answers it. */
export const HTTP_ANSWERS = {
  not_found: { status: 404, title: "Not found" },
  method_not_allowed: { status: 405, title: "Method not allowed" },
  not_acceptable: { status: 406, title: "Not acceptable" },
  request_timeout: { status: 408, title: "Request timeout" },
  precondition_failed: { status: 412, title: "Precondition failed" },
  payload_too_large: { status: 413, title: "Payload too large" },
  uri_too_long: { status: 414, title: "URL too long" },
  unsupported_media_type: { status: 415, title: "Unsupported media type" },
  range_not_satisfiable: { status: 416, title: "Range not satisfiable" },
  misdirected_request: { status: 421, title: "Misdirected request" },
  too_many_requests: { status: 429, title: "Too many requests" },
  headers_too_large: { status: 431, title: "Request headers too large" },
  malformed_request: { status: 400, title: "Malformed request" },
  cross_origin: { status: 403, title: "Cross-origin request" },
  stopping: { status: 503, title: "The server is stopping" },
} as const satisfies Readonly<Record<string, { readonly status: number; readonly title: string }>>;

export type HttpErrorCode = keyof typeof HTTP_ANSWERS;

export class HttpError extends Error {
  readonly code: HttpErrorCode;
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: HttpErrorCode, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.name = "HttpError";
    this.code = code;
    this.headers = headers;
  }
}
