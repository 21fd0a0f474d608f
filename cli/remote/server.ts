/** One server, and how it is asked. */
import { type Caller, type Hasher, RegistryError } from "../../core/mod.ts";
import { type Api, ApiError } from "../../sdk/typescript/mod.ts";
import { backOff, mayPass } from "../../sdk/typescript/retry.ts";
import { STALL, within } from "../../sdk/typescript/watchdog.ts";
import { ERROR_EXITS } from "../output/exit_codes.ts";
import { toRegistryError } from "./errors.ts";

export interface Server {
  /** Without a slash at its end. */
  readonly url: string;
  readonly api: Api;
  readonly hasher: Hasher;
  /**
   * What the call resolves to.
   * @throws {RegistryError} the server's refusal; `server_unavailable`; the reason of the caller's signal
   */
  ask<T>(caller: Caller, call: (options: Asked) => Promise<T>, how?: Asking): Promise<T>;
}

export interface Asked {
  readonly signal?: AbortSignal;
}

export interface Asking {
  /** Twice does what once does, so that a broken connection may be tried again. Default true. */
  readonly again?: boolean;
  /** How often a broken connection is tried, 5 by default. */
  readonly attempts?: number;
  /** The whole answer may take as long as it takes; otherwise a wire counts as dead after two minutes. */
  readonly long?: boolean;
}

const ATTEMPTS = 5;

/** @param stall ms after which a wire without an answer counts as dead */
export function createServer({ url, api, hasher }: Pick<Server, "url" | "api" | "hasher">, stall = STALL): Server {
  /** A server that never answered is most likely not there: nobody should have to wait for that to be said. */
  let answered = false;
  return {
    url,
    api,
    hasher,
    async ask({ signal }, call, { again = true, attempts = ATTEMPTS, long = false } = {}) {
      for (let attempt = 1; ; attempt++) {
        signal?.throwIfAborted();
        try {
          const result = long
            ? await call(signal === undefined ? {} : { signal })
            : await within(stall, signal, (signal) => call({ signal }));
          answered = true;
          return result;
        } catch (error) {
          if (signal?.aborted) throw signal.reason;
          if (!(again && answered && attempt < attempts && isBroken(error))) throw toRegistryError(error, url);
          await backOff(attempt - 1, error, signal);
        }
      }
    },
  };
}

/** The way to the server, not the server's word. */
export function isBroken(error: unknown): boolean {
  return mayPass(error) && !(error instanceof ApiError && Object.hasOwn(ERROR_EXITS, error.code));
}

/** The server's word for it; a page of somebody else's is told. @throws {RegistryError} `server_unavailable` */
export function answer<T>({ url }: Server, { data }: { readonly data: unknown }): T {
  if (typeof data === "object" && data !== null && !(data instanceof Blob)) return data as T;
  throw new RegistryError(
    "server_unavailable",
    `${url} answered something that is not artifact-store's; is the URL right?`,
    { server: url },
  );
}
