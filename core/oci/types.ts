/**
 * What the OCI use cases take and give (OCI distribution-spec, main; "spec" below). Every method takes the caller first
 * and rejects with `RegistryError` only; besides what each names, with `access_denied`, `invalid_name` (of the
 * repository), `database_*` and `storage_*`.
 */
import type { ByteSource } from "../base/stream.ts";
import type { ObjectContent, ReadOptions } from "../content/read.ts";
import type { Algorithm } from "../identity/algorithms.ts";
import type { ContentAddress } from "../identity/content_address.ts";
import type { Caller } from "../spi/authenticator.ts";
import type { AsOf, OciAdministration } from "./administration.ts";
import type { TagRuleUseCases } from "./tag_rule_use_cases.ts";

/** Digests of the two algorithms that the spec registers: `sha256:<hex>` or `sha512:<hex>`. */
export type OciAlgorithm = Exclude<Algorithm, "blake3">;

/** A manifest as it was pushed. */
export interface OciManifest {
  /** In the algorithm under which it was asked for, or which the tag was given (spec, "Pulling manifests"). */
  readonly digest: string;
  /** Exactly the pushed `Content-Type`. */
  readonly media_type: string;
  /** Bytes. */
  readonly size: number;
  readonly bytes: Uint8Array;
}

export interface OciBlob {
  /** The one that was asked for. */
  readonly digest: string;
  readonly size: number;
  readonly content_address: ContentAddress;
  /** False: no good copy of the bytes is known, and `open()` will say so. */
  readonly intact: boolean;
  /** @throws {RegistryError} `object_corrupt` (known to be damaged), `invalid_argument` (range) */
  open(options?: ReadOptions): Promise<BlobContent>;
}

export type BlobContent = ObjectContent;

export interface PushedBlob {
  readonly digest: string;
  readonly size: number;
  readonly content_address: ContentAddress;
}

/** An upload under way. One that has ended, well or badly, is `upload_not_found`. */
export interface BlobUpload {
  readonly upload_id: string;
  readonly repository: string;
  /** Bytes that are durable: the next byte belongs here. Never decreases. */
  readonly offset: number;
  /** Bytes at most. */
  readonly max_size: number;
  /** RFC 3339; without a request until then it ends, and its bytes are freed. */
  readonly expires_at: string;
}

export interface PushedManifest {
  readonly digest: string;
  /** Digest of `subject`, where the manifest has one: the answer then says `OCI-Subject`. */
  readonly subject: string | null;
  /** All tags that point at it through this call, in the order given: the reference, then `tags`. */
  readonly tags: readonly string[];
}

/** An entry of the referrers list (spec, "Listing Referrers"). Keys as on the wire. */
export interface ReferrerDescriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface PushManifestInput {
  readonly repository: string;
  /** A tag, or the digest that the bytes must have. What has a colon is a digest. */
  readonly reference: string;
  /** The `Content-Type`, without parameters; may be absent where the manifest says `mediaType`. */
  readonly mediaType?: string;
  readonly bytes: Uint8Array;
  /** `?tag=`: more tags for it, 100 at most (spec, end-7b). */
  readonly tags?: readonly string[];
}

export interface OciRegistry extends OciAdministration, TagRuleUseCases {
  /**
   * `reference`: a tag or a digest; what has a colon is a digest. `asOf`: what the tag pointed at then. It counts as a
   * pull, unless `peek` is set.
   * @throws {RegistryError} `repository_not_found`, `manifest_not_found`, `invalid_digest`, `invalid_tag`; with `asOf`
   * also `content_removed`, `invalid_argument`
   */
  getManifest(
    caller: Caller,
    input: { repository: string; reference: string; asOf?: AsOf; peek?: boolean },
  ): Promise<OciManifest>;
  /** As `getManifest`, without the bytes; never a pull. */
  findManifest(
    caller: Caller,
    input: { repository: string; reference: string; asOf?: AsOf },
  ): Promise<Omit<OciManifest, "bytes">>;
  /** @throws {RegistryError} `repository_not_found`, `blob_not_found`, `invalid_digest` */
  findBlob(caller: Caller, input: { repository: string; digest: string }): Promise<OciBlob>;
  /**
   * Tags in byte order. `limit` 0..1000, default 1000; `last` need not exist: tags after it. `more`: another page follows.
   * @throws {RegistryError} `repository_not_found`, `invalid_argument`
   */
  listTags(
    caller: Caller,
    input: { repository: string; limit?: number; last?: string },
  ): Promise<{ readonly name: string; readonly tags: readonly string[]; readonly more: boolean }>;
  /** Names of the caller's tenant in byte order, those that begin with `prefix`; pages as `listTags`. */
  listRepositories(
    caller: Caller,
    input?: { limit?: number; last?: string; prefix?: string },
  ): Promise<{ readonly repositories: readonly string[]; readonly more: boolean }>;
  /**
   * Manifests whose `subject` is `digest`, and those of the index tagged `<algorithm>-<64 hex>`, in byte order of their
   * digests. Empty for what does not exist, a repository included. `artifactType` filters before paging. `limit` 1..1000,
   * default 1000; a page also ends before its JSON passes 4 MiB. `next` is the next page's `after`.
   * @throws {RegistryError} `invalid_digest`, `invalid_argument`
   */
  listReferrers(
    caller: Caller,
    input: { repository: string; digest: string; artifactType?: string; limit?: number; after?: string },
  ): Promise<{ readonly descriptors: readonly ReferrerDescriptor[]; readonly next?: string }>;

