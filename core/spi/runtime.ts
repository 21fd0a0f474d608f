/**
 * Runtime SPI: what the program needs of Bun, Deno or Node beyond web standards. Detected once, in `adapters/runtime.ts`.
 */

import type { ChunkPool } from "../base/chunk_pool.ts";

/** A certificate chain and its private key, as PEM text. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** What the transport knows of a request beside the request itself. */
export interface Connection {
  /** Address of the other end, which may be a proxy. IPv4 as such, not mapped into IPv6. */
  readonly ip: string;
  /** Whether this server decrypted it. */
  readonly encrypted: boolean;
  /** Header lines, each counted, however often a name comes. */
  readonly headerCount: number;
  /** Bytes of all names and values as they were sent. */
  readonly headerBytes: number;
  /** Settles, and never fails, when the answer was handed to the system or given up. */
  readonly finished: Promise<Finished>;
}

export interface Finished {
  /** Bytes of body that were sent. */
  readonly bytes: number;
  /** False when the connection ended before the answer did. */
  readonly whole: boolean;
}

/**
 * An answer that is complete, as plain data: what is small and asked for all the time need not become a `Response`, its
 * headers and a stream, only to be taken apart again. It belongs to the transport once it is returned.
 */
export interface Answer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Record<string, string>;
  /** `null`: nothing, as for HEAD, whose `content-length` tells of what GET would have. */
  readonly body: Uint8Array | null;
}

/** Milliseconds; 0 means never. */
export interface Timeouts {
  /** From the first byte of a request (of a connection, for its first one) to the end of its headers, and of a JSON body. */
  readonly read: number;
  /** A connection on which nothing is asked. */
  readonly idle: number;
  /** From the first byte of an answer to its last. */
  readonly write: number;
}

/** What a stranger may take up. Bodies of any size pass: their limits are the application's. */
export interface TransportLimits {
  /** Connections at once; more are closed as they come. */
  readonly maxConnections: number;
  /** Request line and headers together, in bytes; more is answered with 431. */
  readonly maxHeadBytes: number;
  /**
   * Bytes a second, on average, that a client must send of its body, and take of its answer, while it is waited for.
   * 0: any. A reader is not blamed for 4 MiB that the system may hold ready for it.
   */
  readonly minRate: number;
  /** Milliseconds for which a client may be slower than `minRate`, also by sending nothing at all. */
  readonly minRateWindow: number;
}

/** Statuses that the transport answers by itself, where there is no request that an application could be given. */
export type RefusalStatus = 400 | 408 | 413 | 431 | 500;

export interface Refusal {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface ServeOptions {
  /** Without brackets: `127.0.0.1`, `::1`, `localhost`. */
  readonly hostname: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** TLS 1.2 and later. Without it everything is plain text. */
  readonly tls?: Certificate;
  /** Default: read 30 s, idle 120 s, write never. */
  readonly timeouts?: Partial<Timeouts>;
  readonly limits?: Partial<TransportLimits>;
  /**
   * The body of the request is read as the application asks for it, `100 Continue` is sent when it first does, and
   * what it leaves unread is thrown away with the connection. The request's signal aborts when the client goes.
   * An answer whose stream fails, or which is not as long as its Content-Length says, is cut off, never ended.
   */
  fetch(request: Request, connection: Connection): Response | Answer | Promise<Response | Answer>;
  /** The words of what the transport refuses. Default: nothing but the status. */
  refuse?(status: RefusalStatus): Refusal;
  /** What of an answer's body came from here is given back once the system has its bytes. It adopts what requests bring. */
  readonly chunks?: ChunkPool;
  /** What `fetch` threw, or the stream of an answer. */
  onError?(error: unknown): void;
}

export interface Listening {
  /** `http(s)://host:port`, with the port in use. */
  readonly url: string;
  readonly port: number;
  /**
   * `graceful`: closes idle connections; requests that run now are answered, later ones too, and their connections
   * closed; when those that ran are done, nothing is accepted any more, and it resolves when the last one is answered.
   * Otherwise connections are cut; that may follow a graceful stop which takes too long.
   */
  stop(graceful: boolean): Promise<void>;
  /** For connections from now on. Throws, and keeps what it has, when the two do not fit each other. */
  replaceCertificate(pair: Certificate): void;
}

/** The decompressed bytes of a source. Throws what the source throws, and anything where the data is no good. */
export type Decompressor = (source: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>;

export type Signal = "SIGINT" | "SIGTERM" | "SIGHUP";

export interface Runtime {
  readonly name: "bun" | "deno" | "node";
  readonly version: string;
  /** Command line without the runtime and the script. */
  readonly args: readonly string[];
  /** As it was when the runtime was detected. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Absolute path of the working directory. */
  cwd(): string;
  /** Resolves when connections are accepted. `config_invalid` when the address cannot be listened on. */
  serve(options: ServeOptions): Promise<Listening>;
  /** Calls back at each of these signals (default: SIGINT, SIGTERM) instead of dying of it. Returns the way to stop. */
  onSignal(handler: (signal: Signal) => void, signals?: readonly Signal[]): () => void;
  /** Ends the process at once; what was written to a pipe may be lost. Prefer to return with `exitCode` set. */
  exit(code: number): never;
}
