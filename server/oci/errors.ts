/**
 * Errors below `/v2/`, as the spec words them ("Error Codes"). Two exhaustive tables, so that a new code does not compile
 * until it is decided what this door says; statuses are those of the other door unless the spec wants another.
 */
import { type ErrorCode, isRegistryError, type RegistryError } from "../../core/mod.ts";
import type { Answer } from "../../core/spi/mod.ts";
import { ERROR_ANSWERS } from "../errors.ts";
import { HTTP_ANSWERS, HttpError, type HttpErrorCode } from "../http/error.ts";
import { uploadState } from "./answers.ts";
import { matchOciPath, type OciKind, type OciTarget } from "./path.ts";

/** The spec's table, code-1 to code-14: a 4xx says one of these. */
export const OCI_CODES = [
  "BLOB_UNKNOWN",
  "BLOB_UPLOAD_INVALID",
  "BLOB_UPLOAD_UNKNOWN",
  "DIGEST_INVALID",
  "MANIFEST_BLOB_UNKNOWN",
  "MANIFEST_INVALID",
  "MANIFEST_UNKNOWN",
  "NAME_INVALID",
  "NAME_UNKNOWN",
  "SIZE_INVALID",
  "UNAUTHORIZED",
  "DENIED",
  "UNSUPPORTED",
  "TOOMANYREQUESTS",
] as const;

/**
 * Of a 5xx, for which the spec has no words; these are Docker's. Clients send a request again when they read them, and
 * give up on UNSUPPORTED, DENIED and TOOMANYREQUESTS.
 */
export const SERVER_CODES = ["UNKNOWN", "UNAVAILABLE"] as const;

type OciCode = (typeof OCI_CODES)[number] | (typeof SERVER_CODES)[number];

interface OciAnswer {
  /** `invalid`: what this kind of thing calls a request that is not right. */
  readonly code: OciCode | "invalid";
  readonly status?: number;
  /** Seconds. */
  readonly retryAfter?: number;
}

const INVALID: Readonly<Record<OciKind, OciCode>> = {
  version: "UNSUPPORTED",
  catalog: "UNSUPPORTED",
  tags: "UNSUPPORTED",
  referrers: "UNSUPPORTED",
  blob: "UNSUPPORTED",
  manifest: "MANIFEST_INVALID",
  uploads: "BLOB_UPLOAD_INVALID",
  upload: "BLOB_UPLOAD_INVALID",
};

const invalid = { code: "invalid" } as const;
const unknown = { code: "UNKNOWN" } as const;
const unavailable = { code: "UNAVAILABLE" } as const;

export const OCI_ANSWERS: Readonly<Record<ErrorCode, OciAnswer>> = {
  invalid_argument: invalid,
  invalid_digest: { code: "DIGEST_INVALID" },
  invalid_path: invalid,
  invalid_name: { code: "NAME_INVALID" },
  invalid_metadata: { ...invalid, status: 400 },
  invalid_tag: { code: "MANIFEST_INVALID" },
  invalid_manifest: { code: "MANIFEST_INVALID" },
  manifest_blob_unknown: { code: "MANIFEST_BLOB_UNKNOWN", status: 400 },
  invalid_archive: invalid,
  archive_refused: { ...invalid, status: 400 },
  non_canonical: invalid,
  digest_mismatch: { code: "DIGEST_INVALID", status: 400 },
  size_mismatch: { code: "SIZE_INVALID", status: 400 },
  limit_exceeded: { code: "SIZE_INVALID" },
  source_changed: invalid,
  cancelled: unavailable,
  unsupported: { code: "UNSUPPORTED", status: 400 },
  access_denied: { code: "DENIED" },
  config_invalid: unknown,
  package_not_found: { code: "NAME_UNKNOWN" },
  file_not_found: { code: "BLOB_UNKNOWN" },
  object_not_found: { code: "BLOB_UNKNOWN" },
  repository_not_found: { code: "NAME_UNKNOWN" },
  manifest_not_found: { code: "MANIFEST_UNKNOWN" },
  blob_not_found: { code: "BLOB_UNKNOWN" },
  event_not_found: { code: "UNSUPPORTED" },
  upload_not_found: { code: "BLOB_UPLOAD_UNKNOWN" },
  unknown_retention_class: { ...invalid, status: 400 },
  unknown_metadata_schema: { ...invalid, status: 400 },
  package_not_open: { code: "DENIED" },
  package_not_finalized: { code: "DENIED" },
  path_exists: invalid,
  path_conflict: invalid,
  version_exists: invalid,
  not_empty: { code: "DENIED" },
  content_removed: { code: "MANIFEST_UNKNOWN" },
  // What a client may not do, and it need not ask again; 409 says that to none of them.
  tag_immutable: { code: "DENIED", status: 403 },
  conflict: invalid,
  upload_offset_mismatch: { code: "BLOB_UPLOAD_INVALID", status: 416 },
  upload_length_mismatch: { code: "SIZE_INVALID" },
  upload_superseded: { code: "BLOB_UPLOAD_INVALID" },
  // Those that nobody goes on with end by themselves, but not soon.
  too_many_uploads: { code: "TOOMANYREQUESTS", retryAfter: 60 },
  idempotency_mismatch: { ...invalid, status: 400 },
  idempotency_in_flight: invalid,
  maintenance_in_progress: unavailable,
  object_corrupt: unknown,
  object_missing: unknown,
  storage_full: unavailable,
  storage_read_only: unavailable,
  storage_failed: unknown,
  database_busy: unavailable,
  database_failed: unknown,
  database_full: unavailable,
  outcome_unknown: unknown,
  schema_missing: unavailable,
  schema_too_new: unavailable,
  unknown_event: unknown,
  chain_broken: unknown,
  views_differ: unknown,
  server_unavailable: unavailable,
  internal: unknown,
};

