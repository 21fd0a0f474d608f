/**
 * Data plane SPI: moves and hashes bytes. In-process today (`core/content/`), perhaps a remote process later.
 * Nothing outside the data plane calls a storage backend.
 */
import type { ChunkPool } from "../base/chunk_pool.ts";
import type { Algorithm } from "../identity/algorithms.ts";
import type { ContentAddress } from "../identity/content_address.ts";
import type { Digest } from "../identity/digest.ts";
import type {
  ByteRange,
  Page,
  StagedLeftover,
  StorageHealth,
  StorageLocation,
  StoredObject,
  UploadCheckpoint,
} from "./storage.ts";

/** What one pass over the bytes established. */
export interface ContentFacts {
  readonly address: ContentAddress;
  /** Bytes. */
  readonly size: number;
  /** `blake3`, `sha256`, and what else was asked for. */
  readonly digests: Readonly<Partial<Record<Algorithm, Digest>>> & { readonly blake3: Digest; readonly sha256: Digest };
}

/** The control plane's answer to "these are the bytes; where do they go?". */
export type Placement =
  | { readonly action: "reuse"; readonly location: StorageLocation }
  | { readonly action: "publish"; readonly backend_id: string; readonly generation: number };

export interface IngestOptions {
  /** Refuse with `digest_mismatch` before anything is published. Any known algorithm. */
  readonly expected?: readonly Digest[];
  /** Refuse with `size_mismatch`. Bytes. */
  readonly expected_size?: number;
  /** Refuse with `limit_exceeded` as soon as more bytes arrive. */
  readonly max_size: number;
  /** Digests beyond blake3 and sha256. */
  readonly algorithms?: readonly Algorithm[];
  /** Which backend stages the bytes. */
  readonly backend_id: string;
  readonly signal?: AbortSignal;
  /**
   * Asked after the last byte and all checks. `reuse`: the stored copy is kept, if it exists with the right size, and
   * the staged bytes are dropped; if it does not, `place` is asked once more with that location as `unusable` and must
   * answer `publish`. `publish`: the bytes become durable there.
   */
  place(facts: ContentFacts, unusable?: StorageLocation): Promise<Placement>;
}

export interface IngestResult extends ContentFacts {
  readonly location: StorageLocation;
  /** True when the stored copy was kept. */
  readonly deduplicated: boolean;
}

/** An upload as its caller's records have it. */
export interface UploadBytes {
  readonly backend_id: string;
  /** A UUID, recorded before the first call. */
  readonly upload_id: string;
  /** The newest recorded; none before the first. */
  readonly checkpoint?: UploadCheckpoint;
  /** Another holder may still be writing after the checkpoint. */
  readonly contended: boolean;
  /** Digests beyond blake3 and sha256 that will be wanted: saves reading the bytes again in the end. */
  readonly algorithms?: readonly Algorithm[];
  readonly signal?: AbortSignal;
  /**
   * Records a checkpoint, if the caller still holds the upload. What it rejects with ends the call, and passes through.
   * Nothing counts that was not recorded. `last`: how the source ended, with the last checkpoint of this call, after
   * which none of its bytes can come any more.
   */
  record(checkpoint: UploadCheckpoint, last?: "whole" | "cut"): Promise<void>;
}

export interface ServeRequest {
  readonly location: StorageLocation;
  readonly address: ContentAddress;
  /** Size of the whole object in bytes. */
  readonly size: number;
  readonly range?: ByteRange;
  /** Default true: a whole read is re-digested while it streams. */
  readonly verify?: boolean;
  /** Where the chunks come from, if the reader gives them back. */
  readonly chunks?: ChunkPool;
  readonly signal?: AbortSignal;
}

export interface VerifyResult {
  readonly ok: boolean;
  readonly problem?: "missing" | "size" | "digest";
  readonly found_size?: number;
  readonly found?: Readonly<Partial<Record<Algorithm, Digest>>>;
}

export interface DataPlane {
  /** Stages, hashes, checks, places. Rejects with the storage SPI's errors; leaves nothing staged behind. */
  ingest(source: AsyncIterable<Uint8Array>, options: IngestOptions): Promise<IngestResult>;
  /**
   * Adds bytes to an upload. Checkpoints are recorded on the way (every 32 MiB) and in the end; also when the source
   * breaks or the signal fires: what arrived counts, then the failure passes through. With `expected` (digests of these
   * bytes alone, at most 256 MiB of them) nothing is recorded before all of them have matched.
   * @throws {RegistryError} `object_missing` when the recorded bytes are gone, `digest_mismatch`, `limit_exceeded`
   */
  appendUpload(
    upload: UploadBytes,
    source: AsyncIterable<Uint8Array>,
    options?: { readonly expected?: readonly Digest[] },
  ): Promise<void>;
  /**
   * Ends an upload as `ingest()` ends: checks, places, publishes, and copies nothing. The bytes are hashed while they
   * arrive; if that state is gone they are read again once. May be repeated until `discardUpload()`.
   */
  completeUpload(
    upload: UploadBytes,
    options: Pick<IngestOptions, "expected" | "expected_size" | "algorithms" | "place">,
  ): Promise<IngestResult>;
  /** Where a completed upload lies that nobody may have recorded; see the storage SPI. */
  sealedUpload(backendId: string, uploadId: string): Promise<StorageLocation | undefined>;
  /** Frees what an upload holds besides what was published. */
  discardUpload(backendId: string, uploadId: string): Promise<void>;
  listUploads(backendId: string, before: number): Promise<readonly StagedLeftover[]>;
  /**
   * The object's bytes. A whole read that does not match its address throws `object_corrupt` before its last bytes
   * are handed out (objects up to 4 MiB: before the first). Ranges are checked for length only.
   */
  serve(request: ServeRequest): AsyncIterable<Uint8Array>;
  /** Re-digests the stored bytes against every given digest. Does not throw for damage: it is the answer. */
  verify(
    location: StorageLocation,
    expected: { readonly size: number; readonly digests: readonly Digest[] },
    signal?: AbortSignal,
  ): Promise<VerifyResult>;
  /** Copies an object to another backend, verified on the way. */
  copy(
    from: StorageLocation,
    facts: ContentFacts,
    to: { backend_id: string; generation: number },
  ): Promise<StorageLocation>;
  delete(location: StorageLocation): Promise<void>;
  list(backendId: string, options: { readonly limit: number; readonly cursor?: string }): Promise<Page<StoredObject>>;
  listStaged(backendId: string, before: number): Promise<readonly StagedLeftover[]>;
  discardStaged(backendId: string, id: string): Promise<void>;
  health(): Promise<readonly (StorageHealth & { readonly backend_id: string; readonly kind: string })[]>;
  close(): Promise<void>;
}
