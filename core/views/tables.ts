/**
 * Kysely's picture of the schema that `migrations/` creates. One picture for SQLite and PostgreSQL: text is UTF-8 in
 * byte order (`COLLATE "C"`), time is RFC 3339 text, booleans are 0 and 1, JSON is JCS text. So a row has the same
 * values on both, and the canonical dump (`dump.ts`) can be compared.
 */

export interface EventsTable {
  sequence: number;
  event_id: string;
  type: string;
  tenant: string;
  tenant_sequence: number;
  subject: string;
  actor: string;
  occurred_at: string;
  commitment: Uint8Array;
  prev_hash: Uint8Array;
  hash: Uint8Array;
}

export interface EventPayloadsTable {
  sequence: number;
  salt: Uint8Array | null;
  context: Uint8Array | null;
  payload: Uint8Array | null;
}

export interface EventHeadTable {
  id: number;
  sequence: number;
  hash: Uint8Array;
}

export interface ViewStateTable {
  view: string;
  view_version: number;
  applied_sequence: number;
}

export interface TenantsTable {
  tenant: string;
  created_at: string;
}

export interface RetentionClassesTable {
  name: string;
  duration_days: number | null;
  mode: string;
  registered_at: string;
}

export interface MetadataSchemasTable {
  tenant: string;
  schema_id: string;
  schema_json: string;
  registered_at: string;
}

export interface ArtifactPackagesTable {
  package_id: string;
  tenant: string;
  name: string;
  version: string | null;
  /** open | finalized | abandoned */
  state: string;
  retention_class: string;
  metadata: string;
  metadata_schema: string | null;
  external_refs: string;
  created_at: string;
  created_by: string;
  created_sequence: number;
  finalized_at: string | null;
  finalized_by: string | null;
  /** Sequence of the event whose payload is the manifest. */
  manifest_sequence: number | null;
  manifest_digest: string | null;
  file_count: number | null;
  total_bytes: number | null;
}

/** What remains of a deleted package: from the envelope alone, so that erasing payloads changes nothing. */
export interface PackageTombstonesTable {
  package_id: string;
  tenant: string;
  deleted_at: string;
  deleted_by: string;
}

export interface ArtifactFilesTable {
  package_id: string;
  /** The path after NFC: two paths equal by it cannot stand in one package. */
  path_key: string;
  /** The path exactly as given. */
  relative_path: string;
  kind: string;
  content_address: string | null;
  digest_algorithm: string | null;
  digest_primary: string | null;
  digest_sha256: string | null;
  digest_sha512: string | null;
  size: number | null;
  executable: number;
  symlink_target: string | null;
  media_type: string | null;
  ingested_at: string;
  ingested_by: string;
  /** Sequence of the event that put this entry here. */
  sequence: number;
}

export interface ObjectsTable {
  content_address: string;
  size: number;
  digest_algorithm: string;
  digest_primary: string;
  digest_sha256: string;
  /** live | quarantined */
  state: string;
  generation: number;
  stored_at: string;
}

/** Every digest under which an object is known, the primary one included. */
export interface ObjectDigestsTable {
  algorithm: string;
  hex: string;
  content_address: string;
}

export interface StorageLocationsTable {
  content_address: string;
  backend_id: string;
  storage_key: string;
  byte_offset: number;
  byte_length: number;
  layout: string;
  generation: number;
  retrieval_tier: string;
  restore_status: string | null;
  stored_at: string;
}

export interface RetentionStateTable {
  package_id: string;
  tenant: string;
  retention_class: string;
  mode: string;
  default_expires_at: string | null;
  current_expires_at: string | null;
  applied_at: string;
}

export interface OciRepositoriesTable {
  repository_id: string;
  tenant: string;
  name: string;
  created_at: string;
  created_by: string;
}

/** A repository that is gone; a new one may have its name. */
export interface OciDeletedRepositoriesTable {
  repository_id: string;
  tenant: string;
  name: string;
  /** Of the event that deleted it. */
  deleted_sequence: number;
  deleted_at: string;
  deleted_by: string;
}

/** One row for each digest under which a blob can be read in a repository. */
export interface OciBlobsTable {
  repository_id: string;
  /** `algorithm:hex`. */
  digest: string;
  content_address: string;
  size: number;
  linked_at: string;
}

export interface OciManifestsTable {
  repository_id: string;
  digest: string;
  media_type: string;
  size: number;
  artifact_type: string | null;
  /** Digest of the manifest that this one refers to. */
  subject: string | null;
  /** JCS text. */
  annotations: string | null;
  pushed_at: string;
  pushed_by: string;
  /** Of the event whose payload has the bytes. */
  sequence: number;
}

/** A manifest that was removed by itself, not with its repository, and not pushed there again since. */
export interface OciRemovedManifestsTable {
  repository_id: string;
  digest: string;
  /** Of the event that removed it. */
  sequence: number;
  removed_at: string;
  removed_by: string;
}

