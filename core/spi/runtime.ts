/**
 * Runtime SPI: what the program needs of Bun, Deno or Node beyond web standards. Detected once, in `adapters/runtime.ts`.
 */
export interface ServeOptions {
  /** Without brackets: `127.0.0.1`, `::1`, `localhost`. */
  readonly hostname: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** Bodies of any size and requests of any length reach it: limits are the application's. */
  fetch(request: Request): Response | Promise<Response>;
}

export interface Listening {
  /** `http://host:port`, with the port in use. */
  readonly url: string;
  readonly port: number;
  /**
   * Stops accepting at once. `graceful`: resolves when every running request has been answered, and idle connections
   * are closed. Otherwise connections are cut; that may follow a graceful stop which takes too long.
   */
  stop(graceful: boolean): Promise<void>;
}

export type Signal = "SIGINT" | "SIGTERM";

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
  /** Calls back at each signal instead of dying of it. Returns the way to stop. */
  onSignal(handler: (signal: Signal) => void): () => void;
  /** Ends the process at once; what was written to a pipe may be lost. Prefer to return with `exitCode` set. */
  exit(code: number): never;
}
