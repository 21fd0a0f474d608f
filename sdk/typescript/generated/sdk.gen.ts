// @ts-nocheck
// Generated from docs/api/openapi.json. Do not edit; renew it: node scripts/generate_sdk.ts

import type { Client, ClientMeta, Options as Options2, RequestResult, TDataShape } from './client/index.ts';
import type { AbandonPackageData, AbandonPackageErrors, AbandonPackageResponses, AppendUploadData, AppendUploadErrors, AppendUploadResponses, CancelUploadData, CancelUploadErrors, CancelUploadResponses, CreatePackageData, CreatePackageErrors, CreatePackageResponses, CreateUploadData, CreateUploadErrors, CreateUploadResponses, DeleteFileData, DeleteFileErrors, DeleteFileResponses, DeleteRepositoryData, DeleteRepositoryErrors, DeleteRepositoryResponses, ExportArchiveData, ExportArchiveErrors, ExportArchiveHeadData, ExportArchiveHeadErrors, ExportArchiveHeadResponses, ExportArchiveResponses, FinalizePackageData, FinalizePackageErrors, FinalizePackageResponses, FixStoreData, FixStoreErrors, FixStoreResponses, GetEventHeadData, GetEventHeadErrors, GetEventHeadResponses, GetEventPayloadData, GetEventPayloadErrors, GetEventPayloadResponses, GetFileData, GetFileErrors, GetFileHeadData, GetFileHeadErrors, GetFileHeadResponses, GetFileResponses, GetHealthData, GetHealthErrors, GetHealthResponses, GetManifestData, GetManifestErrors, GetManifestHeadData, GetManifestHeadErrors, GetManifestHeadResponses, GetManifestResponses, GetObjectData, GetObjectErrors, GetObjectHeadData, GetObjectHeadErrors, GetObjectHeadResponses, GetObjectResponses, GetPackageData, GetPackageErrors, GetPackageResponses, GetReadyData, GetReadyErrors, GetReadyResponses, GetRepositoryData, GetRepositoryErrors, GetRepositoryResponses, GetTagHistoryData, GetTagHistoryErrors, GetTagHistoryResponses, GetTagRulesData, GetTagRulesErrors, GetTagRulesResponses, GetUploadData, GetUploadErrors, GetUploadHeadData, GetUploadHeadErrors, GetUploadHeadResponses, GetUploadResponses, ImportArchiveData, ImportArchiveErrors, ImportArchiveResponses, ImportOciData, ImportOciErrors, ImportOciResponses, InspectStoreData, InspectStoreErrors, InspectStoreResponses, ListEventsData, ListEventsErrors, ListEventsResponses, ListFilesData, ListFilesErrors, ListFilesResponses, ListPackagesData, ListPackagesErrors, ListPackagesResponses, ListRepositoriesData, ListRepositoriesErrors, ListRepositoriesResponses, PreviewTagRulesData, PreviewTagRulesErrors, PreviewTagRulesResponses, PutFileData, PutFileErrors, PutFileResponses, RegisterMetadataSchemaData, RegisterMetadataSchemaErrors, RegisterMetadataSchemaResponses, RestoreTagData, RestoreTagErrors, RestoreTagResponses, SetTagRulesData, SetTagRulesErrors, SetTagRulesResponses, VerifyPackageData, VerifyPackageErrors, VerifyPackageResponses } from './types.gen.ts';

export type Options<TData extends TDataShape = TDataShape, ThrowOnError extends boolean = boolean, TResponse = unknown> = Options2<TData, ThrowOnError, TResponse> & {
    /**
     * You can provide a client instance returned by `createClient()` instead of
     * individual options. This might be also useful if you want to implement a
     * custom client.
     */
    client?: Client;
    /**
     * You can pass arbitrary values through the `meta` object. This can be
     * used to access values that aren't defined as part of the SDK function.
     */
    meta?: keyof ClientMeta extends never ? Record<string, unknown> : ClientMeta;
};

class HeyApiClient {
    protected client: Client;
    
    constructor(args: {
        client: Client;
    }) {
        this.client = args.client;
    }
}

