import { readError } from "./errors.ts";
import { createConfig, createClient as createFetchClient } from "./generated/client/index.ts";
import { Api } from "./generated/index.ts";

export interface ClientOptions {
  /** Where the server is: `http://127.0.0.1:8000`. */
  readonly server: string | URL;
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Instead of the runtime's: for tokens that change, proxies, logs. */
  readonly fetch?: (request: Request) => Promise<Response>;
}

/**
 * Every operation of the API as a method, which resolves to `{ data, request, response }`.
 *
 * A refusal rejects with `ApiError`; where there was no whole answer, with what `fetch` threw.
 * @throws {TypeError} when `server` is no URL
 */
export function createClient({ server, headers = {}, fetch }: ClientOptions): Api {
  const client = createFetchClient(
    createConfig({
      // Refused here, where a caller sees it, and not as a connection that may do better next time.
      baseUrl: new URL(server).href,
      throwOnError: true,
      headers,
      ...(fetch === undefined ? {} : { fetch: fetch as typeof globalThis.fetch }),
    }),
  );
  client.interceptors.error.use((error, response) =>
    response === undefined || response.ok ? error : readError(error, response),
  );
  return new Api({ client });
}
