/** Everything core offers to doors and embedders. */
export { type Action, DEFAULT_TENANT, localCaller } from "./access/decide.ts";
export { fromHex, toHex } from "./base/bytes.ts";
export { type CborValue, decodeCbor, decodeTrustedCbor, encodeCbor } from "./base/cbor.ts";
export { createChunkPool } from "./base/chunk_pool.ts";
export { type Clock, createSystemIds, type Ids, systemClock } from "./base/clock.ts";
export { parseDuration } from "./base/duration.ts";
export { type ErrorCode, type ErrorData, isRegistryError, messageOf, RegistryError } from "./base/errors.ts";
export { jcsText, toJson } from "./base/jcs.ts";
export { isMediaType } from "./base/names.ts";
export { type ByteSource, collect, toIterable, toStream } from "./base/stream.ts";
export { turn } from "./base/turn.ts";
export { bootstrap, DEFAULT_RETENTION_CLASSES } from "./bootstrap.ts";
export { createInProcessDataPlane } from "./content/data_plane.ts";
export type { ObjectContent, ReadOptions } from "./content/read.ts";
export type { DoctorReport, FixReport } from "./doctor/mod.ts";
export * from "./events/mod.ts";
export type { EventFollower, FeedHead, FollowOptions } from "./feed/read.ts";
export type { FeedEvent } from "./feed/scope.ts";
export * from "./identity/mod.ts";
export {
  checkReason,
  codedError,
  type EventPage,
  type EventQuery,
  type ExpectedHead,
  INLINE_BYTES,
  type LogSource,
  type LogVerdict,
  parseHead,
  type ReplayCheck,
  type ReplayReport,
  rebuildViews,
  staleViews,
  type TailOptions,
  type VerifyLogOptions,
  type ViewsDigest,
  verifyChain,
} from "./ledger/mod.ts";
export * from "./manifest/mod.ts";
export { OCI_INDEX_TYPE } from "./manifest/oci.ts";
export type {
  AsOf,
  DeletedRepository,
  OciAdministration,
  RepositoryDetails,
  RepositorySummary,
  RestoredTag,
  TagHistoryEntry,
} from "./oci/administration.ts";
export { parseAsOf } from "./oci/as_of.ts";
export { checkRepository, checkTag, isRepository, parseReference } from "./oci/names.ts";
export { checkPushTarget } from "./oci/packages/names.ts";
export type { SetTagRulesInput, TagRules, TagRulesPreview } from "./oci/tag_rule_use_cases.ts";
export { compileTagRules, type DecidingRule, MAX_TAG_RULES } from "./oci/tag_rules.ts";
export type {
  BlobContent,
  BlobUpload,
  OciBlob,
  OciManifest,
  OciRegistry,
  PushedBlob,
  PushedManifest,
  PushManifestInput,
  ReferrerDescriptor,
} from "./oci/types.ts";
export { ARCHIVE_OUTPUT_FORMATS, type ArchiveContent, type ArchiveOutputFormat } from "./packages/archive_export.ts";
export type { ImportArchiveInput } from "./packages/archive_import.ts";
export { ARCHIVE_INPUT_FORMATS, type ArchiveInputFormat } from "./packages/archive_source.ts";
export type { ArchiveOutcome, ArchiveReport } from "./packages/archive_unit.ts";
export type { DamagedObject, FileContent, VerifyReport } from "./packages/content.ts";
export type { CreatePackageInput } from "./packages/create.ts";
export type { FileEntry } from "./packages/entries.ts";
export type { FoundFile } from "./packages/find_file.ts";
export type { ImportedPackage } from "./packages/import_oci.ts";
export {
  findImage,
  type ImageSource,
  type ImportOciInput,
  type OciImport,
  type PulledManifest,
} from "./packages/import_oci_plan.ts";
export type { IngestFileInput, IngestFileResult } from "./packages/ingest_file.ts";
export type { ListPackagesQuery } from "./packages/list.ts";
export { checkPath, checkSymlink, staysInside } from "./packages/paths.ts";
export { checkPackageRef, type ListFilesQuery, type PageOf } from "./packages/read.ts";
export type { ManifestContent, ManifestForm } from "./packages/read_manifest.ts";
export {
  DEFAULT_LIMITS,
  type FinalizedPackage,
  type Limits,
  type Package,
  type PackageWarning,
} from "./packages/types.ts";
export type { AppendUploadInput, CreateUploadInput, Upload } from "./packages/upload_file.ts";
export { createRegistry, type Registry, type RegistryDeps } from "./registry.ts";
export type * from "./spi/mod.ts";
export type { Tables } from "./views/tables.ts";
