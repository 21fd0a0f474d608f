// @ts-nocheck
// Generated from docs/api/openapi.json. Do not edit; renew it: node scripts/generate_sdk.ts

export type ClientOptions = {
    baseUrl: `${string}://${string}` | (string & {});
};

export type Health = {
    status: 'ok' | 'degraded';
    version: string;
    commit: string;
    registry: {
        ok: boolean;
        /**
         * The end of the event log; worth keeping elsewhere
         */
        head: {
            sequence: number;
            hash: string;
        } | null;
    };
    database: {
        ok: boolean;
        kind: string;
        version: string;
        /**
         * As read back from the database
         */
        synchronous: string;
        journal_mode?: string;
        free_bytes?: number;
        /**
         * Why not, for people
         */
        detail?: string;
    };
    storage: Array<{
        backend_id: string;
        kind: string;
        ok: boolean;
        writable: boolean;
        free_bytes?: number;
        total_bytes?: number;
        /**
         * Why not, for people
         */
        detail?: string;
    }>;
    hasher: {
        kernel: string;
        name: string;
    };
    runtime: {
        name: 'bun' | 'deno' | 'node';
        version: string;
    };
};

export type Problem = {
    /**
     * Names the code; not meant to be fetched
     */
    type: string;
    title: string;
    status: number;
    /**
     * Stable; decide by it
     */
    code: string;
    /**
     * For people; says what to do
     */
    detail?: string;
    /**
     * Below `/v1/` only: the detail, or else the title, once more
     */
    error?: string;
    /**
     * Facts that belong to the code
     */
    data?: {
        [key: string]: unknown;
    };
    /**
     * As in X-Request-Id and in the server's log
     */
    request_id: string;
};

export type Ready = {
    status: 'ready' | 'degraded' | 'stopping';
};

export type Package = {
    package_id: string;
    tenant: string;
    name: string;
    version: string | null;
    state: 'open' | 'finalized' | 'abandoned';
    retention_class: string;
    retention_mode: 'none' | 'governance' | 'compliance';
    expires_at: string | null;
    metadata: {
        [key: string]: unknown;
    };
    metadata_schema: string | null;
    external_refs: Array<ExternalRef>;
    created_at: string;
    /**
     * Opaque id of a principal
     */
    created_by: string;
    finalized_at: string | null;
    /**
     * Opaque id of a principal
     */
    finalized_by: string | null;
    manifest_digest: string | null;
    /**
     * Known once finalised
     */
    file_count: number | null;
    /**
     * Known once finalised
     */
    total_bytes: number | null;
};

export type ExternalRef = {
    system: string;
    id: string;
    url: string | null;
};

export type NewPackage = {
    /**
     * OCI repository grammar, 200 bytes at most; many packages may share a name
     */
    name: string;
    /**
     * OCI tag grammar; taken for good once a package with it is finalised
     */
    version?: string;
    /**
     * Name of a retention class
     */
    retention_class: string;
    metadata?: {
        [key: string]: unknown;
    };
    /**
     * Id of a registered JSON Schema that the metadata must satisfy
     */
    metadata_schema?: string;
    external_refs?: Array<{
        system: string;
        id: string;
        /**
         * http or https
         */
        url?: string | null;
    }>;
};

export type PackagePage = {
    items: Array<Package>;
    /**
     * Null on the last page. A page may be short, or empty, while there are more
     */
    next_cursor: string | null;
};

export type FinalizedPackage = {
    package_id: string;
    tenant: string;
    name: string;
    version: string | null;
    state: 'open' | 'finalized' | 'abandoned';
    retention_class: string;
    retention_mode: 'none' | 'governance' | 'compliance';
    expires_at: string | null;
    metadata: {
        [key: string]: unknown;
    };
    metadata_schema: string | null;
    external_refs: Array<ExternalRef>;
    created_at: string;
    /**
     * Opaque id of a principal
     */
    created_by: string;
    finalized_at: string | null;
    /**
     * Opaque id of a principal
     */
    finalized_by: string | null;
    manifest_digest: string | null;
    /**
     * Known once finalised
     */
    file_count: number | null;
    /**
     * Known once finalised
     */
    total_bytes: number | null;
    /**
     * What is allowed and yet worth knowing; empty most of the time
     */
    warnings: Array<PackageWarning>;
};

export type PackageWarning = {
    /**
     * `case_clash`: paths that differ only in case, of which some file systems hold only one
     */
    code: 'case_clash';
    message: string;
    /**
     * Sets of paths concerned
     */
    count: number;
    /**
     * Some of these sets, and some paths of each
     */
    examples: Array<Array<string>>;
};

export type Abandon = {
    /**
     * Kept in the log
     */
    reason: string;
};

export type VerifyReport = {
    ok: boolean;
    package_id: string;
    /**
     * Distinct objects that were digested again
     */
    objects: number;
    bytes: number;
    /**
     * Null for a package without a manifest
     */
    manifest_ok: boolean | null;
    damaged: Array<{
        content_address: string;
        problem: 'missing' | 'size' | 'digest' | 'unreadable';
        paths: Array<string>;
    }>;
};

export type ImportedPackage = {
    package_id: string;
    tenant: string;
    name: string;
    version: string | null;
    state: 'open' | 'finalized' | 'abandoned';
    retention_class: string;
    retention_mode: 'none' | 'governance' | 'compliance';
    expires_at: string | null;
    metadata: {
        [key: string]: unknown;
    };
    metadata_schema: string | null;
    external_refs: Array<ExternalRef>;
    created_at: string;
    /**
     * Opaque id of a principal
     */
    created_by: string;
    finalized_at: string | null;
    /**
     * Opaque id of a principal
     */
    finalized_by: string | null;
    manifest_digest: string | null;
    /**
     * Known once finalised
     */
    file_count: number | null;
    /**
     * Known once finalised
     */
    total_bytes: number | null;
    /**
     * What is allowed and yet worth knowing; empty most of the time
     */
    warnings: Array<PackageWarning>;
    import: OciImport;
};

export type OciImport = {
    repository: string;
    reference: string;
    /**
     * Of the manifest that was named
     */
    digest: string;
    media_type: string;
    /**
     * Manifests and indexes
     */
    manifests: number;
    /**
     * Configurations and layers
     */
    blobs: number;
    /**
     * Manifests that refer to one of these
     */
    referrers: number;
    /**
     * All files of the layout
     */
    files: number;
    /**
     * All bytes of them
     */
    bytes: number;
    /**
     * Files whose bytes were in the store before, as those of every blob are
     */
    deduplicated_files: number;
    /**
     * Bytes of these
     */
    deduplicated_bytes: number;
    /**
     * What manifests name and the repository does not have: up to 100 digests
     */
    missing: Array<string>;
    /**
     * All of them
     */
    missing_count: number;
    /**
     * Layers that may not be distributed, and are not in the repository
     */
    foreign_count: number;
};

export type NewOciImport = {
    /**
     * Name of a repository of `/v2/`
     */
    repository: string;
    /**
     * A tag, or a digest
     */
    reference: string;
    /**
     * Whatever refers to it, or to a manifest that it reaches, comes along: signatures, SBOMs
     */
    referrers?: boolean;
    /**
     * Go on where manifests name what the repository does not have
     */
    allow_missing?: boolean;
    /**
     * OCI repository grammar, 200 bytes at most; many packages may share a name
     */
    name: string;
    /**
     * OCI tag grammar; taken for good once a package with it is finalised
     */
    version?: string;
    /**
     * Name of a retention class
     */
    retention_class: string;
    metadata?: {
        [key: string]: unknown;
    };
    /**
     * Id of a registered JSON Schema that the metadata must satisfy
     */
    metadata_schema?: string;
    external_refs?: Array<{
        system: string;
        id: string;
        /**
         * http or https
         */
        url?: string | null;
    }>;
};

export type EntryPage = {
    items: Array<Entry>;
    /**
     * Null on the last page
     */
    next_cursor: string | null;
};

export type Entry = ({
    kind: 'file';
} & FileEntry) | ({
    kind: 'directory';
} & DirectoryEntry) | ({
    kind: 'symlink';
} & SymlinkEntry);

export type FileEntry = {
    kind: 'file';
    path: string;
    content_address: string;
    /**
     * Bytes
     */
    size: number;
    digests: {
        /**
         * Hex
         */
        sha256: string;
        /**
         * Hex; where it was asked for
         */
        sha512?: string;
    };
    executable: boolean;
    media_type: string | null;
};

export type DirectoryEntry = {
    kind: 'directory';
    path: string;
};

export type SymlinkEntry = {
    kind: 'symlink';
    path: string;
    target: string;
};

export type ArchiveReport = {
    package_id: string;
    /**
     * Entries that are new
     */
    added: number;
    /**
     * Bytes of the added files
     */
    bytes: number;
    /**
     * In the order in which the archive names them
     */
    entries: Array<ArchiveOutcome>;
};

export type ArchiveOutcome = {
    path: string;
    kind: 'file' | 'directory' | 'symlink';
    /**
     * `added`: it is an entry now. `kept`: a directory that was an entry before. `implied`: a directory that something lies in; only empty ones are entries
     */
    outcome: 'added' | 'kept' | 'implied';
    /**
     * Of files. Bytes
     */
    size?: number;
    /**
     * Of files
     */
    content_address?: string;
};

export type Manifest = {
    manifest_version: number;
    [key: string]: unknown;
};

export type Upload = {
    upload_id: string;
    package_id: string;
    path: string;
    /**
     * Bytes that are durable; never decreases
     */
    offset: number;
    /**
     * Bytes of the whole, once they are known
     */
    length: number | null;
    /**
     * Bytes at most
     */
    max_size: number;
    /**
     * There is a final answer: `entry` or `refusal`
     */
    complete: boolean;
    /**
     * The entry of the package
     */
    entry: FileEntry | null;
    /**
     * A stored copy of these bytes was kept
     */
    deduplicated: boolean | null;
    /**
     * An entry of this path was there before
     */
    replaced: boolean | null;
    /**
     * Why the file could not enter its package
     */
    refusal: {
        code: string;
        detail: string;
        data: {
            [key: string]: unknown;
        };
    } | null;
    created_at: string;
    /**
     * Without a request until then it ends; each moves it
     */
    expires_at: string;
};