class HeyApiRegistry<T> {
    private readonly defaultKey = 'default';
    
    private readonly instances: Map<string, T> = new Map();
    
    get(key?: string): T {
        const instance = this.instances.get(key ?? this.defaultKey);
        if (!instance) {
            throw new Error(`No SDK client found. Create one with "new Api()" to fix this error.`);
        }
        return instance;
    }
    
    set(value: T, key?: string): void {
        this.instances.set(key ?? this.defaultKey, value);
    }
}

export class Api extends HeyApiClient {
    public static readonly __registry: HeyApiRegistry<Api> = new HeyApiRegistry<Api>();
    
    constructor(args: {
        client: Client;
        key?: string;
    }) {
        super(args);
        Api.__registry.set(this, args.key);
    }
    
    /**
     * How this server and what it works with are
     */
    public getHealth<ThrowOnError extends boolean = true>(options?: Options<GetHealthData, ThrowOnError>): RequestResult<GetHealthResponses, GetHealthErrors, ThrowOnError> {
        return (options?.client ?? this.client).get<GetHealthResponses, GetHealthErrors, ThrowOnError>({ url: '/health', ...options });
    }
    
    /**
     * Whether requests should be sent here
     */
    public getReady<ThrowOnError extends boolean = true>(options?: Options<GetReadyData, ThrowOnError>): RequestResult<GetReadyResponses, GetReadyErrors, ThrowOnError> {
        return (options?.client ?? this.client).get<GetReadyResponses, GetReadyErrors, ThrowOnError>({ url: '/ready', ...options });
    }
    
    /**
     * Packages, newest first
     */
    public listPackages<ThrowOnError extends boolean = true>(options?: Options<ListPackagesData, ThrowOnError>): RequestResult<ListPackagesResponses, ListPackagesErrors, ThrowOnError> {
        return (options?.client ?? this.client).get<ListPackagesResponses, ListPackagesErrors, ThrowOnError>({ url: '/packages', ...options });
    }
    
    /**
     * Open a package
     */
    public createPackage<ThrowOnError extends boolean = true>(options: Options<CreatePackageData, ThrowOnError>): RequestResult<CreatePackageResponses, CreatePackageErrors, ThrowOnError> {
        return (options.client ?? this.client).post<CreatePackageResponses, CreatePackageErrors, ThrowOnError>({
            url: '/packages',
            ...options,
            headers: {
                'Content-Type': 'application/json',
                ...options.headers
            }
        });
    }
    
    /**
     * A package by its id or name@version
     */
    public getPackage<ThrowOnError extends boolean = true>(options: Options<GetPackageData, ThrowOnError>): RequestResult<GetPackageResponses, GetPackageErrors, ThrowOnError> {
        return (options.client ?? this.client).get<GetPackageResponses, GetPackageErrors, ThrowOnError>({ url: '/packages/{id}', ...options });
    }
    
    /**
     * Close a package for good; doing it twice gives the same answer
     */
    public finalizePackage<ThrowOnError extends boolean = true>(options: Options<FinalizePackageData, ThrowOnError>): RequestResult<FinalizePackageResponses, FinalizePackageErrors, ThrowOnError> {
        return (options.client ?? this.client).post<FinalizePackageResponses, FinalizePackageErrors, ThrowOnError>({ url: '/packages/{id}/finalize', ...options });
    }
    
    /**
     * Give an open package up; it can never be finalised
     */
    public abandonPackage<ThrowOnError extends boolean = true>(options: Options<AbandonPackageData, ThrowOnError>): RequestResult<AbandonPackageResponses, AbandonPackageErrors, ThrowOnError> {
        return (options.client ?? this.client).post<AbandonPackageResponses, AbandonPackageErrors, ThrowOnError>({
            url: '/packages/{id}/abandon',
            ...options,
            headers: {
                'Content-Type': 'application/json',
                ...options.headers
            }
        });
    }
    
