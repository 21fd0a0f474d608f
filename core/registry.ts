/** The library's surface: use cases bound to what they work with. No logic of its own. */
import { authorize } from "./access/decide.ts";
import { type Clock, createSystemIds, type Ids, systemClock } from "./base/clock.ts";
import type { ReadOptions } from "./content/read.ts";
import { createUploads } from "./content/uploads.ts";
import { type DoctorOptions, type DoctorReport, type FixReport, fix, inspect } from "./doctor/mod.ts";
import type { PackageEntry } from "./events/types.ts";
import {
  type EventFollower,
  type FeedHead,
  type FollowOptions,
  feedHead,
  followEvents,
  getEventPayload,
  readEvents,
  tailEvents,
} from "./feed/read.ts";
import { authorizeLog, type FeedEvent } from "./feed/scope.ts";
import { withMaintenanceLock } from "./guards/maintenance_lock.ts";
import type { Hasher } from "./identity/hasher.ts";
import {
  checkReplay,
  createLedger,
  type EventPage,
  type EventQuery,
  type ExpectedHead,
  type Ledger,
  type LogVerdict,
  type ReplayCheck,
  type ReplayOptions,
  type ReplayReport,
  replayInPlace,
  type TailOptions,
  type VerifyLogOptions,
  withCodes,
} from "./ledger/mod.ts";
import { createManifestBytes } from "./oci/manifest_bytes.ts";
import { createOci } from "./oci/mod.ts";
import { createPulls } from "./oci/pulls.ts";
import type { OciRegistry } from "./oci/types.ts";
import { abandonPackage } from "./packages/abandon.ts";
import { type ArchiveContent, type ExportArchiveInput, exportArchive } from "./packages/archive_export.ts";
import { type ImportArchiveInput, importArchive } from "./packages/archive_import.ts";
import type { ArchiveReport } from "./packages/archive_unit.ts";
import { type FileContent, openFile, type VerifyReport, verifyPackage } from "./packages/content.ts";
import type { CreatePackageInput } from "./packages/create.ts";
import { createPackageOnce } from "./packages/create_once.ts";
import { addDirectory, addSymlink, type FileEntry, removeFile } from "./packages/entries.ts";
import { finalizePackage } from "./packages/finalize.ts";
import { findObject, getEntry } from "./packages/find_entry.ts";
import { type FoundFile, findFile, getFile } from "./packages/find_file.ts";
import { type ImportedPackage, importOci } from "./packages/import_oci.ts";
import type { ImportOciInput } from "./packages/import_oci_plan.ts";
import {
  type IngestFileInput,
  type IngestFileResult,
  ingestFile,
  putFile,
  replaceFile,
} from "./packages/ingest_file.ts";
import { type ListPackagesQuery, listPackages } from "./packages/list.ts";
import { getPackage, type ListFilesQuery, listFiles, type PageOf } from "./packages/read.ts";
import { getManifest, getManifestBytes, type ManifestContent, type ManifestForm } from "./packages/read_manifest.ts";
import { registerMetadataSchema } from "./packages/register_schema.ts";
import {
  DEFAULT_LIMITS,
  type FinalizedPackage,
  type Limits,
  type Package,
  type PackageDeps,
} from "./packages/types.ts";
import {
  type AppendUploadInput,
  appendUpload,
  type CreateUploadInput,
  cancelUpload,
  createUpload,
  getUpload,
  resumeUpload,
  type Upload,
} from "./packages/upload_file.ts";
import type { Caller } from "./spi/authenticator.ts";
import type { DataPlane } from "./spi/data_plane.ts";
import type { Database } from "./spi/database.ts";
import type { ManifestProjector } from "./spi/manifest_projector.ts";
import type { Decompressor } from "./spi/runtime.ts";
import type { Tables } from "./views/tables.ts";