export type DoctorReport = {
    /**
     * Nothing is missing or wrong; leftovers do not count
     */
    healthy: boolean;
    /**
     * Unfinished uploads that nobody will finish
     */
    staged: Array<{
        /**
         * Storage backend
         */
        backend_id: string;
        /**
         * In the backend
         */
        key: string;
        /**
         * Bytes
         */
        size: number;
        resumable?: true;
    }>;
    /**
     * Databases of a `replay --check` that never ended
     */
    scratch: Array<string>;
    /**
     * Stored bytes that no name points at
     */
    orphans: Array<{
        /**
         * Storage backend
         */
        backend_id: string;
        /**
         * In the backend
         */
        key: string;
        /**
         * Bytes
         */
        size: number;
        address?: string;
        generation?: number;
    }>;
    /**
     * Recorded bytes that are not there, or have another length
     */
    missing: Array<{
        /**
         * Storage backend
         */
        backend_id: string;
        /**
         * In the backend
         */
        key: string;
        content_address: string;
        problem: 'missing' | 'size';
    }>;
    /**
     * Content addresses of what was found damaged
     */
    quarantined: Array<string>;
    /**
     * Views that need `artifactstore replay`
     */
    stale_views: Array<string>;
    /**
     * For information
     */
    open_packages: number;
};

export type FixReport = {
    report: DoctorReport;
    removed_staged: number;
    removed_orphans: number;
    removed_scratch: number;
    freed_bytes: number;
};

export type EventHead = {
    /**
     * Of the newest event; 0 when there is none
     */
    sequence: number;
    /**
     * Of the newest event. Null where the feed is not the log
     */
    hash: string | null;
};

export type EventPage = {
    events: Array<Event>;
    /**
     * `since` of the next page. It moves on also where no event matched
     */
    last_sequence: number;
    /**
     * Events that follow this page; 0 exactly when there are none yet. With `type` or `subject` a lower bound, 1000 at most. A page may be short, or empty, while there are more
     */
    pending: number;
};

export type Event = {
    /**
     * 1, 2, 3 ... without gaps: the position in this feed
     */
    sequence: number;
    event_id: string;
    /**
     * What happened. New types come; a client passes over what it does not know
     */
    type: string;
    tenant: string;
    /**
     * 1, 2, 3 ... without gaps inside the tenant
     */
    tenant_sequence: number;
    /**
     * Opaque id of what it happened to
     */
    subject: string;
    /**
     * Opaque id of a principal
     */
    actor: string;
    occurred_at: string;
    /**
     * BLAKE3 of the canonical CBOR of [salt, context, payload], three byte strings
     */
    commitment: string;
    /**
     * `hash` of the event before; 64 zeros for the first. Null where the feed is not the log
     */
    prev_hash: string | null;
    /**
     * BLAKE3 of the canonical CBOR of [sequence, event_id, type, tenant, subject, actor, occurred_at, commitment, prev_hash]
     */
    hash: string | null;
    /**
     * Null once the payload is erased
     */
    salt: string | null;
    /**
     * What is known of the call. Null once the payload is erased
     */
    context: {
        [key: string]: string;
    } | null;
    /**
     * By type. Null when it is larger than 64 KiB (see payload_url) or erased
     */
    payload: {
        [key: string]: unknown;
    } | null;
    /**
     * Bytes as CBOR; null once erased
     */
    payload_size: number | null;
    /**
     * Where a payload is that is larger than 64 KiB, relative to this server
     */
    payload_url: string | null;
};

export type RepositoryPage = {
    items: Array<RepositorySummary>;
    /**
     * Null on the last page
     */
    next_cursor: string | null;
};

export type RepositorySummary = {
    /**
     * Subject of its events
     */
    repository_id: string;
    name: string;
    created_at: string;
    /**
     * Opaque id of a principal
     */
    created_by: string;
};

export type Repository = {
    /**
     * Subject of its events
     */
    repository_id: string;
    name: string;
    created_at: string;
    /**
     * Opaque id of a principal
     */
    created_by: string;
    tags: number;
    manifests: number;
    /**
     * Each once, whatever its digests
     */
    blobs: number;
    /**
     * Of blobs and manifests. The store may hold less: equal bytes lie there once
     */
    bytes: number;
    /**
     * When the newest of all that is there came, or moved
     */
    last_push: string | null;
    /**
     * The hour of the last pull of a manifest, a minute late; null: none since `pull_tracking_since`
     */
    last_pull: string | null;
    pull_tracking_since: string;
};

export type DeletedRepository = {
    repository_id: string;
    name: string;
    tags: number;
    manifests: number;
    /**
     * Each once, whatever its digests
     */
    blobs: number;
    /**
     * False for a dry run
     */
    deleted: boolean;
};

export type TagHistoryPage = {
    items: Array<TagHistoryEntry>;
    /**
     * Null on the last page
     */
    next_cursor: string | null;
};

export type TagHistoryEntry = {
    /**
     * Of the event, in the caller's feed
     */
    sequence: number;
    occurred_at: string;
    actor: string;
    /**
     * Its type: `v1.oci.tag_moved`, `v1.oci.tag_deleted`, `v1.oci.manifest_deleted` or `v1.oci.repository_deleted`
     */
    event: string;
    /**
     * What the tag pointed at from then on; null: nothing
     */
    digest: string | null;
    /**
     * Of the entry that was restored by this one
     */
    restored_from: number | null;
    /**
     * `current`: it points there now. `kept`: it does not, and can be restored. `removed`: what it pointed at is gone. `absent`: it pointed at nothing
     */
    state: 'current' | 'kept' | 'removed' | 'absent';
    /**
     * Of `removed`
     */
    removed: {
        /**
         * Of the event that took the content away
         */
        sequence: number;
        occurred_at: string;
    } | null;
    /**
     * Of `kept`: until then nothing but a request of its own takes the content away
     */
    protected_until: string | null;
};

export type RestoredTag = {
    repository: string;
    tag: string;
    digest: string;
    /**
     * What it pointed at before
     */
    previous: string | null;
    /**
     * Of the entry
     */
    restored_from: number;
    /**
     * False: it pointed there already
     */
    moved: boolean;
};

export type RestoreTag = {
    /**
     * The sequence of an entry of the history, or of any event: after it. Or a time (RFC 3339): before the tag's first event that is later. Not one that is still to come
     */
    as_of: number | string;
};

export type TagRules = {
    /**
     * How often they were set; 0: never
     */
    revision: number;
    /**
     * Tags that match both patterns of a rule are immutable; the first such rule is the one that is named
     */
    rules: Array<TagRule>;
    /**
     * Why they were set, the last time
     */
    reason: string | null;
    set_at: string | null;
    /**
     * Opaque id of a principal
     */
    set_by: string | null;
};

export type TagRule = {
    /**
     * Pattern over whole names of repositories: `*` any characters but `/`, `?` one of them, `[a-z]` and `[^a-z]` one of these or another, `\` before what is meant as it is. 512 bytes at most
     */
    repositories: string;
    /**
     * Pattern over whole tags
     */
    tags: string;
};

export type SetTagRules = {
    /**
     * Tags that match both patterns of a rule are immutable; the first such rule is the one that is named
     */
    rules: Array<TagRule>;
    /**
     * Kept in the log
     */
    reason: string;
    /**
     * The `revision` that was read: with another one by now nothing is set. Without it the last one wins
     */
    expected?: number;
};

export type TagRulesPreview = {
    /**
     * How often they were set; 0: never
     */
    revision: number;
    /**
     * Tags that there are
     */
    tags: number;
    /**
     * Those that are immutable today
     */
    immutable: number;
    /**
     * Tags that are free today
     */
    becoming_immutable: {
        count: number;
        /**
         * The first 20, in byte order
         */
        examples: Array<{
            repository: string;
            tag: string;
            /**
             * Which one, from 1, makes it immutable, or did
             */
            rule: number;
        }>;
    };
    /**
     * Tags that are immutable today
     */
    becoming_free: {
        count: number;
        /**
         * The first 20, in byte order
         */
        examples: Array<{
            repository: string;
            tag: string;
            /**
             * Which one, from 1, makes it immutable, or did
             */
            rule: number;
        }>;
    };
};

export type PreviewTagRules = {
    /**
     * Tags that match both patterns of a rule are immutable; the first such rule is the one that is named
     */
    rules: Array<TagRule>;
};

export type GetHealthData = {
    body?: never;
    path?: never;
    query?: never;
    url: '/health';
};

export type GetHealthErrors = {
    /**
     * The request is not well-formed
     */
    400: Problem;
    /**
     * The caller may not do this
     */
    403: Problem;
    /**
     * The request took too long to arrive
     */
    408: Problem;
    /**
     * The URL is too long
     */
    414: Problem;
    /**
     * This server does not answer to that Host
     */
    421: Problem;
    /**
     * Too many requests at once; try again in a moment
     */
    429: Problem;
    /**
     * The headers are too large or too many
     */
    431: Problem;
    /**
     * This server failed; its log has the request id
     */
    500: Problem;
    /**
     * Something does not; the body says what
     */
    503: Health;
    /**
     * The storage or the database is full
     */
    507: Problem;
};

export type GetHealthError = GetHealthErrors[keyof GetHealthErrors];

export type GetHealthResponses = {
    /**
     * Everything works
     */
    200: Health;
};

export type GetHealthResponse = GetHealthResponses[keyof GetHealthResponses];

export type GetReadyData = {
    body?: never;
    path?: never;
    query?: never;
    url: '/ready';
};

export type GetReadyErrors = {
    /**
     * The request is not well-formed
     */
    400: Problem;
    /**
     * The caller may not do this
     */
    403: Problem;
    /**
     * The request took too long to arrive
     */
    408: Problem;
    /**
     * The URL is too long
     */
    414: Problem;
    /**
     * This server does not answer to that Host
     */
    421: Problem;
    /**
     * Too many requests at once; try again in a moment
     */
    429: Problem;
    /**
     * The headers are too large or too many
     */
    431: Problem;
    /**
     * This server failed; its log has the request id
     */
    500: Problem;
    /**
     * Not now
     */
    503: Ready;
    /**
     * The storage or the database is full
     */
    507: Problem;
};

export type GetReadyError = GetReadyErrors[keyof GetReadyErrors];

export type GetReadyResponses = {
    /**
     * Yes
     */
    200: Ready;
};

export type GetReadyResponse = GetReadyResponses[keyof GetReadyResponses];

