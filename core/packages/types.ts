/** What the package use cases take and give. */

import type { Clock, Ids } from "../base/clock.ts";
import type { ExternalRef, JsonMap, RetentionMode } from "../events/types.ts";
import type { Hasher } from "../identity/hasher.ts";
import type { Ledger } from "../ledger/mod.ts";
import type { DataPlane } from "../spi/data_plane.ts";
import type { Database } from "../spi/database.ts";
import type { ManifestProjector } from "../spi/manifest_projector.ts";
import type { Decompressor } from "../spi/runtime.ts";
import type { Tables } from "../views/tables.ts";

/** Upper bounds on what a caller may send. */
export interface Limits {
  /** Bytes of one object. */
  readonly maxObjectBytes: number;
  /** Entries of one package; counted when it is finalised. */
  readonly maxFilesPerPackage: number;
  /** Bytes of one manifest, as CBOR; counted when the package is finalised. */
  readonly maxManifestBytes: number;
  /** Bytes of a package's metadata, or of a metadata schema, as canonical JSON. */
  readonly maxMetadataBytes: number;
  readonly maxExternalRefs: number;
  /** Names in one archive, directories on the way to them counted. They become one unit of work, so others wait for it. */
  readonly maxArchiveEntries: number;
  /** Bytes of one archive, uncompressed. */
  readonly maxArchiveBytes: number;
  /** How many times its compressed size an archive may have. */
  readonly maxArchiveRatio: number;
  /** Uploads that one principal may have open. */
  readonly maxOpenUploads: number;
}

export const DEFAULT_LIMITS: Limits = Object.freeze({
  maxObjectBytes: 1024 ** 4,
  maxFilesPerPackage: 1_000_000,
  maxManifestBytes: 256 * 1024 ** 2,
  maxMetadataBytes: 1024 * 1024,
  maxExternalRefs: 100,
  maxArchiveEntries: 12_000,
  maxArchiveBytes: 1024 ** 4,
  maxArchiveRatio: 200,
  maxOpenUploads: 100,
});

/** Everything a use case works with. */
export interface PackageDeps {
  readonly database: Database<Tables>;
  readonly ledger: Ledger;
  readonly dataPlane: DataPlane;
  readonly hasher: Hasher;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly limits: Limits;
  /** The backend that takes new objects. */
  readonly backendId: string;
  /** Whether whole reads are re-digested unless the caller says. */
  readonly verifyReads: boolean;
  /** Reads zstd, where the runtime can. */
  readonly zstd?: Decompressor;
  /** Makes JSON of large manifests elsewhere. */
  readonly projectManifest?: ManifestProjector;
}

export interface Package {
  readonly package_id: string;
  readonly tenant: string;
  readonly name: string;
  readonly version: string | null;
  readonly state: "open" | "finalized" | "abandoned";
  readonly retention_class: string;
  readonly retention_mode: RetentionMode;
  readonly expires_at: string | null;
  readonly metadata: JsonMap;
  readonly metadata_schema: string | null;
  readonly external_refs: readonly ExternalRef[];
  readonly created_at: string;
  readonly created_by: string;
  readonly finalized_at: string | null;
  readonly finalized_by: string | null;
  /** `blake3:<hex>` of the canonical CBOR manifest. */
  readonly manifest_digest: string | null;
  /** Known once finalised. */
  readonly file_count: number | null;
  readonly total_bytes: number | null;
}

/** Nothing is wrong with the package, but somebody may want to know before it is closed or used. */
export interface PackageWarning {
  readonly code: "case_clash";
  readonly message: string;
  /** Sets of paths concerned. */
  readonly count: number;
  /** Some of these sets, and some paths of each. */
  readonly examples: readonly (readonly string[])[];
}

export interface FinalizedPackage extends Package {
  readonly warnings: readonly PackageWarning[];
}