export interface RegistryDeps {
  readonly database: Database;
  readonly dataPlane: DataPlane;
  readonly hasher: Hasher;
  /** Id of the storage backend that takes new objects. */
  readonly backendId: string;
  /** Makes the tables of a scratch database; the composition root passes the migrations. */
  prepareScratch(database: Database): Promise<void>;
  readonly clock?: Clock;
  readonly ids?: Ids;
  readonly limits?: Partial<Limits>;
  /** Whether whole reads are re-digested while they stream. Default true. */
  readonly verifyReads?: boolean;
  /** Reads zstd archives; without it they are `unsupported`. */
  readonly zstd?: Decompressor;
  /** Whether an OCI index may name manifests that are not there. Default true. */
  readonly sparseIndexes?: boolean;
  /** Whether an OCI image or artifact may name blobs that are not there. Default false. */
  readonly sparseImages?: boolean;
  /** How long content that a tag pointed at stays protected after the tag moved on, ms. Default 14 days. */
  readonly historyProtection?: number;
  /** Makes JSON of manifests above 1 MiB; without it this thread does, in turns of 100 ms. */
  readonly projectManifest?: ManifestProjector;
}

/**
 * A registry. Every method takes the caller first; each mutation is one unit of work whose events and views are
 * committed together, and resolves when they are durable. All reject with `RegistryError` only.
 */
export interface Registry {
  /** With an idempotency key, the same call again within a day gives the same answer and makes nothing. */
  createPackage(
    caller: Caller,
    input: CreatePackageInput,
    options?: { readonly idempotencyKey?: string },
  ): Promise<Package>;
  ingestFile(caller: Caller, input: IngestFileInput): Promise<IngestFileResult>;
  replaceFile(caller: Caller, input: IngestFileInput): Promise<IngestFileResult>;
  /** Adds the file or replaces what is there. */
  putFile(caller: Caller, input: IngestFileInput): Promise<IngestFileResult>;
  /** Begins a file whose bytes come over several requests, through `appendUpload`. */
  createUpload(caller: Caller, input: CreateUploadInput): Promise<Upload>;
  appendUpload(caller: Caller, input: AppendUploadInput): Promise<Upload>;
  getUpload(caller: Caller, uploadId: string): Promise<Upload>;
  /** As `getUpload`, after ending a request that is under way: no other one moves the offset any more. */
  resumeUpload(caller: Caller, uploadId: string): Promise<Upload>;
  cancelUpload(caller: Caller, uploadId: string): Promise<void>;
  addDirectory(caller: Caller, input: { packageId: string; path: string }): Promise<PackageEntry>;
  addSymlink(caller: Caller, input: { packageId: string; path: string; target: string }): Promise<PackageEntry>;
  removeFile(caller: Caller, input: { packageId: string; path: string }): Promise<void>;
  /** Adds all entries of a tar, or none. */
  importArchive(caller: Caller, input: ImportArchiveInput): Promise<ArchiveReport>;
  /** An image or artifact of a repository as a finalised package, no blob copied. With a key as `createPackage`. */
  importOci(
    caller: Caller,
    input: ImportOciInput,
    options?: { readonly idempotencyKey?: string },
  ): Promise<ImportedPackage>;
  finalizePackage(caller: Caller, packageId: string): Promise<FinalizedPackage>;
  abandonPackage(caller: Caller, input: { packageId: string; reason: string }): Promise<void>;
  registerMetadataSchema(
    caller: Caller,
    input: { schemaId: string; schema: Readonly<Record<string, unknown>> },
  ): Promise<void>;

  /** `ref` is a package id or `name@version`, here and below. */
  getPackage(caller: Caller, ref: string): Promise<Package>;
  listPackages(caller: Caller, query?: ListPackagesQuery): Promise<PageOf<Package>>;
  listFiles(caller: Caller, ref: string, query?: ListFilesQuery): Promise<PageOf<PackageEntry>>;
  getManifestBytes(caller: Caller, ref: string, form: ManifestForm): Promise<Uint8Array>;
  /** The same, to be passed on piece by piece. */
  getManifest(caller: Caller, ref: string, form: ManifestForm): Promise<ManifestContent>;
  getFile(
    caller: Caller,
    input: { readonly package: string; readonly path: string } & ReadOptions,
  ): Promise<FileContent>;
  /** As `getFile()`, for who has to look at the entry before its bytes. */
  findFile(caller: Caller, input: { package: string; path: string }): Promise<FoundFile>;
  getEntry(caller: Caller, input: { package: string; path: string }): Promise<PackageEntry>;
  /** An entry with these bytes in any package of the caller's tenant, for `openFile`. */
  findObject(caller: Caller, address: string): Promise<FileEntry>;
  /** The bytes of an entry from `listFiles`, `getEntry` or `findObject`, without looking its package up again. */
  openFile(caller: Caller, entry: FileEntry, options?: ReadOptions): Promise<FileContent>;
  /** The whole package as a tar or a zip. */
  exportArchive(caller: Caller, input: ExportArchiveInput): Promise<ArchiveContent>;
  verifyPackage(
    caller: Caller,
    ref: string,
    onProgress?: (done: { objects: number; bytes: number }) => void,
  ): Promise<VerifyReport>;