    /**
     * Digest every stored object of a package again
     *
     * Damage is the answer, not an error. It takes as long as reading everything once; meanwhile the answer is spaces, so that the connection lives.
     */
    public verifyPackage<ThrowOnError extends boolean = true>(options: Options<VerifyPackageData, ThrowOnError>): RequestResult<VerifyPackageResponses, VerifyPackageErrors, ThrowOnError> {
        return (options.client ?? this.client).post<VerifyPackageResponses, VerifyPackageErrors, ThrowOnError>({ url: '/packages/{id}/verify', ...options });
    }
    
    /**
     * Make a package of an image or artifact in a repository, and close it
     *
     * The package is the OCI image layout of what is named (`oci-layout`, `index.json`, `blobs/<algorithm>/<digest>`) with everything that it reaches. No blob is copied.
     *
     * What manifests name and the repository does not have is refused with `manifest_blob_unknown`, unless it is allowed; layers that may not be distributed may be elsewhere.
     */
    public importOci<ThrowOnError extends boolean = true>(options: Options<ImportOciData, ThrowOnError>): RequestResult<ImportOciResponses, ImportOciErrors, ThrowOnError> {
        return (options.client ?? this.client).post<ImportOciResponses, ImportOciErrors, ThrowOnError>({
            url: '/packages/import-oci',
            ...options,
            headers: {
                'Content-Type': 'application/json',
                ...options.headers
            }
        });
    }
    
    /**
     * Entries of a package, in byte order of their paths
     */
    public listFiles<ThrowOnError extends boolean = true>(options: Options<ListFilesData, ThrowOnError>): RequestResult<ListFilesResponses, ListFilesErrors, ThrowOnError> {
        return (options.client ?? this.client).get<ListFilesResponses, ListFilesErrors, ThrowOnError>({ url: '/packages/{id}/files', ...options });
    }
    
    /**
     * Take an entry out of an open package
     */
    public deleteFile<ThrowOnError extends boolean = true>(options: Options<DeleteFileData, ThrowOnError>): RequestResult<DeleteFileResponses, DeleteFileErrors, ThrowOnError> {
        return (options.client ?? this.client).delete<DeleteFileResponses, DeleteFileErrors, ThrowOnError>({ url: '/packages/{id}/files/{path}', ...options });
    }
    
    /**
     * The bytes of a file
     */
    public getFile<ThrowOnError extends boolean = true>(options: Options<GetFileData, ThrowOnError>): RequestResult<GetFileResponses, GetFileErrors, ThrowOnError> {
        return (options.client ?? this.client).get<GetFileResponses, GetFileErrors, ThrowOnError>({ url: '/packages/{id}/files/{path}', ...options });
    }
    
    /**
     * The bytes of a file: its headers
     */
    public getFileHead<ThrowOnError extends boolean = true>(options: Options<GetFileHeadData, ThrowOnError>): RequestResult<GetFileHeadResponses, GetFileHeadErrors, ThrowOnError> {
        return (options.client ?? this.client).head<GetFileHeadResponses, GetFileHeadErrors, ThrowOnError>({ url: '/packages/{id}/files/{path}', ...options });
    }
    
    /**
     * Add an entry to an open package
     *
     * The body is the content, as it is. `Content-Type` is kept as the media type of the file (without parameters; `application/x-www-form-urlencoded`, which curl sends unasked, is not kept).
     *
     * `kind=directory` adds an empty directory (no body), `kind=symlink` a symbolic link whose target is the body.
     *
     * A body that is cut, or does not have the length or digests that were announced, leaves nothing behind.
     */
    public putFile<ThrowOnError extends boolean = true>(options: Options<PutFileData, ThrowOnError>): RequestResult<PutFileResponses, PutFileErrors, ThrowOnError> {
        return (options.client ?? this.client).put<PutFileResponses, PutFileErrors, ThrowOnError>({
            bodySerializer: null,
            url: '/packages/{id}/files/{path}',
            ...options,
            headers: {
                'Content-Type': 'application/octet-stream',
                ...options.headers
            }
        });
    }
    
