/** The answer of `GET /health` and `artifactstore health`. Sent as it stands, hence the snake_case keys. */

export interface HealthReport {
  /** `degraded`: something below is not `ok`; the HTTP status is 503. */
  readonly status: "ok" | "degraded";
  readonly version: string;
  /** Abbreviated git commit, `-dirty` appended when the checkout differed from it; `unknown` outside a checkout. */
  readonly commit: string;
  readonly registry: {
    readonly ok: boolean;
    /** Null while the log is empty or cannot be read. Worth keeping elsewhere: a later head must extend it. */
    readonly head: { readonly sequence: number; readonly hash: string } | null;
  };
  readonly database: {
    readonly ok: boolean;
    readonly kind: string;
    readonly version: string;
    /** As read back from the database, not as asked for. */
    readonly synchronous: string;
    readonly journal_mode?: string;
    /** Bytes; absent where the database does not tell. */
    readonly free_bytes?: number;
    /** Why not, for people. */
    readonly detail?: string;
  };
  readonly storage: readonly StorageReport[];
  /** The kernel that hashes in this process. */
  readonly hasher: { readonly kernel: string; readonly name: string };
  readonly runtime: { readonly name: "bun" | "deno" | "node"; readonly version: string };
}

export interface StorageReport {
  readonly backend_id: string;
  readonly kind: string;
  readonly ok: boolean;
  readonly writable: boolean;
  /** Bytes; absent where the backend cannot know. */
  readonly free_bytes?: number;
  readonly total_bytes?: number;
  /** Why not, for people. */
  readonly detail?: string;
}