/** What a manifest names, whether it is there or not. Its subject is no reference: it does not keep that alive. */
export interface OciReferencesTable {
  repository_id: string;
  /** Digest of the manifest that names it. */
  manifest: string;
  digest: string;
  /** blob | manifest */
  kind: string;
}

export interface OciTagsTable {
  repository_id: string;
  tag: string;
  digest: string;
  moved_at: string;
  sequence: number;
}

export interface OciTagHistoryTable {
  repository_id: string;
  tag: string;
  sequence: number;
  /** What it pointed at from then on; `null`: nothing. */
  digest: string | null;
  occurred_at: string;
  actor: string;
  /** Sequence of the entry that was restored. */
  restored_from: number | null;
}

/** A finalised package as an OCI artifact. */
export interface PackageArtifactsTable {
  package_id: string;
  tenant: string;
  name: string;
  version: string | null;
  /** `sha256:<hex>` of its OCI manifest; this and the three below are null together: too large for OCI clients. */
  artifact_digest: string | null;
  artifact_size: number | null;
  /** Of the manifest of the package, which is the config. */
  config_digest: string | null;
  config_size: number | null;
  /** Of the event whose payload is the config. */
  sequence: number;
}

export interface OciTagRulesTable {
  tenant: string;
  /** 1, 2, 3 ...: how often they were set. */
  revision: number;
  /** JCS text: the list, in order. */
  rules: string;
  reason: string;
  set_at: string;
  set_by: string;
}

/** Operational: who does exclusive work right now. */
export interface MaintenanceLockTable {
  name: string;
  holder: string;
  purpose: string;
  acquired_at: string;
  expires_at: string;
}

/** Operational: keys whose bytes were deleted; no object may be published there again. */
export interface RetiredKeysTable {
  backend_id: string;
  storage_key: string;
  content_address: string | null;
  generation: number | null;
  retired_at: string;
}

/** Operational: what was answered to a request that carried an `Idempotency-Key`. */
export interface IdempotencyKeysTable {
  tenant: string;
  principal: string;
  idempotency_key: string;
  /** Of the request: the same key with another one is refused. */
  fingerprint: string;
  /** running | done */
  status: string;
  /** Id of what the request makes, chosen before it is made. */
  subject: string;
  /** JSON; null while running. */
  answer: string | null;
  /** When the newest attempt began. */
  attempted_at: string;
  created_at: string;
}

/** Operational: uploads that resume, under way or answered. */
export interface UploadSessionsTable {
  upload_id: string;
  tenant: string;
  /** Subject of the principal who began it. */
  owner: string;
  /** packages | oci: where it was begun. */
  door: string;
  backend_id: string;
  /** open: takes bytes | completing: has them all | completed: has its answer */
  state: string;
  /** Taken anew by each request; only the newest records. */
  epoch: number;
  /** The request that may have bytes under way to the backend right now. */
  writer_epoch: number | null;
  /** Bytes that are durable. */
  upload_offset: number;
  /** The backend's note on where they are; null before the first. */
  backend_state: string | null;
  /** Bytes in the end, once somebody has said. */
  upload_length: number | null;
  max_size: number;
  /** JSON: what becomes of the bytes; the use case's own. */
  target: string;
  /** JSON; null until completed. */
  answer: string | null;
  created_at: string;
  expires_at: string;
}

/** Operational: when a manifest was last pulled, to the hour. */
export interface OciPullsTable {
  repository_id: string;
  digest: string;
  /** Beginning of the hour. */
  pulled_at: string;
}

/** Operational: one row. */
export interface OciPullTrackingTable {
  id: number;
  /** Pulls are noted since then. */
  since: string;
}

export interface ViewTables {
  tenants: TenantsTable;
  retention_classes: RetentionClassesTable;
  metadata_schemas: MetadataSchemasTable;
  artifact_packages: ArtifactPackagesTable;
  package_tombstones: PackageTombstonesTable;
  artifact_files: ArtifactFilesTable;
  objects: ObjectsTable;
  object_digests: ObjectDigestsTable;
  storage_locations: StorageLocationsTable;
  retention_state: RetentionStateTable;
  oci_repositories: OciRepositoriesTable;
  oci_deleted_repositories: OciDeletedRepositoriesTable;
  oci_blobs: OciBlobsTable;
  oci_manifests: OciManifestsTable;
  oci_removed_manifests: OciRemovedManifestsTable;
  oci_references: OciReferencesTable;
  oci_tags: OciTagsTable;
  oci_tag_history: OciTagHistoryTable;
  package_artifacts: PackageArtifactsTable;
  oci_tag_rules: OciTagRulesTable;
}

export interface Tables extends ViewTables {
  events: EventsTable;
  event_payloads: EventPayloadsTable;
  event_head: EventHeadTable;
  view_state: ViewStateTable;
  maintenance_lock: MaintenanceLockTable;
  retired_keys: RetiredKeysTable;
  idempotency_keys: IdempotencyKeysTable;
  upload_sessions: UploadSessionsTable;
  oci_pulls: OciPullsTable;
  oci_pull_tracking: OciPullTrackingTable;
}
