/**
 * Errors over HTTP: RFC 9457 problem details. One exhaustive table, so that a new code does not compile until it is
 * decided what HTTP answers.
 */
import { HTTPException } from "hono/http-exception";
import { type ErrorCode, isRegistryError } from "../core/spi/mod.ts";
import { HTTP_ANSWERS, HttpError, type HttpErrorCode } from "./http/error.ts";

interface Answer {
  readonly status: number;
  readonly title: string;
  /** Seconds after which the same request may well succeed. */
  readonly retryAfter?: number;
}

export const ERROR_ANSWERS: Readonly<Record<ErrorCode, Answer>> = {
  invalid_argument: { status: 400, title: "Invalid argument" },
  invalid_digest: { status: 400, title: "Invalid digest" },
  invalid_path: { status: 400, title: "Invalid path" },
  invalid_name: { status: 400, title: "Invalid name" },
  invalid_metadata: { status: 422, title: "Metadata does not match its schema" },
  invalid_tag: { status: 400, title: "Invalid tag" },
  invalid_manifest: { status: 400, title: "Invalid manifest" },
  manifest_blob_unknown: { status: 422, title: "The manifest names content that is not there" },
  invalid_archive: { status: 400, title: "Invalid archive" },
  archive_refused: { status: 422, title: "Archive has entries that cannot be taken" },
  non_canonical: { status: 400, title: "Not in canonical form" },
  digest_mismatch: { status: 422, title: "Content does not match the digest" },
  size_mismatch: { status: 422, title: "Content does not match the size" },
  limit_exceeded: { status: 413, title: "Limit exceeded" },
  source_changed: { status: 409, title: "The source changed while it was read" },
  cancelled: { status: 503, title: "Cancelled" },
  unsupported: { status: 501, title: "Not supported" },
  access_denied: { status: 403, title: "Access denied" },
  config_invalid: { status: 500, title: "Invalid configuration" },
  package_not_found: { status: 404, title: "Package not found" },
  file_not_found: { status: 404, title: "File not found" },
  object_not_found: { status: 404, title: "Object not found" },
  repository_not_found: { status: 404, title: "Repository not found" },
  manifest_not_found: { status: 404, title: "Manifest not found" },
  blob_not_found: { status: 404, title: "Blob not found" },
  event_not_found: { status: 404, title: "Event not found" },
  upload_not_found: { status: 404, title: "Upload not found" },
  unknown_retention_class: { status: 422, title: "Unknown retention class" },
  unknown_metadata_schema: { status: 422, title: "Unknown metadata schema" },
  package_not_open: { status: 409, title: "Package is not open" },
  package_not_finalized: { status: 409, title: "Package is not finalized" },
  path_exists: { status: 409, title: "Path exists" },
  path_conflict: { status: 409, title: "Path conflicts with another" },
  version_exists: { status: 409, title: "Version exists" },
  not_empty: { status: 409, title: "Not empty" },
  content_removed: { status: 410, title: "The content was removed" },
  tag_immutable: { status: 409, title: "The tag is immutable" },
  conflict: { status: 409, title: "Conflict" },
  upload_offset_mismatch: { status: 409, title: "The upload is at another offset" },
  upload_length_mismatch: { status: 400, title: "Lengths of the upload contradict each other" },
  upload_superseded: { status: 409, title: "A newer request took the upload over" },
  too_many_uploads: { status: 429, title: "Too many open uploads" },
  idempotency_mismatch: { status: 422, title: "Idempotency key was used for another request" },
  idempotency_in_flight: { status: 409, title: "The first request with this key is still running", retryAfter: 1 },
  maintenance_in_progress: { status: 503, title: "Maintenance in progress", retryAfter: 10 },
  object_corrupt: { status: 500, title: "Stored content is damaged" },
  object_missing: { status: 500, title: "Stored content is missing" },
  storage_full: { status: 507, title: "Storage is full" },
  storage_read_only: { status: 503, title: "Storage is read-only" },
  storage_failed: { status: 500, title: "Storage failed" },
  database_busy: { status: 503, title: "Database is busy", retryAfter: 1 },
  database_failed: { status: 500, title: "Database failed" },
  database_full: { status: 507, title: "Database is full" },
  // Not 503: a client that blindly repeats the request could do it twice.
  outcome_unknown: { status: 500, title: "Outcome unknown: look before you try again" },
  schema_missing: { status: 503, title: "Database is not migrated" },
  schema_too_new: { status: 503, title: "Database is newer than this program" },
  unknown_event: { status: 500, title: "Unknown event in the log" },
  chain_broken: { status: 500, title: "Event log is damaged" },
  views_differ: { status: 500, title: "Views differ from the event log" },
  // Of clients; a server that works through another one would be a gateway.
  server_unavailable: { status: 502, title: "Server unavailable" },
  internal: { status: 500, title: "Internal error" },
};

export interface Problem {
  /** Names the code; not meant to be fetched (RFC 9457, section 3.1.1). */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  /** Stable; `ErrorCode` or `HttpErrorCode`. */
  readonly code: string;
  readonly detail?: string;
  readonly data?: Readonly<Record<string, unknown>>;
  /** As in the response's X-Request-Id and the server's log. */
  readonly request_id: string;
}

export interface ProblemOptions {
  readonly status: number;
  readonly title: string;
  readonly code: ErrorCode | HttpErrorCode;
  readonly detail?: string;
  readonly data?: Readonly<Record<string, unknown>>;
  readonly requestId: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export function problemResponse(options: ProblemOptions): Response {
  const { status, title, code, detail, data, requestId, headers = {} } = options;
  const problem: Problem = {
    type: `urn:artifact-store:error:${code}`,
    title,
    status,
    code,
    ...(detail === undefined ? {} : { detail }),
    ...(data === undefined ? {} : { data }),
    request_id: requestId,
  };
  return new Response(`${JSON.stringify(problem)}\n`, {
    status,
    headers: { "content-type": "application/problem+json", "cache-control": "no-store", ...headers },
  });
}

/**
 * Anything thrown, as an answer. A caller's mistake is explained in full. What goes wrong on our side is told by its
 * title only: messages of the operating system and of the database hold paths, names and addresses. The log has them.
 */
export function errorResponse(error: unknown, requestId: string): Response {
  if (error instanceof HttpError) {
    const { code, message: detail, headers } = error;
    return problemResponse({ ...HTTP_ANSWERS[code], code, detail, requestId, headers });
  }
  const code = isRegistryError(error) ? error.code : isMalformed(error) ? "invalid_argument" : "internal";
  const { status, title, retryAfter } = ERROR_ANSWERS[code];
  const explain = isRegistryError(error) && (status < 500 || code === "unsupported");
  return problemResponse({
    status,
    title,
    code,
    requestId,
    ...(explain ? { detail: error.message } : {}),
    ...(explain && Object.keys(error.data).length > 0 ? { data: error.data } : {}),
    ...(retryAfter === undefined ? {} : { headers: { "retry-after": String(retryAfter) } }),
  });
}

/** What Hono's own validators throw for a request that they cannot read. */
function isMalformed(error: unknown): boolean {
  return error instanceof HTTPException && error.status === 400;
}
