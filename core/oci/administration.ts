/** What tags were, and what administration asks for: the types of those use cases (`types.ts` has the others). */
import type { EventType } from "../events/types.ts";
import type { Caller } from "../spi/authenticator.ts";

/**
 * A point in the history of the log, for `asOf`: a sequence, which means after that event; or an RFC 3339 time, which means
 * before the first event that is later. Sequences are those of the caller's feed.
 */
export type AsOf = number | string;

/** What happened to a tag: one event. */
export interface TagHistoryEntry {
  /** In the caller's feed. */
  readonly sequence: number;
  readonly occurred_at: string;
  readonly actor: string;
  readonly event: EventType;
  /** What the tag pointed at from then on; `null`: nothing. */
  readonly digest: string | null;
  /** Sequence of the entry that was restored by this one. */
  readonly restored_from: number | null;
  /**
   * `current`: it points there now. `kept`: it does not, and can be restored. `removed`: what it pointed at is gone.
   * `absent`: it pointed at nothing.
   */
  readonly state: "current" | "kept" | "removed" | "absent";
  /** Of `removed`: the event that took the content away. */
  readonly removed: { readonly sequence: number; readonly occurred_at: string } | null;
  /** Of `kept`: until then nothing but a request of its own takes the content away. RFC 3339. */
  readonly protected_until: string | null;
}

export interface RestoredTag {
  readonly repository: string;
  readonly tag: string;
  readonly digest: string;
  /** What it pointed at before this call. */
  readonly previous: string | null;
  /** Sequence of the entry. */
  readonly restored_from: number;
  /** False: it pointed there already, and nothing happened. */
  readonly moved: boolean;
}

export interface RepositorySummary {
  readonly repository_id: string;
  readonly name: string;
  readonly created_at: string;
  readonly created_by: string;
}

export interface RepositoryDetails extends RepositorySummary {
  readonly tags: number;
  readonly manifests: number;
  /** Each once, whatever its digests. */
  readonly blobs: number;
  /** Of blobs and manifests. The store may hold less: equal bytes lie there once. */
  readonly bytes: number;
  /** When the newest of all that is there came, or moved; `null` where nothing is. */
  readonly last_push: string | null;
  /** Beginning of the hour; `null`: not since `pull_tracking_since`. */
  readonly last_pull: string | null;
  readonly pull_tracking_since: string;
}

export interface DeletedRepository {
  readonly repository_id: string;
  readonly name: string;
  readonly tags: number;
  readonly manifests: number;
  readonly blobs: number;
  /** False for a dry run. */
  readonly deleted: boolean;
}

/** All take the tenant from the caller, and reject besides with `access_denied`, `invalid_name`, `database_*`. */
export interface OciAdministration {
  /**
   * Newest first, over all repositories that had the name. `limit` 1..1000, default 100.
   * @throws {RegistryError} `repository_not_found`, `manifest_not_found` (it never had this tag), `invalid_tag`,
   * `invalid_argument` (limit, cursor)
   */
  tagHistory(
    caller: Caller,
    input: { repository: string; tag: string; limit?: number; cursor?: string },
  ): Promise<{ readonly items: readonly TagHistoryEntry[]; readonly cursor?: string }>;
  /**
   * Points the tag where it pointed as of then, if that is still there.
   * @throws {RegistryError} `repository_not_found`, `manifest_not_found` (it pointed at nothing), `content_removed`
   * (`data`: digest, sequence and occurred_at of the removing event), `manifest_blob_unknown`, `invalid_tag`,
   * `invalid_argument` (not a point, or one to come)
   */
  restoreTag(caller: Caller, input: { repository: string; tag: string; asOf: AsOf }): Promise<RestoredTag>;
  /**
   * In byte order of names, those that begin with `prefix`. `limit` 1..1000, default 100.
   * @throws {RegistryError} `invalid_argument`
   */
  browseRepositories(
    caller: Caller,
    input?: { prefix?: string; limit?: number; cursor?: string },
  ): Promise<{ readonly items: readonly RepositorySummary[]; readonly cursor?: string }>;
  /** @throws {RegistryError} `repository_not_found` */
  showRepository(caller: Caller, input: { repository: string }): Promise<RepositoryDetails>;
  /**
   * Takes everything in it away; the histories of its tags stay. A dry run says what would go.
   * @throws {RegistryError} `repository_not_found`, `invalid_argument` (no reason)
   */
  deleteRepository(
    caller: Caller,
    input: { repository: string; reason: string; dryRun?: false } | { repository: string; dryRun: true },
  ): Promise<DeletedRepository>;
}