export const OCI_HTTP_CODES: Readonly<Record<HttpErrorCode, OciCode | "invalid">> = {
  not_found: "UNSUPPORTED",
  method_not_allowed: "UNSUPPORTED",
  not_acceptable: "UNSUPPORTED",
  request_timeout: "invalid",
  precondition_failed: "invalid",
  payload_too_large: "SIZE_INVALID",
  uri_too_long: "SIZE_INVALID",
  unsupported_media_type: "invalid",
  range_not_satisfiable: "SIZE_INVALID",
  misdirected_request: "DENIED",
  too_many_requests: "TOOMANYREQUESTS",
  headers_too_large: "SIZE_INVALID",
  malformed_request: "UNSUPPORTED",
  cross_origin: "DENIED",
  stopping: "UNAVAILABLE",
};

interface OciError {
  readonly code: OciCode;
  readonly message: string;
  readonly detail?: unknown;
}

/**
 * Anything thrown on the way to an answer for `path`. As at the other door, a client's mistake is told in full, ours by
 * its code and title only.
 */
export function ociErrorReply(error: unknown, path: string): Answer {
  const target = matchOciPath(path);
  if (error instanceof HttpError) {
    const { code, message, headers } = error;
    return answer(HTTP_ANSWERS[code].status, [{ code: said(OCI_HTTP_CODES[code], target), message }], headers);
  }
  const code = isRegistryError(error) ? error.code : "internal";
  const row = OCI_ANSWERS[code];
  const { title, retryAfter = row.retryAfter } = ERROR_ANSWERS[code];
  const status = row.status ?? ERROR_ANSWERS[code].status;
  const headers = retryAfter === undefined ? {} : { "retry-after": String(retryAfter) };
  if (!isRegistryError(error) || status >= 500) {
    const detail = isRegistryError(error) ? { detail: { code } } : {};
    return answer(status, [{ code: said(row.code, target), message: title, ...detail }], headers);
  }
  // The spec, end-7b: too many tags make the URL too long.
  const tooManyTags = code === "limit_exceeded" && error.data.tags !== undefined;
  return answer(tooManyTags ? 414 : status, errorsOf(error, said(row.code, target)), {
    ...headers,
    ...whereItIs(error, target),
  });
}

function said(code: OciCode | "invalid", target: OciTarget | undefined): OciCode {
  if (code !== "invalid") return code;
  return target === undefined ? "UNSUPPORTED" : INVALID[target.kind];
}

/** One for each thing that is missing, where several are; else one. */
function errorsOf({ code: cause, message, data }: RegistryError, code: OciCode): OciError[] {
  if (cause === "manifest_blob_unknown" && Array.isArray(data.missing) && data.missing.length > 0) {
    return data.missing.map((digest) => ({ code, message, detail: { digest } }));
  }
  return [{ code, message, ...(Object.keys(data).length > 0 && { detail: data }) }];
}

/** Who sends bytes to the wrong place is told the right one (end-5, end-6). */
function whereItIs({ code, data }: RegistryError, target: OciTarget | undefined): Record<string, string> {
  if (code !== "upload_offset_mismatch" || target?.kind !== "upload" || typeof data.offset !== "number") return {};
  const { repository, reference } = target;
  return uploadState({ repository, upload_id: reference, offset: data.offset });
}

function answer(status: number, errors: readonly OciError[], headers: Readonly<Record<string, string>>): Answer {
  return {
    status,
    headers: {
      "content-type": "application/json",
      "cache-control": "no-store",
      "docker-distribution-api-version": "registry/2.0",
      ...headers,
    },
    body: new TextEncoder().encode(`${JSON.stringify({ errors })}\n`),
  };
}