    /**
     * The whole package as a tar or a zip
     *
     * `format` decides; without it `Accept` does (`application/x-tar` or `application/zip`), and otherwise it is a tar. The same finalised package gives the same bytes. The length is not known before; where stored content turns out to be damaged, the connection is cut and the archive has no end.
     */
    public exportArchive<ThrowOnError extends boolean = true>(options: Options<ExportArchiveData, ThrowOnError>): RequestResult<ExportArchiveResponses, ExportArchiveErrors, ThrowOnError> {
        return (options.client ?? this.client).get<ExportArchiveResponses, ExportArchiveErrors, ThrowOnError>({ url: '/packages/{id}/archive', ...options });
    }
    
    /**
     * The whole package as a tar or a zip: its headers
     *
     * `format` decides; without it `Accept` does (`application/x-tar` or `application/zip`), and otherwise it is a tar. The same finalised package gives the same bytes. The length is not known before; where stored content turns out to be damaged, the connection is cut and the archive has no end.
     */
    public exportArchiveHead<ThrowOnError extends boolean = true>(options: Options<ExportArchiveHeadData, ThrowOnError>): RequestResult<ExportArchiveHeadResponses, ExportArchiveHeadErrors, ThrowOnError> {
        return (options.client ?? this.client).head<ExportArchiveHeadResponses, ExportArchiveHeadErrors, ThrowOnError>({ url: '/packages/{id}/archive', ...options });
    }
    
    /**
     * Add everything that a tar holds to an open package
     *
     * Files, symbolic links, empty directories and the owner's executable bit are kept; hard links become files. All of it is added, or nothing.
     *
     * `Content-Type: application/x-tar`, compressed with `Content-Encoding: gzip` or `zstd`; or the type names the compression: `application/gzip`, `application/zstd`.
     *
     * What cannot be taken is answered with `archive_refused`, whose `data.entries` names paths and reasons (the first hundred); an archive that is cut or malformed with `invalid_archive`.
     */
    public importArchive<ThrowOnError extends boolean = true>(options: Options<ImportArchiveData, ThrowOnError>): RequestResult<ImportArchiveResponses, ImportArchiveErrors, ThrowOnError> {
        return (options.client ?? this.client).post<ImportArchiveResponses, ImportArchiveErrors, ThrowOnError>({
            bodySerializer: null,
            url: '/packages/{id}/archive',
            ...options,
            headers: {
                'Content-Type': 'application/x-tar',
                ...options.headers
            }
        });
    }
    
    /**
     * The manifest of a finalised package
     *
     * `application/cbor`: the canonical bytes (RFC 8949, 4.2), whose BLAKE3 is `manifest_digest`. `application/json`: the same as canonical JSON (RFC 8785), for which a large one takes its time; 413 where it is too large for that.
     */
    public getManifest<ThrowOnError extends boolean = true>(options: Options<GetManifestData, ThrowOnError>): RequestResult<GetManifestResponses, GetManifestErrors, ThrowOnError> {
        return (options.client ?? this.client).get<GetManifestResponses, GetManifestErrors, ThrowOnError>({ url: '/packages/{id}/manifest', ...options });
    }
    
    /**
     * The manifest of a finalised package: its headers
     *
     * `application/cbor`: the canonical bytes (RFC 8949, 4.2), whose BLAKE3 is `manifest_digest`. `application/json`: the same as canonical JSON (RFC 8785), for which a large one takes its time; 413 where it is too large for that.
     */
    public getManifestHead<ThrowOnError extends boolean = true>(options: Options<GetManifestHeadData, ThrowOnError>): RequestResult<GetManifestHeadResponses, GetManifestHeadErrors, ThrowOnError> {
        return (options.client ?? this.client).head<GetManifestHeadResponses, GetManifestHeadErrors, ThrowOnError>({ url: '/packages/{id}/manifest', ...options });
    }
    
    /**
     * The bytes of an object that a package of yours has
     */
    public getObject<ThrowOnError extends boolean = true>(options: Options<GetObjectData, ThrowOnError>): RequestResult<GetObjectResponses, GetObjectErrors, ThrowOnError> {
        return (options.client ?? this.client).get<GetObjectResponses, GetObjectErrors, ThrowOnError>({ url: '/objects/{content_address}', ...options });
    }
    