  /** OCI distribution: repositories of blobs, manifests and tags. */
  readonly oci: OciRegistry;

  /** A page of what the caller may see of the log; payloads up to 64 KiB. */
  readEvents(caller: Caller, query: EventQuery): Promise<EventPage<FeedEvent>>;
  /** Every event, with its payload of any size. */
  tailEvents(caller: Caller, options: TailOptions): AsyncGenerator<FeedEvent, void, void>;
  /** For servers: reads on whenever its consumer is ready. `close()` it. */
  followEvents(caller: Caller, options: FollowOptions): EventFollower;
  getEventPayload(caller: Caller, sequence: number): Promise<Uint8Array<ArrayBuffer>>;
  /** Where the caller's feed ends. */
  feedHead(caller: Caller): Promise<FeedHead>;
  /** Of the whole log, for whoever may read it. */
  head(caller: Caller): Promise<ExpectedHead>;
  verifyEvents(caller: Caller, options?: VerifyLogOptions): Promise<LogVerdict>;
  redactEvent(caller: Caller, input: { sequence: number; reason: string }): Promise<{ erased: boolean }>;

  /** Rebuilds the views in place, under the maintenance lock; `holder` is shown to whoever meets it. */
  replay(caller: Caller, options: ReplayOptions & { holder: string }): Promise<ReplayReport>;
  checkReplay(caller: Caller, options?: ReplayOptions): Promise<ReplayCheck>;
  inspect(caller: Caller, options?: DoctorOptions): Promise<DoctorReport>;
  fix(caller: Caller, options: DoctorOptions & { holder: string }): Promise<FixReport>;

  /** For composition: migrations, seeds and tests commit through it. */
  readonly ledger: Ledger;
  /** Finishes what was handed in, then releases database and storage. */
  close(): Promise<void>;
}

const HISTORY_PROTECTION = 14 * 24 * 60 * 60 * 1000;