export type ListPackagesData = {
    body?: never;
    path?: never;
    query?: {
        /**
         * Exact name
         */
        name?: string;
        /**
         * Names that begin so
         */
        name_prefix?: string;
        state?: 'open' | 'finalized' | 'abandoned';
        /**
         * Name of a retention class
         */
        retention_class?: string;
        /**
         * Packages with a reference to this system
         */
        external_system?: string;
        /**
         * With `external_system`: to this thing in it
         */
        external_id?: string;
        /**
         * Created then or later (RFC 3339)
         */
        created_after?: string;
        /**
         * Created before then (RFC 3339)
         */
        created_before?: string;
        /**
         * `key=value`, up to the first `=`: a top-level key of the metadata whose value is this text, or a number, boolean or null that is written so. Repeat it for several; all must match
         */
        metadata?: Array<string>;
        /**
         * Items on the page at most
         */
        limit?: number;
        /**
         * `next_cursor` of the page before, unchanged
         */
        cursor?: string;
    };
    url: '/packages';
};

export type ListPackagesErrors = {
    /**
     * The request is not well-formed
     */
    400: Problem;
    /**
     * The caller may not do this
     */
    403: Problem;
    /**
     * The request took too long to arrive
     */
    408: Problem;
    /**
     * The URL is too long
     */
    414: Problem;
    /**
     * This server does not answer to that Host
     */
    421: Problem;
    /**
     * Too many requests at once; try again in a moment
     */
    429: Problem;
    /**
     * The headers are too large or too many
     */
    431: Problem;
    /**
     * This server failed; its log has the request id
     */
    500: Problem;
    /**
     * Not now; try again later
     */
    503: Problem;
    /**
     * The storage or the database is full
     */
    507: Problem;
};

export type ListPackagesError = ListPackagesErrors[keyof ListPackagesErrors];

export type ListPackagesResponses = {
    /**
     * A page
     */
    200: PackagePage;
};

export type ListPackagesResponse = ListPackagesResponses[keyof ListPackagesResponses];

export type CreatePackageData = {
    body: NewPackage;
    headers?: {
        /**
         * 1 to 255 printable ASCII characters, no spaces. The same request with the same key within 24 hours gets the first answer and makes nothing (draft-ietf-httpapi-idempotency-key-header)
         */
        'idempotency-key'?: string;
    };
    path?: never;
    query?: never;
    url: '/packages';
};

export type CreatePackageErrors = {
    /**
     * The request is not well-formed
     */
    400: Problem;
    /**
     * The caller may not do this
     */
    403: Problem;
    /**
     * The request took too long to arrive
     */
    408: Problem;
    /**
     * The state of things does not allow it
     */
    409: Problem;
    /**
     * A limit is exceeded
     */
    413: Problem;
    /**
     * The URL is too long
     */
    414: Problem;
    /**
     * The body is of a type or coding that is not taken here
     */
    415: Problem;
    /**
     * This server does not answer to that Host
     */
    421: Problem;
    /**
     * The content does not fit what was said about it
     */
    422: Problem;
    /**
     * Too many requests at once; try again in a moment
     */
    429: Problem;
    /**
     * The headers are too large or too many
     */
    431: Problem;
    /**
     * This server failed; its log has the request id
     */
    500: Problem;
    /**
     * Not now; try again later
     */
    503: Problem;
    /**
     * The storage or the database is full
     */
    507: Problem;
};

export type CreatePackageError = CreatePackageErrors[keyof CreatePackageErrors];

export type CreatePackageResponses = {
    /**
     * The new package
     */
    201: Package;
};

export type CreatePackageResponse = CreatePackageResponses[keyof CreatePackageResponses];

export type GetPackageData = {
    body?: never;
    path: {
        /**
         * Id of a package, or `name@version` of a finalised one; a `/` in a name is sent as `%2F`
         */
        id: string;
    };
    query?: never;
    url: '/packages/{id}';
};

export type GetPackageErrors = {
    /**
     * The request is not well-formed
     */
    400: Problem;
    /**
     * The caller may not do this
     */
    403: Problem;
    /**
     * There is no such thing, or the caller may not know of it
     */
    404: Problem;
    /**
     * The request took too long to arrive
     */
    408: Problem;
    /**
     * The URL is too long
     */
    414: Problem;
    /**
     * This server does not answer to that Host
     */
    421: Problem;
    /**
     * Too many requests at once; try again in a moment
     */
    429: Problem;
    /**
     * The headers are too large or too many
     */
    431: Problem;
    /**
     * This server failed; its log has the request id
     */
    500: Problem;
    /**
     * Not now; try again later
     */
    503: Problem;
    /**
     * The storage or the database is full
     */
    507: Problem;
};

export type GetPackageError = GetPackageErrors[keyof GetPackageErrors];

export type GetPackageResponses = {
    /**
     * The package
     */
    200: Package;
};

export type GetPackageResponse = GetPackageResponses[keyof GetPackageResponses];

export type FinalizePackageData = {
    body?: never;
    path: {
        /**
         * Id of a package, or `name@version` of a finalised one; a `/` in a name is sent as `%2F`
         */
        id: string;
    };
    query?: never;
    url: '/packages/{id}/finalize';
};

export type FinalizePackageErrors = {
    /**
     * The request is not well-formed
     */
    400: Problem;
    /**
     * The caller may not do this
     */
    403: Problem;
    /**
     * There is no such thing, or the caller may not know of it
     */
    404: Problem;
    /**
     * The request took too long to arrive
     */
    408: Problem;
    /**
     * The state of things does not allow it
     */
    409: Problem;
    /**
     * A limit is exceeded
     */
    413: Problem;
    /**
     * The URL is too long
     */
    414: Problem;
    /**
     * This server does not answer to that Host
     */
    421: Problem;
    /**
     * Too many requests at once; try again in a moment
     */
    429: Problem;
    /**
     * The headers are too large or too many
     */
    431: Problem;
    /**
     * This server failed; its log has the request id
     */
    500: Problem;
    /**
     * Not now; try again later
     */
    503: Problem;
    /**
     * The storage or the database is full
     */
    507: Problem;
};

export type FinalizePackageError = FinalizePackageErrors[keyof FinalizePackageErrors];

export type FinalizePackageResponses = {
    /**
     * The finalised package
     */
    200: FinalizedPackage;
};

export type FinalizePackageResponse = FinalizePackageResponses[keyof FinalizePackageResponses];

export type AbandonPackageData = {
    body: Abandon;
    path: {
        /**
         * Id of a package, or `name@version` of a finalised one; a `/` in a name is sent as `%2F`
         */
        id: string;
    };
    query?: never;
    url: '/packages/{id}/abandon';
};

export type AbandonPackageErrors = {
    /**
     * The request is not well-formed
     */
    400: Problem;
    /**
     * The caller may not do this
     */
    403: Problem;
    /**
     * There is no such thing, or the caller may not know of it
     */
    404: Problem;
    /**
     * The request took too long to arrive
     */
    408: Problem;
    /**
     * The state of things does not allow it
     */
    409: Problem;
    /**
     * A limit is exceeded
     */
    413: Problem;
    /**
     * The URL is too long
     */
    414: Problem;
    /**
     * The body is of a type or coding that is not taken here
     */
    415: Problem;
    /**
     * This server does not answer to that Host
     */
    421: Problem;
    /**
     * Too many requests at once; try again in a moment
     */
    429: Problem;
    /**
     * The headers are too large or too many
     */
    431: Problem;
    /**
     * This server failed; its log has the request id
     */
    500: Problem;
    /**
     * Not now; try again later
     */
    503: Problem;
    /**
     * The storage or the database is full
     */
    507: Problem;
};

export type AbandonPackageError = AbandonPackageErrors[keyof AbandonPackageErrors];

export type AbandonPackageResponses = {
    /**
     * The abandoned package
     */
    200: Package;
};

export type AbandonPackageResponse = AbandonPackageResponses[keyof AbandonPackageResponses];

export type VerifyPackageData = {
    body?: never;
    path: {
        /**
         * Id of a package, or `name@version` of a finalised one; a `/` in a name is sent as `%2F`
         */
        id: string;
    };
    query?: never;
    url: '/packages/{id}/verify';
};

export type VerifyPackageErrors = {
    /**
     * The request is not well-formed
     */
    400: Problem;
    /**
     * The caller may not do this
     */
    403: Problem;
    /**
     * There is no such thing, or the caller may not know of it
     */
    404: Problem;
    /**
     * The request took too long to arrive
     */
    408: Problem;
    /**
     * The URL is too long
     */
    414: Problem;
    /**
     * This server does not answer to that Host
     */
    421: Problem;
    /**
     * Too many requests at once; try again in a moment
     */
    429: Problem;
    /**
     * The headers are too large or too many
     */
    431: Problem;
    /**
     * This server failed; its log has the request id
     */
    500: Problem;
    /**
     * Not now; try again later
     */
    503: Problem;
    /**
     * The storage or the database is full
     */
    507: Problem;
};

export type VerifyPackageError = VerifyPackageErrors[keyof VerifyPackageErrors];

export type VerifyPackageResponses = {
    /**
     * What was found
     */
    200: VerifyReport;
};

export type VerifyPackageResponse = VerifyPackageResponses[keyof VerifyPackageResponses];

export type ImportOciData = {
    body: NewOciImport;
    headers?: {
        /**
         * 1 to 255 printable ASCII characters, no spaces. The same request with the same key within 24 hours gets the first answer and makes nothing (draft-ietf-httpapi-idempotency-key-header)
         */
        'idempotency-key'?: string;
    };
    path?: never;
    query?: never;
    url: '/packages/import-oci';
};

export type ImportOciErrors = {
    /**
     * The request is not well-formed
     */
    400: Problem;
    /**
     * The caller may not do this
     */
    403: Problem;
    /**
     * There is no such thing, or the caller may not know of it
     */
    404: Problem;
    /**
     * The request took too long to arrive
     */
    408: Problem;
    /**
     * The state of things does not allow it
     */
    409: Problem;
    /**
     * A limit is exceeded
     */
    413: Problem;
    /**
     * The URL is too long
     */
    414: Problem;
    /**
     * The body is of a type or coding that is not taken here
     */
    415: Problem;
    /**
     * This server does not answer to that Host
     */
    421: Problem;
    /**
     * The content does not fit what was said about it
     */
    422: Problem;
    /**
     * Too many requests at once; try again in a moment
     */
    429: Problem;
    /**
     * The headers are too large or too many
     */
    431: Problem;
    /**
     * This server failed; its log has the request id
     */
    500: Problem;
    /**
     * Not now; try again later
     */
    503: Problem;
    /**
     * The storage or the database is full
     */
    507: Problem;
};

