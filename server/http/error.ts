/** What HTTP itself refuses, besides what a use case refuses (`RegistryError`). Thrown; `errorResponse` answers it. */
export const HTTP_ANSWERS = {
  not_found: { status: 404, title: "Not found" },
  method_not_allowed: { status: 405, title: "Method not allowed" },
  not_acceptable: { status: 406, title: "Not acceptable" },
  precondition_failed: { status: 412, title: "Precondition failed" },
  unsupported_media_type: { status: 415, title: "Unsupported media type" },
  range_not_satisfiable: { status: 416, title: "Range not satisfiable" },
  misdirected_request: { status: 421, title: "Misdirected request" },
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