export function createRegistry(options: RegistryDeps): Registry {
  const database = options.database as Database<Tables>;
  const { dataPlane, hasher, backendId } = options;
  const clock = options.clock ?? systemClock;
  const ids = options.ids ?? createSystemIds();
  const ledger = createLedger({ database, hasher, clock, ids });
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const deps: PackageDeps = {
    database,
    ledger,
    dataPlane,
    hasher,
    clock,
    ids,
    limits,
    backendId,
    verifyReads: options.verifyReads ?? true,
    ...(options.zstd === undefined ? {} : { zstd: options.zstd }),
    ...(options.projectManifest === undefined ? {} : { projectManifest: options.projectManifest }),
  };

  const uploads = createUploads({ database, dataPlane, clock, ids, maxOpen: limits.maxOpenUploads });
  const uploadDeps = { ...deps, uploads };
  const pulls = createPulls({ database, clock });
  const oci = createOci({
    ...uploadDeps,
    sparseIndexes: options.sparseIndexes ?? true,
    sparseImages: options.sparseImages ?? false,
    historyProtection: options.historyProtection ?? HISTORY_PROTECTION,
    pulls,
    manifestBytes: createManifestBytes(database),
  });

  const useCases: Omit<
    Registry,
    | "ingestFile"
    | "replaceFile"
    | "putFile"
    | "appendUpload"
    | "importArchive"
    | "tailEvents"
    | "followEvents"
    | "oci"
    | "ledger"
    | "close"
  > = {
    createPackage: (caller, input, once) => createPackageOnce(deps, caller, input, once?.idempotencyKey),
    createUpload: (caller, input) => createUpload(uploadDeps, caller, input),
    getUpload: (caller, uploadId) => getUpload(uploadDeps, caller, uploadId),
    resumeUpload: (caller, uploadId) => resumeUpload(uploadDeps, caller, uploadId),
    cancelUpload: (caller, uploadId) => cancelUpload(uploadDeps, caller, uploadId),
    addDirectory: (caller, input) => addDirectory(deps, caller, input),
    addSymlink: (caller, input) => addSymlink(deps, caller, input),
    removeFile: (caller, input) => removeFile(deps, caller, input),
    importOci: (caller, input, once) => importOci(deps, oci, caller, input, once?.idempotencyKey),
    finalizePackage: (caller, packageId) => finalizePackage(deps, caller, packageId),
    abandonPackage: (caller, input) => abandonPackage(deps, caller, input),
    registerMetadataSchema: (caller, input) => registerMetadataSchema(deps, caller, input),
    getPackage: (caller, ref) => getPackage(deps, caller, ref),
    listPackages: (caller, query) => listPackages(deps, caller, query),
    listFiles: (caller, ref, query) => listFiles(deps, caller, ref, query),
    getManifestBytes: (caller, ref, form) => getManifestBytes(deps, caller, ref, form),
    getManifest: (caller, ref, form) => getManifest(deps, caller, ref, form),
    getFile: (caller, input) => getFile(deps, caller, input),
    findFile: (caller, input) => findFile(deps, caller, input),
    getEntry: (caller, input) => getEntry(deps, caller, input),
    findObject: (caller, address) => findObject(deps, caller, address),
    async openFile(caller, entry, read) {
      authorize(caller, "package:read");
      return await openFile(deps, caller, entry, read);
    },
    exportArchive: (caller, input) => exportArchive(deps, caller, input),
    verifyPackage: (caller, ref, onProgress) => verifyPackage(deps, caller, ref, onProgress),

    readEvents: (caller, query) => readEvents(deps, caller, query),
    getEventPayload: (caller, sequence) => getEventPayload(deps, caller, sequence),
    feedHead: (caller) => feedHead(deps, caller),
    async head(caller) {
      authorizeLog(caller);
      return await ledger.head();
    },
    async verifyEvents(caller, verify) {
      authorizeLog(caller);
      return await ledger.verify(verify);
    },
    async redactEvent(caller, { sequence, reason }) {
      authorize(caller, "event:redact");
      return await ledger.redact(caller, sequence, reason);
    },

    async replay(caller, replay) {
      authorize(caller, "registry:maintain");
      const purpose = { holder: replay.holder, purpose: "replay" };
      return await withMaintenanceLock(deps, purpose, () => replayInPlace(database, hasher, replay));
    },
    async checkReplay(caller, check) {
      authorize(caller, "registry:maintain");
      return await checkReplay(database, hasher, options.prepareScratch, check);
    },
    inspect: (caller, inspection) => inspect(deps, caller, inspection),
    fix: (caller, fixing) => fix({ ...deps, expireUploads: () => uploads.expire() }, caller, fixing),
  };
  return {
    ...withCodes(database, useCases),
    // These read a stream of the caller's, whose errors are not the database's: they code their own.
    importArchive: (caller, input) => importArchive(deps, caller, input),
    ingestFile: (caller, input) => ingestFile(deps, caller, input),
    replaceFile: (caller, input) => replaceFile(deps, caller, input),
    putFile: (caller, input) => putFile(deps, caller, input),
    appendUpload: (caller, input) => appendUpload(uploadDeps, caller, input),
    tailEvents: (caller, tail) => tailEvents(deps, caller, tail),
    followEvents: (caller, follow) => followEvents(deps, caller, follow),
    oci,
    ledger,
    async close() {
      await uploads.stop();
      await pulls.close();
      ledger.close();
      await ledger.settled();
      await dataPlane.close();
      await database.close();
    },
  };
}