export type ImportOciError = ImportOciErrors[keyof ImportOciErrors];

export type ImportOciResponses = {
    /**
     * The finalised package
     */
    201: ImportedPackage;
};

export type ImportOciResponse = ImportOciResponses[keyof ImportOciResponses];

export type ListFilesData = {
    body?: never;
    path: {
        /**
         * Id of a package, or `name@version` of a finalised one; a `/` in a name is sent as `%2F`
         */
        id: string;
    };
    query?: {
        /**
         * Items on the page at most
         */
        limit?: number;
        /**
         * `next_cursor` of the page before, unchanged
         */
        cursor?: string;
    };
    url: '/packages/{id}/files';
};

export type ListFilesErrors = {
    /**
     * The request is not well-formed
     */
    400: Problem;
    /**
     * The caller may not do this
     */
    403: Problem;
    /**
     * There is no such thing, or the caller may not know of it
     */
    404: Problem;
    /**
     * The request took too long to arrive
     */
    408: Problem;
    /**
     * The URL is too long
     */
    414: Problem;
    /**
     * This server does not answer to that Host
     */
    421: Problem;
    /**
     * Too many requests at once; try again in a moment
     */
    429: Problem;
    /**
     * The headers are too large or too many
     */
    431: Problem;
    /**
     * This server failed; its log has the request id
     */
    500: Problem;
    /**
     * Not now; try again later
     */
    503: Problem;
    /**
     * The storage or the database is full
     */
    507: Problem;
};

export type ListFilesError = ListFilesErrors[keyof ListFilesErrors];

export type ListFilesResponses = {
    /**
     * A page
     */
    200: EntryPage;
};

export type ListFilesResponse = ListFilesResponses[keyof ListFilesResponses];

export type DeleteFileData = {
    body?: never;
    path: {
        /**
         * Id of a package, or `name@version` of a finalised one; a `/` in a name is sent as `%2F`
         */
        id: string;
        /**
         * Path inside the package, exact UTF-8, percent-encoded. Slashes may be sent plain or as `%2F`. No empty, `.` or `..` segments, 256 segments and 4096 bytes at most, 255 bytes a segment
         */
        path: string;
    };
    query?: never;
    url: '/packages/{id}/files/{path}';
};

export type DeleteFileErrors = {
    /**
     * The request is not well-formed
     */
    400: Problem;
    /**
     * The caller may not do this
     */
    403: Problem;
    /**
     * There is no such thing, or the caller may not know of it
     */
    404: Problem;
    /**
     * The request took too long to arrive
     */
    408: Problem;
    /**
     * The state of things does not allow it
     */
    409: Problem;
    /**
     * The URL is too long
     */
    414: Problem;
    /**
     * This server does not answer to that Host
     */
    421: Problem;
    /**
     * Too many requests at once; try again in a moment
     */
    429: Problem;
    /**
     * The headers are too large or too many
     */
    431: Problem;
    /**
     * This server failed; its log has the request id
     */
    500: Problem;
    /**
     * Not now; try again later
     */
    503: Problem;
    /**
     * The storage or the database is full
     */
    507: Problem;
};

export type DeleteFileError = DeleteFileErrors[keyof DeleteFileErrors];

export type DeleteFileResponses = {
    /**
     * It is gone
     */
    204: void;
};

export type DeleteFileResponse = DeleteFileResponses[keyof DeleteFileResponses];

export type GetFileData = {
    body?: never;
    headers?: {
        /**
         * One range of bytes, also from the end (`bytes=-500`). Several ranges, or other units, get the whole
         */
        range?: string;
        /**
         * The range only if this is still the ETag, otherwise the whole
         */
        'if-range'?: string;
        /**
         * 412 unless one of these is the ETag
         */
        'if-match'?: string;
        /**
         * 304 if one of these is the ETag
         */
        'if-none-match'?: string;
    };
    path: {
        /**
         * Id of a package, or `name@version` of a finalised one; a `/` in a name is sent as `%2F`
         */
        id: string;
        /**
         * Path inside the package, exact UTF-8, percent-encoded. Slashes may be sent plain or as `%2F`. No empty, `.` or `..` segments, 256 segments and 4096 bytes at most, 255 bytes a segment
         */
        path: string;
    };
    query?: never;
    url: '/packages/{id}/files/{path}';
};

export type GetFileErrors = {
    /**
     * The request is not well-formed
     */
    400: Problem;
    /**
     * The caller may not do this
     */
    403: Problem;
    /**
     * There is no such thing, or the caller may not know of it
     */
    404: Problem;
    /**
     * The request took too long to arrive
     */
    408: Problem;
    /**
     * A precondition of the request does not hold
     */
    412: Problem;
    /**
     * The URL is too long
     */
    414: Problem;
    /**
     * The range lies outside of the content
     */
    416: Problem;
    /**
     * This server does not answer to that Host
     */
    421: Problem;
    /**
     * Too many requests at once; try again in a moment
     */
    429: Problem;
    /**
     * The headers are too large or too many
     */
    431: Problem;
    /**
     * This server failed; its log has the request id
     */
    500: Problem;
    /**
     * Not now; try again later
     */
    503: Problem;
    /**
     * The storage or the database is full
     */
    507: Problem;
};

export type GetFileError = GetFileErrors[keyof GetFileErrors];

export type GetFileResponses = {
    /**
     * The bytes, as they are
     */
    200: Blob | File;
    /**
     * The bytes, as they are
     */
    206: Blob | File;
};

export type GetFileResponse = GetFileResponses[keyof GetFileResponses];

export type GetFileHeadData = {
    body?: never;
    headers?: {
        /**
         * One range of bytes, also from the end (`bytes=-500`). Several ranges, or other units, get the whole
         */
        range?: string;
        /**
         * The range only if this is still the ETag, otherwise the whole
         */
        'if-range'?: string;
        /**
         * 412 unless one of these is the ETag
         */
        'if-match'?: string;
        /**
         * 304 if one of these is the ETag
         */
        'if-none-match'?: string;
    };
    path: {
        /**
         * Id of a package, or `name@version` of a finalised one; a `/` in a name is sent as `%2F`
         */
        id: string;
        /**
         * Path inside the package, exact UTF-8, percent-encoded. Slashes may be sent plain or as `%2F`. No empty, `.` or `..` segments, 256 segments and 4096 bytes at most, 255 bytes a segment
         */
        path: string;
    };
    query?: never;
    url: '/packages/{id}/files/{path}';
};

export type GetFileHeadErrors = {
    /**
     * The request is not well-formed
     */
    400: unknown;
    /**
     * The caller may not do this
     */
    403: unknown;
    /**
     * There is no such thing, or the caller may not know of it
     */
    404: unknown;
    /**
     * The request took too long to arrive
     */
    408: unknown;
    /**
     * A precondition of the request does not hold
     */
    412: unknown;
    /**
     * The URL is too long
     */
    414: unknown;
    /**
     * The range lies outside of the content
     */
    416: unknown;
    /**
     * This server does not answer to that Host
     */
    421: unknown;
    /**
     * Too many requests at once; try again in a moment
     */
    429: unknown;
    /**
     * The headers are too large or too many
     */
    431: unknown;
    /**
     * This server failed; its log has the request id
     */
    500: unknown;
    /**
     * Not now; try again later
     */
    503: unknown;
    /**
     * The storage or the database is full
     */
    507: unknown;
};

export type GetFileHeadResponses = {
    /**
     * The whole content, under the media type of the file
     */
    200: unknown;
    /**
     * The range
     */
    206: unknown;
};

export type PutFileData = {
    /**
     * The bytes, as they are
     */
    body: Blob | File;
    headers?: {
        /**
         * RFC 9530. The bytes are refused unless they have every digest given: `sha-256`, `sha-512`, or (not registered) `blake3`
         */
        'content-digest'?: string;
        /**
         * RFC 9530. The bytes are refused unless they have every digest given: `sha-256`, `sha-512`, or (not registered) `blake3`
         */
        'repr-digest'?: string;
        /**
         * `*`: refuse with 412 if the path exists
         */
        'if-none-match'?: string;
    };
    path: {
        /**
         * Id of a package, or `name@version` of a finalised one; a `/` in a name is sent as `%2F`
         */
        id: string;
        /**
         * Path inside the package, exact UTF-8, percent-encoded. Slashes may be sent plain or as `%2F`. No empty, `.` or `..` segments, 256 segments and 4096 bytes at most, 255 bytes a segment
         */
        path: string;
    };
    query?: {
        kind?: 'file' | 'directory' | 'symlink';
        /**
         * The file may be executed
         */
        executable?: boolean;
        /**
         * A file of this path is replaced; otherwise it is refused with 409
         */
        replace?: boolean;
        /**
         * A SHA-512 digest of the file is kept as well
         */
        sha512?: boolean;
    };
    url: '/packages/{id}/files/{path}';
};

export type PutFileErrors = {
    /**
     * The request is not well-formed
     */
    400: Problem;
    /**
     * The caller may not do this
     */
    403: Problem;
    /**
     * There is no such thing, or the caller may not know of it
     */
    404: Problem;
    /**
     * The request took too long to arrive
     */
    408: Problem;
    /**
     * The state of things does not allow it
     */
    409: Problem;
    /**
     * A precondition of the request does not hold
     */
    412: Problem;
    /**
     * A limit is exceeded
     */
    413: Problem;
    /**
     * The URL is too long
     */
    414: Problem;
    /**
     * The body is of a type or coding that is not taken here
     */
    415: Problem;
    /**
     * This server does not answer to that Host
     */
    421: Problem;
    /**
     * The content does not fit what was said about it
     */
    422: Problem;
    /**
     * Too many requests at once; try again in a moment
     */
    429: Problem;
    /**
     * The headers are too large or too many
     */
    431: Problem;
    /**
     * This server failed; its log has the request id
     */
    500: Problem;
    /**
     * Not now; try again later
     */
    503: Problem;
    /**
     * The storage or the database is full
     */
    507: Problem;
};

export type PutFileError = PutFileErrors[keyof PutFileErrors];

