/** What the exit code of a command says. Documented in docs/operator.md; scripts rely on it. */
import { type ErrorCode, isRegistryError } from "../../core/base/errors.ts";

export const EXIT = {
  /** Done. */
  success: 0,
  /** A bug of this program. */
  internal: 1,
  /** The command line, an argument or the configuration is wrong. */
  usage: 2,
  /** Done, but some entries were skipped or reported. */
  partial: 3,
  /** Refused: what is named does not exist, or its state, its content or your rights do not allow it. */
  refused: 4,
  /** Damage found: stored bytes, the event log or the views are not what they should be. */
  damage: 5,
  /** Storage, database or server unavailable, full or busy. */
  unavailable: 6,
  /** Ended by Ctrl-C, as shells report it (128 + SIGINT). */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export const ERROR_EXITS: Readonly<Record<ErrorCode, ExitCode>> = {
  invalid_argument: EXIT.usage,
  invalid_digest: EXIT.usage,
  invalid_path: EXIT.usage,
  invalid_name: EXIT.usage,
  invalid_metadata: EXIT.usage,
  invalid_tag: EXIT.usage,
  invalid_manifest: EXIT.refused,
  manifest_blob_unknown: EXIT.refused,
  non_canonical: EXIT.refused,
  invalid_archive: EXIT.refused,
  archive_refused: EXIT.refused,
  digest_mismatch: EXIT.refused,
  size_mismatch: EXIT.refused,
  limit_exceeded: EXIT.refused,
  source_changed: EXIT.refused,
  cancelled: EXIT.interrupted,
  unsupported: EXIT.refused,
  access_denied: EXIT.refused,
  config_invalid: EXIT.usage,
  package_not_found: EXIT.refused,
  file_not_found: EXIT.refused,
  object_not_found: EXIT.refused,
  repository_not_found: EXIT.refused,
  manifest_not_found: EXIT.refused,
  blob_not_found: EXIT.refused,
  event_not_found: EXIT.refused,
  upload_not_found: EXIT.refused,
  unknown_retention_class: EXIT.refused,
  unknown_metadata_schema: EXIT.refused,
  package_not_open: EXIT.refused,
  package_not_finalized: EXIT.refused,
  path_exists: EXIT.refused,
  path_conflict: EXIT.refused,
  version_exists: EXIT.refused,
  not_empty: EXIT.refused,
  content_removed: EXIT.refused,
  tag_immutable: EXIT.refused,
  conflict: EXIT.refused,
  upload_offset_mismatch: EXIT.refused,
  upload_length_mismatch: EXIT.refused,
  upload_superseded: EXIT.unavailable,
  too_many_uploads: EXIT.unavailable,
  idempotency_mismatch: EXIT.refused,
  idempotency_in_flight: EXIT.unavailable,
  maintenance_in_progress: EXIT.unavailable,
  object_corrupt: EXIT.damage,
  object_missing: EXIT.damage,
  storage_full: EXIT.unavailable,
  storage_read_only: EXIT.unavailable,
  storage_failed: EXIT.unavailable,
  database_busy: EXIT.unavailable,
  database_failed: EXIT.unavailable,
  database_full: EXIT.unavailable,
  outcome_unknown: EXIT.unavailable,
  schema_missing: EXIT.refused,
  schema_too_new: EXIT.refused,
  unknown_event: EXIT.refused,
  chain_broken: EXIT.damage,
  views_differ: EXIT.damage,
  server_unavailable: EXIT.unavailable,
  internal: EXIT.internal,
};

export function exitCodeFor(error: unknown): ExitCode {
  return isRegistryError(error) ? ERROR_EXITS[error.code] : EXIT.internal;
}

/** The next step, where a message alone leaves one wondering. */
export const HINTS: Partial<Record<ErrorCode, string>> = {
  config_invalid: "settings are explained in artifactstore.example.toml and docs/operator.md",
  unknown_retention_class: "known classes: transient, working, standard-evidence, release-evidence, permanent-record",
  maintenance_in_progress: "try again when it is done",
  object_corrupt: "`artifactstore verify <package>` names every damaged file; restore it from a backup",
  object_missing: "`artifactstore verify <package>` names every missing file; restore it from a backup",
  storage_full: "make room, then run the same command again; nothing half-done is visible",
  storage_read_only: "look at the permissions and mount options of storage.local_root",
  database_busy: "another process is writing; try again",
  database_full: "make room, then run the same command again; nothing half-done is visible",
  outcome_unknown: "the connection was lost while saving; look whether it was saved before you try again",
  schema_missing: "run `artifactstore migrate`",
  schema_too_new: "use a newer artifactstore; this one would not understand what is stored",
  unknown_event: "use a newer artifactstore; this one does not know every event in the log",
  chain_broken: "keep the database as it is and compare it with a backup whose head you know",
  views_differ: "`artifactstore replay` rebuilds the views from the log",
};