  /**
   * Begins an upload; the repository need not exist, and does not because of it. `algorithm` (`?digest-algorithm=`) saves
   * a pass over the bytes; every supported one works without it. `length`: bytes of the whole, where known.
   * @throws {RegistryError} `invalid_digest` (unsupported algorithm), `too_many_uploads`, `limit_exceeded`
   */
  startUpload(caller: Caller, input: { repository: string; algorithm?: string; length?: number }): Promise<BlobUpload>;
  /** Ends a request that is under way on it, so that `offset` is the last word. @throws {RegistryError} `upload_not_found` */
  getUpload(caller: Caller, input: { repository: string; uploadId: string }): Promise<BlobUpload>;
  /**
   * Appends. Without `offset` it goes on where it is (streamed PATCH). `length`: bytes of this request; `size_mismatch` if
   * others come. What arrived before a failure counts.
   * @throws {RegistryError} `upload_not_found`, `upload_offset_mismatch` (`data.offset` is the true one; nothing changed),
   * `upload_superseded` (a newer request took over), `size_mismatch`, `limit_exceeded`, what the source throws
   */
  appendUpload(
    caller: Caller,
    input: { repository: string; uploadId: string; offset?: number; source: ByteSource; length?: number },
  ): Promise<BlobUpload>;
  /**
   * Appends `source`, if any, and links the blob. Asked again with the same digest it answers the same for a day.
   * Wrong content (`digest_mismatch`) ends the upload; a malformed digest or a wrong offset leaves it as it is.
   * @throws {RegistryError} `invalid_digest`, `digest_mismatch`, as `appendUpload`
   */
  completeUpload(
    caller: Caller,
    input: {
      repository: string;
      uploadId: string;
      digest: string;
      offset?: number;
      source?: ByteSource;
      length?: number;
    },
  ): Promise<PushedBlob>;
  /** Frees its bytes. @throws {RegistryError} `upload_not_found` */
  cancelUpload(caller: Caller, input: { repository: string; uploadId: string }): Promise<void>;
  /** A whole blob in one request. @throws {RegistryError} `invalid_digest`, `digest_mismatch`, `size_mismatch`, `limit_exceeded` */
  pushBlob(
    caller: Caller,
    input: { repository: string; digest: string; source: ByteSource; length?: number },
  ): Promise<PushedBlob>;
  /**
   * Links a blob of repository `from`, or without it of any repository of the tenant. `undefined` where there is none to
   * link, or no good copy of it: the caller then uploads. @throws {RegistryError} `invalid_digest`
   */
  mountBlob(
    caller: Caller,
    input: { repository: string; digest: string; from?: string },
  ): Promise<PushedBlob | undefined>;
  /**
   * @throws {RegistryError} `invalid_digest`, `digest_mismatch`, `invalid_tag`, `invalid_manifest`, `manifest_blob_unknown`
   * (`data.missing`: up to 100 digests), `limit_exceeded` (`data.limit` of bytes: 4 MiB; `data.tags`: too many tags),
   * `tag_immutable` (one of the tags may not move here; nothing is stored)
   */
  pushManifest(caller: Caller, input: PushManifestInput): Promise<PushedManifest>;

  /** The manifest stays. @throws {RegistryError} `repository_not_found`, `manifest_not_found`, `invalid_tag`, `tag_immutable` */
  deleteTag(caller: Caller, input: { repository: string; tag: string }): Promise<void>;
  /**
   * And every tag that points at it.
   * @throws {RegistryError} `repository_not_found`, `manifest_not_found`, `invalid_digest`, `tag_immutable`
   */
  deleteManifest(caller: Caller, input: { repository: string; digest: string }): Promise<{ tags: readonly string[] }>;
  /**
   * Unlinks it here, under all its digests. Manifests that name it stay, and a new push links it again.
   * @throws {RegistryError} `repository_not_found`, `blob_not_found`, `invalid_digest`
   */
  deleteBlob(caller: Caller, input: { repository: string; digest: string }): Promise<void>;
}