export type PutFileResponses = {
    /**
     * The entry, which took the place of another
     */
    200: Entry;
    /**
     * The new entry
     */
    201: Entry;
};

export type PutFileResponse = PutFileResponses[keyof PutFileResponses];

export type ExportArchiveData = {
    body?: never;
    headers?: {
        /**
         * Which form
         */
        accept?: string;
    };
    path: {
        /**
         * Id of a package, or `name@version` of a finalised one; a `/` in a name is sent as `%2F`
         */
        id: string;
    };
    query?: {
        /**
         * Goes before `Accept`
         */
        format?: 'tar' | 'zip';
    };
    url: '/packages/{id}/archive';
};

export type ExportArchiveErrors = {
    /**
     * The request is not well-formed
     */
    400: Problem;
    /**
     * The caller may not do this
     */
    403: Problem;
    /**
     * There is no such thing, or the caller may not know of it
     */
    404: Problem;
    /**
     * Not in a form that the client accepts
     */
    406: Problem;
    /**
     * The request took too long to arrive
     */
    408: Problem;
    /**
     * The URL is too long
     */
    414: Problem;
    /**
     * This server does not answer to that Host
     */
    421: Problem;
    /**
     * Too many requests at once; try again in a moment
     */
    429: Problem;
    /**
     * The headers are too large or too many
     */
    431: Problem;
    /**
     * This server failed; its log has the request id
     */
    500: Problem;
    /**
     * Not now; try again later
     */
    503: Problem;
    /**
     * The storage or the database is full
     */
    507: Problem;
};

export type ExportArchiveError = ExportArchiveErrors[keyof ExportArchiveErrors];

export type ExportArchiveResponses = {
    /**
     * The bytes, as they are
     */
    200: Blob | File;
};

export type ExportArchiveResponse = ExportArchiveResponses[keyof ExportArchiveResponses];

export type ExportArchiveHeadData = {
    body?: never;
    headers?: {
        /**
         * Which form
         */
        accept?: string;
    };
    path: {
        /**
         * Id of a package, or `name@version` of a finalised one; a `/` in a name is sent as `%2F`
         */
        id: string;
    };
    query?: {
        /**
         * Goes before `Accept`
         */
        format?: 'tar' | 'zip';
    };
    url: '/packages/{id}/archive';
};

export type ExportArchiveHeadErrors = {
    /**
     * The request is not well-formed
     */
    400: unknown;
    /**
     * The caller may not do this
     */
    403: unknown;
    /**
     * There is no such thing, or the caller may not know of it
     */
    404: unknown;
    /**
     * Not in a form that the client accepts
     */
    406: unknown;
    /**
     * The request took too long to arrive
     */
    408: unknown;
    /**
     * The URL is too long
     */
    414: unknown;
    /**
     * This server does not answer to that Host
     */
    421: unknown;
    /**
     * Too many requests at once; try again in a moment
     */
    429: unknown;
    /**
     * The headers are too large or too many
     */
    431: unknown;
    /**
     * This server failed; its log has the request id
     */
    500: unknown;
    /**
     * Not now; try again later
     */
    503: unknown;
    /**
     * The storage or the database is full
     */
    507: unknown;
};

export type ExportArchiveHeadResponses = {
    /**
     * The archive
     */
    200: unknown;
};

export type ImportArchiveData = {
    /**
     * The bytes, as they are
     */
    body: Blob | File;
    headers?: {
        /**
         * `gzip` or `zstd`
         */
        'content-encoding'?: string;
    };
    path: {
        /**
         * Id of a package, or `name@version` of a finalised one; a `/` in a name is sent as `%2F`
         */
        id: string;
    };
    query?: never;
    url: '/packages/{id}/archive';
};

export type ImportArchiveErrors = {
    /**
     * The request is not well-formed
     */
    400: Problem;
    /**
     * The caller may not do this
     */
    403: Problem;
    /**
     * There is no such thing, or the caller may not know of it
     */
    404: Problem;
    /**
     * The request took too long to arrive
     */
    408: Problem;
    /**
     * The state of things does not allow it
     */
    409: Problem;
    /**
     * A limit is exceeded
     */
    413: Problem;
    /**
     * The URL is too long
     */
    414: Problem;
    /**
     * The body is of a type or coding that is not taken here
     */
    415: Problem;
    /**
     * This server does not answer to that Host
     */
    421: Problem;
    /**
     * The content does not fit what was said about it
     */
    422: Problem;
    /**
     * Too many requests at once; try again in a moment
     */
    429: Problem;
    /**
     * The headers are too large or too many
     */
    431: Problem;
    /**
     * This server failed; its log has the request id
     */
    500: Problem;
    /**
     * Not supported
     */
    501: Problem;
    /**
     * Not now; try again later
     */
    503: Problem;
    /**
     * The storage or the database is full
     */
    507: Problem;
};

export type ImportArchiveError = ImportArchiveErrors[keyof ImportArchiveErrors];

export type ImportArchiveResponses = {
    /**
     * All of it is in the package
     */
    200: ArchiveReport;
};

export type ImportArchiveResponse = ImportArchiveResponses[keyof ImportArchiveResponses];

export type GetManifestData = {
    body?: never;
    headers?: {
        /**
         * 412 unless one of these is the ETag
         */
        'if-match'?: string;
        /**
         * 304 if one of these is the ETag
         */
        'if-none-match'?: string;
    };
    path: {
        /**
         * Id of a package, or `name@version` of a finalised one; a `/` in a name is sent as `%2F`
         */
        id: string;
    };
    query?: never;
    url: '/packages/{id}/manifest';
};

export type GetManifestErrors = {
    /**
     * The request is not well-formed
     */
    400: Problem;
    /**
     * The caller may not do this
     */
    403: Problem;
    /**
     * There is no such thing, or the caller may not know of it
     */
    404: Problem;
    /**
     * Not in a form that the client accepts
     */
    406: Problem;
    /**
     * The request took too long to arrive
     */
    408: Problem;
    /**
     * The state of things does not allow it
     */
    409: Problem;
    /**
     * A precondition of the request does not hold
     */
    412: Problem;
    /**
     * A limit is exceeded
     */
    413: Problem;
    /**
     * The URL is too long
     */
    414: Problem;
    /**
     * This server does not answer to that Host
     */
    421: Problem;
    /**
     * Too many requests at once; try again in a moment
     */
    429: Problem;
    /**
     * The headers are too large or too many
     */
    431: Problem;
    /**
     * This server failed; its log has the request id
     */
    500: Problem;
    /**
     * Not now; try again later
     */
    503: Problem;
    /**
     * The storage or the database is full
     */
    507: Problem;
};

export type GetManifestError = GetManifestErrors[keyof GetManifestErrors];

export type GetManifestResponses = {
    /**
     * The manifest
     */
    200: Manifest;
};

export type GetManifestResponse = GetManifestResponses[keyof GetManifestResponses];

export type GetManifestHeadData = {
    body?: never;
    headers?: {
        /**
         * 412 unless one of these is the ETag
         */
        'if-match'?: string;
        /**
         * 304 if one of these is the ETag
         */
        'if-none-match'?: string;
    };
    path: {
        /**
         * Id of a package, or `name@version` of a finalised one; a `/` in a name is sent as `%2F`
         */
        id: string;
    };
    query?: never;
    url: '/packages/{id}/manifest';
};

export type GetManifestHeadErrors = {
    /**
     * The request is not well-formed
     */
    400: unknown;
    /**
     * The caller may not do this
     */
    403: unknown;
    /**
     * There is no such thing, or the caller may not know of it
     */
    404: unknown;
    /**
     * Not in a form that the client accepts
     */
    406: unknown;
    /**
     * The request took too long to arrive
     */
    408: unknown;
    /**
     * The state of things does not allow it
     */
    409: unknown;
    /**
     * A precondition of the request does not hold
     */
    412: unknown;
    /**
     * A limit is exceeded
     */
    413: unknown;
    /**
     * The URL is too long
     */
    414: unknown;
    /**
     * This server does not answer to that Host
     */
    421: unknown;
    /**
     * Too many requests at once; try again in a moment
     */
    429: unknown;
    /**
     * The headers are too large or too many
     */
    431: unknown;
    /**
     * This server failed; its log has the request id
     */
    500: unknown;
    /**
     * Not now; try again later
     */
    503: unknown;
    /**
     * The storage or the database is full
     */
    507: unknown;
};

export type GetManifestHeadResponses = {
    /**
     * The manifest
     */
    200: unknown;
};

export type GetObjectData = {
    body?: never;
    headers?: {
        /**
         * One range of bytes, also from the end (`bytes=-500`). Several ranges, or other units, get the whole
         */
        range?: string;
        /**
         * The range only if this is still the ETag, otherwise the whole
         */
        'if-range'?: string;
        /**
         * 412 unless one of these is the ETag
         */
        'if-match'?: string;
        /**
         * 304 if one of these is the ETag
         */
        'if-none-match'?: string;
    };
    path: {
        /**
         * `blake3:<64 hex>`
         */
        content_address: string;
    };
    query?: never;
    url: '/objects/{content_address}';
};

export type GetObjectErrors = {
    /**
     * The request is not well-formed
     */
    400: Problem;
    /**
     * The caller may not do this
     */
    403: Problem;
    /**
     * There is no such thing, or the caller may not know of it
     */
    404: Problem;
    /**
     * The request took too long to arrive
     */
    408: Problem;
    /**
     * A precondition of the request does not hold
     */
    412: Problem;
    /**
     * The URL is too long
     */
    414: Problem;
    /**
     * The range lies outside of the content
     */
    416: Problem;
    /**
     * This server does not answer to that Host
     */
    421: Problem;
    /**
     * Too many requests at once; try again in a moment
     */
    429: Problem;
    /**
     * The headers are too large or too many
     */
    431: Problem;
    /**
     * This server failed; its log has the request id
     */
    500: Problem;
    /**
     * Not now; try again later
     */
    503: Problem;
    /**
     * The storage or the database is full
     */
    507: Problem;
};

export type GetObjectError = GetObjectErrors[keyof GetObjectErrors];

export type GetObjectResponses = {
    /**
     * The bytes, as they are
     */
    200: Blob | File;
    /**
     * The bytes, as they are
     */
    206: Blob | File;
};

export type GetObjectResponse = GetObjectResponses[keyof GetObjectResponses];