    /**
     * The bytes of an object that a package of yours has: its headers
     */
    public getObjectHead<ThrowOnError extends boolean = true>(options: Options<GetObjectHeadData, ThrowOnError>): RequestResult<GetObjectHeadResponses, GetObjectHeadErrors, ThrowOnError> {
        return (options.client ?? this.client).head<GetObjectHeadResponses, GetObjectHeadErrors, ThrowOnError>({ url: '/objects/{content_address}', ...options });
    }
    
    /**
     * Register a JSON Schema (2020-12) for metadata
     *
     * A registered schema never changes: the same again is fine, another one under the same id is refused.
     */
    public registerMetadataSchema<ThrowOnError extends boolean = true>(options: Options<RegisterMetadataSchemaData, ThrowOnError>): RequestResult<RegisterMetadataSchemaResponses, RegisterMetadataSchemaErrors, ThrowOnError> {
        return (options.client ?? this.client).put<RegisterMetadataSchemaResponses, RegisterMetadataSchemaErrors, ThrowOnError>({
            url: '/metadata-schemas/{schema_id}',
            ...options,
            headers: {
                'Content-Type': 'application/json',
                ...options.headers
            }
        });
    }
    
    /**
     * Begin a file whose bytes come over several requests
     *
     * The body may hold the first bytes, or all of them, or be empty. Keep `Location`: whatever happens to a connection, ask it with HEAD how far the upload is and send the rest with PATCH. 100 uploads may be open at once.
     */
    public createUpload<ThrowOnError extends boolean = true>(options: Options<CreateUploadData, ThrowOnError>): RequestResult<CreateUploadResponses, CreateUploadErrors, ThrowOnError> {
        return (options.client ?? this.client).post<CreateUploadResponses, CreateUploadErrors, ThrowOnError>({
            bodySerializer: null,
            url: '/uploads',
            ...options,
            headers: {
                'Content-Type': 'application/octet-stream',
                ...options.headers
            }
        });
    }
    
    /**
     * Give an upload up, and free its bytes
     */
    public cancelUpload<ThrowOnError extends boolean = true>(options: Options<CancelUploadData, ThrowOnError>): RequestResult<CancelUploadResponses, CancelUploadErrors, ThrowOnError> {
        return (options.client ?? this.client).delete<CancelUploadResponses, CancelUploadErrors, ThrowOnError>({ url: '/uploads/{id}', ...options });
    }
    
    /**
     * How far an upload is
     *
     * GET only looks. HEAD ends a request that is under way on the upload, so that its `Upload-Offset` is the one to go on at. The final answer can be read here for a day.
     */
    public getUpload<ThrowOnError extends boolean = true>(options: Options<GetUploadData, ThrowOnError>): RequestResult<GetUploadResponses, GetUploadErrors, ThrowOnError> {
        return (options.client ?? this.client).get<GetUploadResponses, GetUploadErrors, ThrowOnError>({ url: '/uploads/{id}', ...options });
    }
    
    /**
     * How far an upload is: its headers
     *
     * GET only looks. HEAD ends a request that is under way on the upload, so that its `Upload-Offset` is the one to go on at. The final answer can be read here for a day.
     */
    public getUploadHead<ThrowOnError extends boolean = true>(options: Options<GetUploadHeadData, ThrowOnError>): RequestResult<GetUploadHeadResponses, GetUploadHeadErrors, ThrowOnError> {
        return (options.client ?? this.client).head<GetUploadHeadResponses, GetUploadHeadErrors, ThrowOnError>({ url: '/uploads/{id}', ...options });
    }
    
