/**
 * Every failure that a caller can meet has one code from this closed union.
 * The code and `data` are stable API; the message is for people and may change.
 * Doors (HTTP, OCI, CLI exit codes) map codes through exhaustive tables, so a
 * new code does not compile until each door says what it answers.
 */
export type ErrorCode =
  // what the caller sent
  | "invalid_argument"
  | "invalid_digest"
  | "invalid_path"
  | "invalid_name"
  | "invalid_metadata"
  | "invalid_tag"
  | "invalid_manifest"
  | "manifest_blob_unknown"
  | "non_canonical"
  | "invalid_archive"
  | "archive_refused"
  | "digest_mismatch"
  | "size_mismatch"
  | "limit_exceeded"
  | "source_changed"
  | "cancelled"
  | "unsupported"
  | "access_denied"
  | "config_invalid"
  // what it names
  | "package_not_found"
  | "file_not_found"
  | "object_not_found"
  | "repository_not_found"
  | "manifest_not_found"
  | "blob_not_found"
  | "event_not_found"
  | "upload_not_found"
  | "unknown_retention_class"
  | "unknown_metadata_schema"
  // the state it is in
  | "package_not_open"
  | "package_not_finalized"
  | "path_exists"
  | "path_conflict"
  | "version_exists"
  | "not_empty"
  | "content_removed"
  | "tag_immutable"
  | "conflict"
  | "upload_offset_mismatch"
  | "upload_length_mismatch"
  | "upload_superseded"
  | "too_many_uploads"
  | "idempotency_mismatch"
  | "idempotency_in_flight"
  | "maintenance_in_progress"
  // bytes
  | "object_corrupt"
  | "object_missing"
  | "storage_full"
  | "storage_read_only"
  | "storage_failed"
  // database and log
  | "database_busy"
  | "database_failed"
  | "database_full"
  | "outcome_unknown"
  | "schema_missing"
  | "schema_too_new"
  | "unknown_event"
  | "chain_broken"
  | "views_differ"
  // a server that a client works through
  | "server_unavailable"
  | "internal";

export type ErrorData = Readonly<Record<string, unknown>>;

/** The one error type that core and adapters throw on purpose. */
export class RegistryError extends Error {
  readonly code: ErrorCode;
  readonly data: ErrorData;

  constructor(code: ErrorCode, message: string, data: ErrorData = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "RegistryError";
    this.code = code;
    this.data = data;
  }
}

export function isRegistryError(error: unknown, code?: ErrorCode): error is RegistryError {
  return error instanceof RegistryError && (code === undefined || error.code === code);
}

/** The message of anything that was thrown, without a stack. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