export type GetObjectHeadData = {
    body?: never;
    headers?: {
        /**
         * One range of bytes, also from the end (`bytes=-500`). Several ranges, or other units, get the whole
         */
        range?: string;
        /**
         * The range only if this is still the ETag, otherwise the whole
         */
        'if-range'?: string;
        /**
         * 412 unless one of these is the ETag
         */
        'if-match'?: string;
        /**
         * 304 if one of these is the ETag
         */
        'if-none-match'?: string;
    };
    path: {
        /**
         * `blake3:<64 hex>`
         */
        content_address: string;
    };
    query?: never;
    url: '/objects/{content_address}';
};

export type GetObjectHeadErrors = {
    /**
     * The request is not well-formed
     */
    400: unknown;
    /**
     * The caller may not do this
     */
    403: unknown;
    /**
     * There is no such thing, or the caller may not know of it
     */
    404: unknown;
    /**
     * The request took too long to arrive
     */
    408: unknown;
    /**
     * A precondition of the request does not hold
     */
    412: unknown;
    /**
     * The URL is too long
     */
    414: unknown;
    /**
     * The range lies outside of the content
     */
    416: unknown;
    /**
     * This server does not answer to that Host
     */
    421: unknown;
    /**
     * Too many requests at once; try again in a moment
     */
    429: unknown;
    /**
     * The headers are too large or too many
     */
    431: unknown;
    /**
     * This server failed; its log has the request id
     */
    500: unknown;
    /**
     * Not now; try again later
     */
    503: unknown;
    /**
     * The storage or the database is full
     */
    507: unknown;
};

export type GetObjectHeadResponses = {
    /**
     * The whole content, under the media type of the file
     */
    200: unknown;
    /**
     * The range
     */
    206: unknown;
};

export type RegisterMetadataSchemaData = {
    body: {
        [key: string]: unknown;
    };
    path: {
        /**
         * Letters, digits and `. _ : / # -`, 200 characters at most; `#` is sent as `%23`
         */
        schema_id: string;
    };
    query?: never;
    url: '/metadata-schemas/{schema_id}';
};

export type RegisterMetadataSchemaErrors = {
    /**
     * The request is not well-formed
     */
    400: Problem;
    /**
     * The caller may not do this
     */
    403: Problem;
    /**
     * The request took too long to arrive
     */
    408: Problem;
    /**
     * The state of things does not allow it
     */
    409: Problem;
    /**
     * A limit is exceeded
     */
    413: Problem;
    /**
     * The URL is too long
     */
    414: Problem;
    /**
     * The body is of a type or coding that is not taken here
     */
    415: Problem;
    /**
     * This server does not answer to that Host
     */
    421: Problem;
    /**
     * The content does not fit what was said about it
     */
    422: Problem;
    /**
     * Too many requests at once; try again in a moment
     */
    429: Problem;
    /**
     * The headers are too large or too many
     */
    431: Problem;
    /**
     * This server failed; its log has the request id
     */
    500: Problem;
    /**
     * Not now; try again later
     */
    503: Problem;
    /**
     * The storage or the database is full
     */
    507: Problem;
};

export type RegisterMetadataSchemaError = RegisterMetadataSchemaErrors[keyof RegisterMetadataSchemaErrors];

export type RegisterMetadataSchemaResponses = {
    /**
     * It is registered
     */
    204: void;
};

export type RegisterMetadataSchemaResponse = RegisterMetadataSchemaResponses[keyof RegisterMetadataSchemaResponses];

export type CreateUploadData = {
    /**
     * The bytes, as they are
     */
    body?: Blob | File;
    headers: {
        /**
         * `?1`: the last byte of this request is the last of the upload. `?0`: more will follow
         */
        'upload-complete': '?0' | '?1';
        /**
         * Bytes of the whole, if known
         */
        'upload-length'?: number;
        /**
         * RFC 9530; of the bytes of this request, at most 256 MiB. None is kept unless it matches
         */
        'content-digest'?: string;
        /**
         * RFC 9530; of the whole. The upload is refused in the end unless it matches
         */
        'repr-digest'?: string;
    };
    path?: never;
    query: {
        /**
         * An open package
         */
        package_id: string;
        /**
         * Path of the file in it
         */
        path: string;
        /**
         * Kept with the file
         */
        media_type?: string;
        /**
         * The file may be executed
         */
        executable?: boolean;
        /**
         * A file of this path is replaced; otherwise it is refused with 409
         */
        replace?: boolean;
        /**
         * A SHA-512 digest of the file is kept as well
         */
        sha512?: boolean;
    };
    url: '/uploads';
};

export type CreateUploadErrors = {
    /**
     * The request is not well-formed
     */
    400: Problem;
    /**
     * The caller may not do this
     */
    403: Problem;
    /**
     * There is no such thing, or the caller may not know of it
     */
    404: Problem;
    /**
     * The request took too long to arrive
     */
    408: Problem;
    /**
     * The state of things does not allow it
     */
    409: Problem;
    /**
     * A limit is exceeded
     */
    413: Problem;
    /**
     * The URL is too long
     */
    414: Problem;
    /**
     * The body is of a type or coding that is not taken here
     */
    415: Problem;
    /**
     * This server does not answer to that Host
     */
    421: Problem;
    /**
     * The content does not fit what was said about it
     */
    422: Problem;
    /**
     * Too many requests at once; try again in a moment
     */
    429: Problem;
    /**
     * The headers are too large or too many
     */
    431: Problem;
    /**
     * This server failed; its log has the request id
     */
    500: Problem;
    /**
     * Not now; try again later
     */
    503: Problem;
    /**
     * The storage or the database is full
     */
    507: Problem;
};

export type CreateUploadError = CreateUploadErrors[keyof CreateUploadErrors];

export type CreateUploadResponses = {
    /**
     * The upload. With `Upload-Complete: ?1` the file is in its package
     */
    201: Upload;
};

export type CreateUploadResponse = CreateUploadResponses[keyof CreateUploadResponses];

export type CancelUploadData = {
    body?: never;
    path: {
        /**
         * Id of an upload
         */
        id: string;
    };
    query?: never;
    url: '/uploads/{id}';
};

export type CancelUploadErrors = {
    /**
     * The request is not well-formed
     */
    400: Problem;
    /**
     * The caller may not do this
     */
    403: Problem;
    /**
     * There is no such thing, or the caller may not know of it
     */
    404: Problem;
    /**
     * The request took too long to arrive
     */
    408: Problem;
    /**
     * The state of things does not allow it
     */
    409: Problem;
    /**
     * The URL is too long
     */
    414: Problem;
    /**
     * This server does not answer to that Host
     */
    421: Problem;
    /**
     * Too many requests at once; try again in a moment
     */
    429: Problem;
    /**
     * The headers are too large or too many
     */
    431: Problem;
    /**
     * This server failed; its log has the request id
     */
    500: Problem;
    /**
     * Not now; try again later
     */
    503: Problem;
    /**
     * The storage or the database is full
     */
    507: Problem;
};

export type CancelUploadError = CancelUploadErrors[keyof CancelUploadErrors];

export type CancelUploadResponses = {
    /**
     * It is gone
     */
    204: void;
};

export type CancelUploadResponse = CancelUploadResponses[keyof CancelUploadResponses];

export type GetUploadData = {
    body?: never;
    path: {
        /**
         * Id of an upload
         */
        id: string;
    };
    query?: never;
    url: '/uploads/{id}';
};

export type GetUploadErrors = {
    /**
     * The request is not well-formed
     */
    400: Problem;
    /**
     * The caller may not do this
     */
    403: Problem;
    /**
     * There is no such thing, or the caller may not know of it
     */
    404: Problem;
    /**
     * The request took too long to arrive
     */
    408: Problem;
    /**
     * The URL is too long
     */
    414: Problem;
    /**
     * This server does not answer to that Host
     */
    421: Problem;
    /**
     * Too many requests at once; try again in a moment
     */
    429: Problem;
    /**
     * The headers are too large or too many
     */
    431: Problem;
    /**
     * This server failed; its log has the request id
     */
    500: Problem;
    /**
     * Not now; try again later
     */
    503: Problem;
    /**
     * The storage or the database is full
     */
    507: Problem;
};

export type GetUploadError = GetUploadErrors[keyof GetUploadErrors];

export type GetUploadResponses = {
    /**
     * The upload
     */
    200: Upload;
};

export type GetUploadResponse = GetUploadResponses[keyof GetUploadResponses];

export type GetUploadHeadData = {
    body?: never;
    path: {
        /**
         * Id of an upload
         */
        id: string;
    };
    query?: never;
    url: '/uploads/{id}';
};

export type GetUploadHeadErrors = {
    /**
     * The request is not well-formed
     */
    400: unknown;
    /**
     * The caller may not do this
     */
    403: unknown;
    /**
     * There is no such thing, or the caller may not know of it
     */
    404: unknown;
    /**
     * The request took too long to arrive
     */
    408: unknown;
    /**
     * The URL is too long
     */
    414: unknown;
    /**
     * This server does not answer to that Host
     */
    421: unknown;
    /**
     * Too many requests at once; try again in a moment
     */
    429: unknown;
    /**
     * The headers are too large or too many
     */
    431: unknown;
    /**
     * This server failed; its log has the request id
     */
    500: unknown;
    /**
     * Not now; try again later
     */
    503: unknown;
    /**
     * The storage or the database is full
     */
    507: unknown;
};

export type GetUploadHeadResponses = {
    /**
     * The upload
     */
    200: unknown;
};

export type AppendUploadData = {
    /**
     * The bytes, as they are
     */
    body: Blob | File;
    headers: {
        /**
         * `?1`: the last byte of this request is the last of the upload. `?0`: more will follow
         */
        'upload-complete': '?0' | '?1';
        /**
         * Bytes of the whole, if known
         */
        'upload-length'?: number;
        /**
         * RFC 9530; of the bytes of this request, at most 256 MiB. None is kept unless it matches
         */
        'content-digest'?: string;
        /**
         * RFC 9530; of the whole. The upload is refused in the end unless it matches
         */
        'repr-digest'?: string;
        /**
         * Where the bytes belong: just where the upload is
         */
        'upload-offset': number;
    };
    path: {
        /**
         * Id of an upload
         */
        id: string;
    };
    query?: never;
    url: '/uploads/{id}';
};