    /**
     * Send bytes
     *
     * A newer request on an upload ends an older one. If the connection breaks, what arrived is kept. 409 `upload_offset_mismatch` tells the true `Upload-Offset`. An answer with `Upload-Complete: ?1` is final, also when it is a refusal, and is given again to whatever is sent later.
     */
    public appendUpload<ThrowOnError extends boolean = true>(options: Options<AppendUploadData, ThrowOnError>): RequestResult<AppendUploadResponses, AppendUploadErrors, ThrowOnError> {
        return (options.client ?? this.client).patch<AppendUploadResponses, AppendUploadErrors, ThrowOnError>({
            bodySerializer: null,
            url: '/uploads/{id}',
            ...options,
            headers: {
                'Content-Type': 'application/partial-upload',
                ...options.headers
            }
        });
    }
    
    /**
     * Leftovers of crashes, and what is missing
     *
     * Damage is the answer, not an error. It lists everything that is stored, and reads no content. While it takes long the answer is spaces.
     */
    public inspectStore<ThrowOnError extends boolean = true>(options?: Options<InspectStoreData, ThrowOnError>): RequestResult<InspectStoreResponses, InspectStoreErrors, ThrowOnError> {
        return (options?.client ?? this.client).get<InspectStoreResponses, InspectStoreErrors, ThrowOnError>({ url: '/doctor', ...options });
    }
    
    /**
     * Remove leftovers, and nothing that a name points at
     */
    public fixStore<ThrowOnError extends boolean = true>(options?: Options<FixStoreData, ThrowOnError>): RequestResult<FixStoreResponses, FixStoreErrors, ThrowOnError> {
        return (options?.client ?? this.client).post<FixStoreResponses, FixStoreErrors, ThrowOnError>({ url: '/doctor/fix', ...options });
    }
    
    /**
     * The newest event; keep its hash elsewhere, and a rewritten log can be told
     */
    public getEventHead<ThrowOnError extends boolean = true>(options?: Options<GetEventHeadData, ThrowOnError>): RequestResult<GetEventHeadResponses, GetEventHeadErrors, ThrowOnError> {
        return (options?.client ?? this.client).get<GetEventHeadResponses, GetEventHeadErrors, ThrowOnError>({ url: '/events/head', ...options });
    }
    
    /**
     * The payload of an event: the exact bytes, of any size
     */
    public getEventPayload<ThrowOnError extends boolean = true>(options: Options<GetEventPayloadData, ThrowOnError>): RequestResult<GetEventPayloadResponses, GetEventPayloadErrors, ThrowOnError> {
        return (options.client ?? this.client).get<GetEventPayloadResponses, GetEventPayloadErrors, ThrowOnError>({ url: '/events/{sequence}/payload', ...options });
    }
    
    /**
     * What happened, in order
     *
     * `application/json`: canonical JSON (RFC 8785); hashes as hex, payloads in the JSON projection of their CBOR.
     *
     * `application/cbor`: the same members; hashes, salt, `context` and `payload` are byte strings, the last two exactly as stored.
     *
     * `text/event-stream`: every event as it comes, `id` its sequence, `event` its type, `data` its JSON; a comment whenever nothing was sent for 7 seconds.
     *
     * A caller who may read the whole log gets it, counted by `sequence`. Everybody else gets the events of their tenant, counted by `tenant_sequence`.
     */
    public listEvents<ThrowOnError extends boolean = true>(options?: Options<ListEventsData, ThrowOnError>): RequestResult<ListEventsResponses, ListEventsErrors, ThrowOnError> {
        return (options?.client ?? this.client).get<ListEventsResponses, ListEventsErrors, ThrowOnError>({
            querySerializer: { parameters: { type: { array: { explode: false } } } },
            url: '/events',
            ...options
        });
    }
    
    /**
     * Repositories, in byte order of their names
     */
    public listRepositories<ThrowOnError extends boolean = true>(options?: Options<ListRepositoriesData, ThrowOnError>): RequestResult<ListRepositoriesResponses, ListRepositoriesErrors, ThrowOnError> {
        return (options?.client ?? this.client).get<ListRepositoriesResponses, ListRepositoriesErrors, ThrowOnError>({ url: '/v1/repositories', ...options });
    }
    
