/**
 * Manifest v1: what a finalised package is. Every field is always present, `null` where there is nothing to say; names
 * are the stored ones. Type aliases, not interfaces, so that a manifest is a CBOR map to the compiler too.
 */
import type { CborMap } from "../base/cbor.ts";
import type { Algorithm } from "../identity/algorithms.ts";
import type { ContentAddress } from "../identity/content_address.ts";

export const MANIFEST_VERSION = 1;

export type ManifestRetentionMode = "none" | "governance" | "compliance";

/** A link from the package to another system: an issue, a build, a release. */
export type ManifestExternalRef = { readonly system: string; readonly id: string; readonly url: string | null };

export type ManifestPackage = {
  readonly package_id: string;
  readonly tenant: string;
  readonly name: string;
  readonly version: string | null;
  /** RFC 3339, UTC, milliseconds; so are all times here. */
  readonly created_at: string;
  readonly retention_class: string;
  readonly metadata: CborMap;
  /** Id of the JSON Schema that `metadata` was checked with. */
  readonly metadata_schema: string | null;
  /** In the order in which they were given. */
  readonly external_refs: readonly ManifestExternalRef[];
};

export type ManifestFile = {
  readonly kind: "file";
  readonly path: string;
  readonly content_address: ContentAddress;
  /** Bytes. */
  readonly size: number;
  /** Hex by algorithm, without the primary one, which `content_address` holds. */
  readonly digests: Readonly<Partial<Record<Algorithm, string>>> & { readonly sha256: string };
  readonly executable: boolean;
  readonly media_type: string | null;
};

/** A directory that was added as such, empty or not. Those that only lie on the way to other entries are not listed. */
export type ManifestDirectory = { readonly kind: "directory"; readonly path: string };

export type ManifestSymlink = { readonly kind: "symlink"; readonly path: string; readonly target: string };

export type ManifestEntry = ManifestFile | ManifestDirectory | ManifestSymlink;

/** That a backend has taken an object into its care. Where exactly it keeps it is not the manifest's business. */
export type StorageReceipt = {
  readonly backend_id: string;
  readonly content_address: ContentAddress;
  /** Bytes. */
  readonly size: number;
  readonly stored_at: string;
};

export type Manifest = {
  readonly manifest_version: typeof MANIFEST_VERSION;
  readonly package: ManifestPackage;
  /** By the UTF-8 bytes of `path`, each path once. */
  readonly files: readonly ManifestEntry[];
  /** By `content_address`, then `backend_id`, each pair once. */
  readonly storage_receipts: readonly StorageReceipt[];
  /** As at finalisation: extensions and holds come later and are not part of the package. */
  readonly retention_summary: {
    readonly retention_class: string;
    readonly mode: ManifestRetentionMode;
    /** `null`: never. */
    readonly expires_at: string | null;
  };
  readonly provenance: {
    readonly created_by: string;
    readonly finalized_by: string;
    readonly finalized_at: string;
  };
};