export type AppendUploadErrors = {
    /**
     * The request is not well-formed
     */
    400: Problem;
    /**
     * The caller may not do this
     */
    403: Problem;
    /**
     * There is no such thing, or the caller may not know of it
     */
    404: Problem;
    /**
     * The request took too long to arrive
     */
    408: Problem;
    /**
     * The state of things does not allow it
     */
    409: Problem;
    /**
     * A limit is exceeded
     */
    413: Problem;
    /**
     * The URL is too long
     */
    414: Problem;
    /**
     * The body is of a type or coding that is not taken here
     */
    415: Problem;
    /**
     * This server does not answer to that Host
     */
    421: Problem;
    /**
     * The content does not fit what was said about it
     */
    422: Problem;
    /**
     * Too many requests at once; try again in a moment
     */
    429: Problem;
    /**
     * The headers are too large or too many
     */
    431: Problem;
    /**
     * This server failed; its log has the request id
     */
    500: Problem;
    /**
     * Not now; try again later
     */
    503: Problem;
    /**
     * The storage or the database is full
     */
    507: Problem;
};

export type AppendUploadError = AppendUploadErrors[keyof AppendUploadErrors];

export type AppendUploadResponses = {
    /**
     * The file is in its package
     */
    200: Upload;
    /**
     * The bytes are durable
     */
    204: void;
};

export type AppendUploadResponse = AppendUploadResponses[keyof AppendUploadResponses];

export type InspectStoreData = {
    body?: never;
    path?: never;
    query?: {
        /**
         * Seconds; younger leftovers may belong to work under way and are left alone
         */
        grace?: number;
    };
    url: '/doctor';
};

export type InspectStoreErrors = {
    /**
     * The request is not well-formed
     */
    400: Problem;
    /**
     * The caller may not do this
     */
    403: Problem;
    /**
     * The request took too long to arrive
     */
    408: Problem;
    /**
     * The URL is too long
     */
    414: Problem;
    /**
     * This server does not answer to that Host
     */
    421: Problem;
    /**
     * Too many requests at once; try again in a moment
     */
    429: Problem;
    /**
     * The headers are too large or too many
     */
    431: Problem;
    /**
     * This server failed; its log has the request id
     */
    500: Problem;
    /**
     * Not now; try again later
     */
    503: Problem;
    /**
     * The storage or the database is full
     */
    507: Problem;
};

export type InspectStoreError = InspectStoreErrors[keyof InspectStoreErrors];

export type InspectStoreResponses = {
    /**
     * What was found
     */
    200: DoctorReport;
};

export type InspectStoreResponse = InspectStoreResponses[keyof InspectStoreResponses];

export type FixStoreData = {
    body?: never;
    path?: never;
    query?: {
        /**
         * Seconds; younger leftovers may belong to work under way and are left alone
         */
        grace?: number;
    };
    url: '/doctor/fix';
};

export type FixStoreErrors = {
    /**
     * The request is not well-formed
     */
    400: Problem;
    /**
     * The caller may not do this
     */
    403: Problem;
    /**
     * The request took too long to arrive
     */
    408: Problem;
    /**
     * The URL is too long
     */
    414: Problem;
    /**
     * This server does not answer to that Host
     */
    421: Problem;
    /**
     * Too many requests at once; try again in a moment
     */
    429: Problem;
    /**
     * The headers are too large or too many
     */
    431: Problem;
    /**
     * This server failed; its log has the request id
     */
    500: Problem;
    /**
     * Not now; try again later
     */
    503: Problem;
    /**
     * The storage or the database is full
     */
    507: Problem;
};

export type FixStoreError = FixStoreErrors[keyof FixStoreErrors];

export type FixStoreResponses = {
    /**
     * What was found before, and what was removed
     */
    200: FixReport;
};

export type FixStoreResponse = FixStoreResponses[keyof FixStoreResponses];

export type GetEventHeadData = {
    body?: never;
    path?: never;
    query?: never;
    url: '/events/head';
};

export type GetEventHeadErrors = {
    /**
     * The request is not well-formed
     */
    400: Problem;
    /**
     * The caller may not do this
     */
    403: Problem;
    /**
     * The request took too long to arrive
     */
    408: Problem;
    /**
     * The URL is too long
     */
    414: Problem;
    /**
     * This server does not answer to that Host
     */
    421: Problem;
    /**
     * Too many requests at once; try again in a moment
     */
    429: Problem;
    /**
     * The headers are too large or too many
     */
    431: Problem;
    /**
     * This server failed; its log has the request id
     */
    500: Problem;
    /**
     * Not now; try again later
     */
    503: Problem;
    /**
     * The storage or the database is full
     */
    507: Problem;
};

export type GetEventHeadError = GetEventHeadErrors[keyof GetEventHeadErrors];

export type GetEventHeadResponses = {
    /**
     * The head
     */
    200: EventHead;
};

export type GetEventHeadResponse = GetEventHeadResponses[keyof GetEventHeadResponses];

export type GetEventPayloadData = {
    body?: never;
    path: {
        /**
         * Position in the caller's feed
         */
        sequence: number;
    };
    query?: never;
    url: '/events/{sequence}/payload';
};

export type GetEventPayloadErrors = {
    /**
     * The request is not well-formed
     */
    400: Problem;
    /**
     * The caller may not do this
     */
    403: Problem;
    /**
     * There is no such thing, or the caller may not know of it
     */
    404: Problem;
    /**
     * The request took too long to arrive
     */
    408: Problem;
    /**
     * The URL is too long
     */
    414: Problem;
    /**
     * This server does not answer to that Host
     */
    421: Problem;
    /**
     * Too many requests at once; try again in a moment
     */
    429: Problem;
    /**
     * The headers are too large or too many
     */
    431: Problem;
    /**
     * This server failed; its log has the request id
     */
    500: Problem;
    /**
     * Not now; try again later
     */
    503: Problem;
    /**
     * The storage or the database is full
     */
    507: Problem;
};

export type GetEventPayloadError = GetEventPayloadErrors[keyof GetEventPayloadErrors];

export type GetEventPayloadResponses = {
    /**
     * The bytes, as they are
     */
    200: Blob | File;
};

export type GetEventPayloadResponse = GetEventPayloadResponses[keyof GetEventPayloadResponses];

export type ListEventsData = {
    body?: never;
    headers?: {
        /**
         * Which form
         */
        accept?: string;
        /**
         * Wins over `since`: what a client of a stream sends by itself when it connects again
         */
        'last-event-id'?: string;
    };
    path?: never;
    query?: {
        /**
         * Only events after this one: `last_sequence` of the page before. 0: from the beginning
         */
        since?: number;
        /**
         * Events on the page at most. A page also ends at 4 MiB of payloads. A stream has no limit
         */
        limit?: number;
        /**
         * Seconds to wait for an event while there is none after `since` (long-poll)
         */
        wait?: number;
        /**
         * Only events of these types: with commas, or the parameter several times
         */
        type?: Array<'v1.tenant.created' | 'v1.retention_class.registered' | 'v1.metadata_schema.registered' | 'v1.package.created' | 'v1.retention.default_applied' | 'v1.package.file_ingested' | 'v1.package.file_replaced' | 'v1.package.file_removed' | 'v1.package.finalized' | 'v1.package.abandoned' | 'v1.package.deleted' | 'v1.object.stored' | 'v1.object.damage_found' | 'v1.object.restored' | 'v1.oci.repository_created' | 'v1.oci.blob_linked' | 'v1.oci.blob_unlinked' | 'v1.oci.manifest_pushed' | 'v1.oci.tag_moved' | 'v1.oci.tag_deleted' | 'v1.oci.manifest_deleted' | 'v1.oci.repository_deleted' | 'v1.oci.tag_rules_set' | 'v1.event.redacted'>;
        /**
         * Only events about this: id of a package, content address, name of a tenant or of a class
         */
        subject?: string;
    };
    url: '/events';
};

export type ListEventsErrors = {
    /**
     * The request is not well-formed
     */
    400: Problem;
    /**
     * The caller may not do this
     */
    403: Problem;
    /**
     * Not in a form that the client accepts
     */
    406: Problem;
    /**
     * The request took too long to arrive
     */
    408: Problem;
    /**
     * The URL is too long
     */
    414: Problem;
    /**
     * This server does not answer to that Host
     */
    421: Problem;
    /**
     * Too many requests at once; try again in a moment
     */
    429: Problem;
    /**
     * The headers are too large or too many
     */
    431: Problem;
    /**
     * This server failed; its log has the request id
     */
    500: Problem;
    /**
     * Not now; try again later
     */
    503: Problem;
    /**
     * The storage or the database is full
     */
    507: Problem;
};

export type ListEventsError = ListEventsErrors[keyof ListEventsErrors];

export type ListEventsResponses = {
    /**
     * A page, or a stream
     */
    200: EventPage;
};

export type ListEventsResponse = ListEventsResponses[keyof ListEventsResponses];

export type ListRepositoriesData = {
    body?: never;
    path?: never;
    query?: {
        /**
         * Names that begin so
         */
        prefix?: string;
        /**
         * Items on the page at most
         */
        limit?: number;
        /**
         * `next_cursor` of the page before, unchanged
         */
        cursor?: string;
    };
    url: '/v1/repositories';
};

export type ListRepositoriesErrors = {
    /**
     * The request is not well-formed
     */
    400: Problem;
    /**
     * The caller may not do this
     */
    403: Problem;
    /**
     * The request took too long to arrive
     */
    408: Problem;
    /**
     * The URL is too long
     */
    414: Problem;
    /**
     * This server does not answer to that Host
     */
    421: Problem;
    /**
     * Too many requests at once; try again in a moment
     */
    429: Problem;
    /**
     * The headers are too large or too many
     */
    431: Problem;
    /**
     * This server failed; its log has the request id
     */
    500: Problem;
    /**
     * Not now; try again later
     */
    503: Problem;
    /**
     * The storage or the database is full
     */
    507: Problem;
};

export type ListRepositoriesError = ListRepositoriesErrors[keyof ListRepositoriesErrors];

export type ListRepositoriesResponses = {
    /**
     * A page
     */
    200: RepositoryPage;
};

export type ListRepositoriesResponse = ListRepositoriesResponses[keyof ListRepositoriesResponses];