    /**
     * Delete a repository with everything in it
     *
     * Its tags, manifests and links to blobs go at once; what others have too stays theirs. Its events and the histories of its tags stay, and the name can be used again. Uploads under way go on, and begin it anew.
     */
    public deleteRepository<ThrowOnError extends boolean = true>(options: Options<DeleteRepositoryData, ThrowOnError>): RequestResult<DeleteRepositoryResponses, DeleteRepositoryErrors, ThrowOnError> {
        return (options.client ?? this.client).delete<DeleteRepositoryResponses, DeleteRepositoryErrors, ThrowOnError>({ url: '/v1/repositories/{name}', ...options });
    }
    
    /**
     * A repository, and how much is in it
     */
    public getRepository<ThrowOnError extends boolean = true>(options: Options<GetRepositoryData, ThrowOnError>): RequestResult<GetRepositoryResponses, GetRepositoryErrors, ThrowOnError> {
        return (options.client ?? this.client).get<GetRepositoryResponses, GetRepositoryErrors, ThrowOnError>({ url: '/v1/repositories/{name}', ...options });
    }
    
    /**
     * What a tag pointed at, newest first
     *
     * Over all repositories that had this name. `GET /v2/{name}/manifests/{tag}?as-of=<sequence or time>` gives the manifest of then, as long as it is there; afterwards 410, with the event that removed it.
     */
    public getTagHistory<ThrowOnError extends boolean = true>(options: Options<GetTagHistoryData, ThrowOnError>): RequestResult<GetTagHistoryResponses, GetTagHistoryErrors, ThrowOnError> {
        return (options.client ?? this.client).get<GetTagHistoryResponses, GetTagHistoryErrors, ThrowOnError>({ url: '/v1/repositories/{name}/tags/{tag}/history', ...options });
    }
    
    /**
     * Point a tag where it pointed before
     *
     * Also a tag that was deleted. What it pointed at must still be there (else 410), and its blobs with it (else 422), as for a push.
     */
    public restoreTag<ThrowOnError extends boolean = true>(options: Options<RestoreTagData, ThrowOnError>): RequestResult<RestoreTagResponses, RestoreTagErrors, ThrowOnError> {
        return (options.client ?? this.client).post<RestoreTagResponses, RestoreTagErrors, ThrowOnError>({
            url: '/v1/repositories/{name}/tags/{tag}/restore',
            ...options,
            headers: {
                'Content-Type': 'application/json',
                ...options.headers
            }
        });
    }
    
    /**
     * The rules for immutable tags
     */
    public getTagRules<ThrowOnError extends boolean = true>(options?: Options<GetTagRulesData, ThrowOnError>): RequestResult<GetTagRulesResponses, GetTagRulesErrors, ThrowOnError> {
        return (options?.client ?? this.client).get<GetTagRulesResponses, GetTagRulesErrors, ThrowOnError>({ url: '/v1/tag-rules', ...options });
    }
    
    /**
     * Replace the rules for immutable tags
     *
     * A tag that falls under a rule cannot move or be removed from then on, nor can the manifest or repository that it points at. Setting what there is changes nothing.
     */
    public setTagRules<ThrowOnError extends boolean = true>(options: Options<SetTagRulesData, ThrowOnError>): RequestResult<SetTagRulesResponses, SetTagRulesErrors, ThrowOnError> {
        return (options.client ?? this.client).put<SetTagRulesResponses, SetTagRulesErrors, ThrowOnError>({
            url: '/v1/tag-rules',
            ...options,
            headers: {
                'Content-Type': 'application/json',
                ...options.headers
            }
        });
    }
    
    /**
     * What other rules would change for the tags that there are
     *
     * It sets nothing. It looks at every tag; while that takes long the answer is spaces.
     */
    public previewTagRules<ThrowOnError extends boolean = true>(options: Options<PreviewTagRulesData, ThrowOnError>): RequestResult<PreviewTagRulesResponses, PreviewTagRulesErrors, ThrowOnError> {
        return (options.client ?? this.client).post<PreviewTagRulesResponses, PreviewTagRulesErrors, ThrowOnError>({
            url: '/v1/tag-rules/preview',
            ...options,
            headers: {
                'Content-Type': 'application/json',
                ...options.headers
            }
        });
    }
}