export type DeleteRepositoryData = {
    body?: never;
    path: {
        /**
         * Name of a repository. Slashes are sent as `%2F`, or plain; a plain path that ends in `/tags/{tag}/history` or `/tags/{tag}/restore` is that of a tag, whatever repositories are called
         */
        name: string;
    };
    query?: {
        /**
         * Kept in the log. Required, unless `dry_run` is true
         */
        reason?: string;
        /**
         * Say what would go, and delete nothing
         */
        dry_run?: boolean;
    };
    url: '/v1/repositories/{name}';
};

export type DeleteRepositoryErrors = {
    /**
     * The request is not well-formed
     */
    400: Problem;
    /**
     * The caller may not do this
     */
    403: Problem;
    /**
     * There is no such thing, or the caller may not know of it
     */
    404: Problem;
    /**
     * The request took too long to arrive
     */
    408: Problem;
    /**
     * The state of things does not allow it
     */
    409: Problem;
    /**
     * The URL is too long
     */
    414: Problem;
    /**
     * This server does not answer to that Host
     */
    421: Problem;
    /**
     * Too many requests at once; try again in a moment
     */
    429: Problem;
    /**
     * The headers are too large or too many
     */
    431: Problem;
    /**
     * This server failed; its log has the request id
     */
    500: Problem;
    /**
     * Not now; try again later
     */
    503: Problem;
    /**
     * The storage or the database is full
     */
    507: Problem;
};

export type DeleteRepositoryError = DeleteRepositoryErrors[keyof DeleteRepositoryErrors];

export type DeleteRepositoryResponses = {
    /**
     * What went, or would go
     */
    200: DeletedRepository;
};

export type DeleteRepositoryResponse = DeleteRepositoryResponses[keyof DeleteRepositoryResponses];

export type GetRepositoryData = {
    body?: never;
    path: {
        /**
         * Name of a repository. Slashes are sent as `%2F`, or plain; a plain path that ends in `/tags/{tag}/history` or `/tags/{tag}/restore` is that of a tag, whatever repositories are called
         */
        name: string;
    };
    query?: never;
    url: '/v1/repositories/{name}';
};

export type GetRepositoryErrors = {
    /**
     * The request is not well-formed
     */
    400: Problem;
    /**
     * The caller may not do this
     */
    403: Problem;
    /**
     * There is no such thing, or the caller may not know of it
     */
    404: Problem;
    /**
     * The request took too long to arrive
     */
    408: Problem;
    /**
     * The URL is too long
     */
    414: Problem;
    /**
     * This server does not answer to that Host
     */
    421: Problem;
    /**
     * Too many requests at once; try again in a moment
     */
    429: Problem;
    /**
     * The headers are too large or too many
     */
    431: Problem;
    /**
     * This server failed; its log has the request id
     */
    500: Problem;
    /**
     * Not now; try again later
     */
    503: Problem;
    /**
     * The storage or the database is full
     */
    507: Problem;
};

export type GetRepositoryError = GetRepositoryErrors[keyof GetRepositoryErrors];

export type GetRepositoryResponses = {
    /**
     * The repository
     */
    200: Repository;
};

export type GetRepositoryResponse = GetRepositoryResponses[keyof GetRepositoryResponses];

export type GetTagHistoryData = {
    body?: never;
    path: {
        /**
         * Name of a repository. Slashes are sent as `%2F`, or plain; a plain path that ends in `/tags/{tag}/history` or `/tags/{tag}/restore` is that of a tag, whatever repositories are called
         */
        name: string;
        /**
         * A tag
         */
        tag: string;
    };
    query?: {
        /**
         * Items on the page at most
         */
        limit?: number;
        /**
         * `next_cursor` of the page before, unchanged
         */
        cursor?: string;
    };
    url: '/v1/repositories/{name}/tags/{tag}/history';
};

export type GetTagHistoryErrors = {
    /**
     * The request is not well-formed
     */
    400: Problem;
    /**
     * The caller may not do this
     */
    403: Problem;
    /**
     * There is no such thing, or the caller may not know of it
     */
    404: Problem;
    /**
     * The request took too long to arrive
     */
    408: Problem;
    /**
     * The URL is too long
     */
    414: Problem;
    /**
     * This server does not answer to that Host
     */
    421: Problem;
    /**
     * Too many requests at once; try again in a moment
     */
    429: Problem;
    /**
     * The headers are too large or too many
     */
    431: Problem;
    /**
     * This server failed; its log has the request id
     */
    500: Problem;
    /**
     * Not now; try again later
     */
    503: Problem;
    /**
     * The storage or the database is full
     */
    507: Problem;
};

export type GetTagHistoryError = GetTagHistoryErrors[keyof GetTagHistoryErrors];

export type GetTagHistoryResponses = {
    /**
     * A page
     */
    200: TagHistoryPage;
};

export type GetTagHistoryResponse = GetTagHistoryResponses[keyof GetTagHistoryResponses];

export type RestoreTagData = {
    body: RestoreTag;
    path: {
        /**
         * Name of a repository. Slashes are sent as `%2F`, or plain; a plain path that ends in `/tags/{tag}/history` or `/tags/{tag}/restore` is that of a tag, whatever repositories are called
         */
        name: string;
        /**
         * A tag
         */
        tag: string;
    };
    query?: never;
    url: '/v1/repositories/{name}/tags/{tag}/restore';
};

export type RestoreTagErrors = {
    /**
     * The request is not well-formed
     */
    400: Problem;
    /**
     * The caller may not do this
     */
    403: Problem;
    /**
     * There is no such thing, or the caller may not know of it
     */
    404: Problem;
    /**
     * The request took too long to arrive
     */
    408: Problem;
    /**
     * The state of things does not allow it
     */
    409: Problem;
    /**
     * It was there; `data` says which event removed it
     */
    410: Problem;
    /**
     * A limit is exceeded
     */
    413: Problem;
    /**
     * The URL is too long
     */
    414: Problem;
    /**
     * The body is of a type or coding that is not taken here
     */
    415: Problem;
    /**
     * This server does not answer to that Host
     */
    421: Problem;
    /**
     * The content does not fit what was said about it
     */
    422: Problem;
    /**
     * Too many requests at once; try again in a moment
     */
    429: Problem;
    /**
     * The headers are too large or too many
     */
    431: Problem;
    /**
     * This server failed; its log has the request id
     */
    500: Problem;
    /**
     * Not now; try again later
     */
    503: Problem;
    /**
     * The storage or the database is full
     */
    507: Problem;
};

export type RestoreTagError = RestoreTagErrors[keyof RestoreTagErrors];

export type RestoreTagResponses = {
    /**
     * Where it points now
     */
    200: RestoredTag;
};

export type RestoreTagResponse = RestoreTagResponses[keyof RestoreTagResponses];

export type GetTagRulesData = {
    body?: never;
    path?: never;
    query?: never;
    url: '/v1/tag-rules';
};

export type GetTagRulesErrors = {
    /**
     * The request is not well-formed
     */
    400: Problem;
    /**
     * The caller may not do this
     */
    403: Problem;
    /**
     * The request took too long to arrive
     */
    408: Problem;
    /**
     * The URL is too long
     */
    414: Problem;
    /**
     * This server does not answer to that Host
     */
    421: Problem;
    /**
     * Too many requests at once; try again in a moment
     */
    429: Problem;
    /**
     * The headers are too large or too many
     */
    431: Problem;
    /**
     * This server failed; its log has the request id
     */
    500: Problem;
    /**
     * Not now; try again later
     */
    503: Problem;
    /**
     * The storage or the database is full
     */
    507: Problem;
};

export type GetTagRulesError = GetTagRulesErrors[keyof GetTagRulesErrors];

export type GetTagRulesResponses = {
    /**
     * The rules of the tenant
     */
    200: TagRules;
};

export type GetTagRulesResponse = GetTagRulesResponses[keyof GetTagRulesResponses];

export type SetTagRulesData = {
    body: SetTagRules;
    path?: never;
    query?: never;
    url: '/v1/tag-rules';
};

export type SetTagRulesErrors = {
    /**
     * The request is not well-formed
     */
    400: Problem;
    /**
     * The caller may not do this
     */
    403: Problem;
    /**
     * The request took too long to arrive
     */
    408: Problem;
    /**
     * The state of things does not allow it
     */
    409: Problem;
    /**
     * A limit is exceeded
     */
    413: Problem;
    /**
     * The URL is too long
     */
    414: Problem;
    /**
     * The body is of a type or coding that is not taken here
     */
    415: Problem;
    /**
     * This server does not answer to that Host
     */
    421: Problem;
    /**
     * Too many requests at once; try again in a moment
     */
    429: Problem;
    /**
     * The headers are too large or too many
     */
    431: Problem;
    /**
     * This server failed; its log has the request id
     */
    500: Problem;
    /**
     * Not now; try again later
     */
    503: Problem;
    /**
     * The storage or the database is full
     */
    507: Problem;
};

export type SetTagRulesError = SetTagRulesErrors[keyof SetTagRulesErrors];

export type SetTagRulesResponses = {
    /**
     * The rules as they are now
     */
    200: TagRules;
};

export type SetTagRulesResponse = SetTagRulesResponses[keyof SetTagRulesResponses];

export type PreviewTagRulesData = {
    body: PreviewTagRules;
    path?: never;
    query?: never;
    url: '/v1/tag-rules/preview';
};

export type PreviewTagRulesErrors = {
    /**
     * The request is not well-formed
     */
    400: Problem;
    /**
     * The caller may not do this
     */
    403: Problem;
    /**
     * The request took too long to arrive
     */
    408: Problem;
    /**
     * A limit is exceeded
     */
    413: Problem;
    /**
     * The URL is too long
     */
    414: Problem;
    /**
     * The body is of a type or coding that is not taken here
     */
    415: Problem;
    /**
     * This server does not answer to that Host
     */
    421: Problem;
    /**
     * Too many requests at once; try again in a moment
     */
    429: Problem;
    /**
     * The headers are too large or too many
     */
    431: Problem;
    /**
     * This server failed; its log has the request id
     */
    500: Problem;
    /**
     * Not now; try again later
     */
    503: Problem;
    /**
     * The storage or the database is full
     */
    507: Problem;
};

export type PreviewTagRulesError = PreviewTagRulesErrors[keyof PreviewTagRulesErrors];

export type PreviewTagRulesResponses = {
    /**
     * How many tags become immutable, or free
     */
    200: TagRulesPreview;
};

export type PreviewTagRulesResponse = PreviewTagRulesResponses[keyof PreviewTagRulesResponses];
