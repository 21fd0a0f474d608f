/** Pulling through `/v2/` of a server, as the library pulls from its repositories: equal answers, equal errors. */
import {
  type Caller,
  checkRepository,
  collect,
  createDigest,
  type ImageSource,
  MAX_OCI_MANIFEST_BYTES,
  type OciDescriptor,
  parseDigest,
  parseReference,
  RegistryError,
  toIterable,
} from "../../core/mod.ts";
import { ApiError } from "../../sdk/typescript/mod.ts";
import { backOff, mayPass } from "../../sdk/typescript/retry.ts";
import { STALL, watchdog } from "../../sdk/typescript/watchdog.ts";
import { ERROR_EXITS } from "../output/exit_codes.ts";
import { toRegistryError } from "./errors.ts";
import type { Server } from "./server.ts";

/** What a blob is to whoever writes it to a file. */
export interface RemoteBlob {
  readonly size: number;
  open(options?: { readonly verify?: boolean }): Promise<{ readonly body: AsyncIterable<Uint8Array> }>;
}

/** The spec's "Error Codes", where the library has a word for it. */
const CODES: Readonly<Record<string, string>> = {
  BLOB_UNKNOWN: "blob_not_found",
  MANIFEST_UNKNOWN: "manifest_not_found",
  NAME_UNKNOWN: "repository_not_found",
  NAME_INVALID: "invalid_name",
  DIGEST_INVALID: "invalid_digest",
  DENIED: "access_denied",
  UNAUTHORIZED: "access_denied",
};
/** Breaks in a row, without a byte more. */
const ATTEMPTS = 8;
/** A page of referrers has 4 MiB at most; this leaves room for other servers. */
const MAX_PAGE = 2 * MAX_OCI_MANIFEST_BYTES;
const MAX_REFUSAL = 1024 * 1024;

export function createRemoteImages(server: Server): ImageSource<RemoteBlob> {
  return {
    async getManifest(caller, { repository, reference }) {
      checkRepository(repository);
      parseReference(reference);
      const { headers, bytes } = await document(server, caller, `${repository}/manifests/${reference}`);
      const mediaType = headers.get("content-type")?.split(";")[0]?.trim() ?? "";
      const told = headers.get("docker-content-digest");
      const digest = reference.includes(":") ? reference : (told ?? digestOf(server, "sha256", bytes));
      const { algorithm } = parseDigest(digest);
      if (digestOf(server, algorithm, bytes) === digest) return { digest, media_type: mediaType, bytes };
      throw new RegistryError("object_corrupt", `The manifest that ${server.url} sent is not ${digest}`, { digest });
    },
    async findBlob(caller, { repository, digest }) {
      checkRepository(repository);
      parseDigest(digest);
      const url = `${server.url}/v2/${repository}/blobs/${digest}`;
      const size = await server.ask(caller, async ({ signal }) => {
        const response = await request(url, { method: "HEAD", ...(signal && { signal }) });
        if (response.ok) return lengthOf(server, response);
        // HEAD tells no reason.
        throw await refusalOf(response.status === 404 ? await request(url, signal && { signal }) : response);
      });
      return { size, open: async () => ({ body: download(server, caller, url, size) }) };
    },
    async listReferrers(caller, { repository, digest, after }) {
      const query = after === undefined ? "" : `?after=${encodeURIComponent(after)}`;
      const { headers, bytes } = await document(server, caller, `${repository}/referrers/${digest}${query}`);
      const next = /<[^>]*[?&]after=([^&>]+)[^>]*>/.exec(headers.get("link") ?? "")?.[1];
      return {
        descriptors: descriptorsIn(server, bytes),
        ...(next !== undefined && { next: decodeURIComponent(next) }),
      };
    },
  };
}

/** @throws {RegistryError} `server_unavailable` for what is no page of referrers */
function descriptorsIn(server: Server, bytes: Uint8Array): readonly OciDescriptor[] {
  try {
    const { manifests } = JSON.parse(new TextDecoder().decode(bytes)) as { readonly manifests: unknown };
    const isDescriptor = (one: Partial<OciDescriptor> | null) =>
      typeof one?.digest === "string" && typeof one.mediaType === "string" && Number.isSafeInteger(one.size);
    if (Array.isArray(manifests) && manifests.every(isDescriptor)) return manifests as OciDescriptor[];
  } catch {
    // Said below.
  }
  throw notOurs(server, "no page of referrers");
}

/** @throws {RegistryError} `server_unavailable`: without it nobody could tell a blob that came from one that was cut */
function lengthOf(server: Server, { headers }: Response): number {
  const length = headers.get("content-length");
  if (length !== null && /^\d{1,15}$/.test(length)) return Number(length);
  throw notOurs(server, "a blob without its length");
}

function notOurs({ url }: Server, what: string): RegistryError {
  const message = `${url} answered with ${what}; is the URL right, and does a proxy on the way change answers?`;
  return new RegistryError("server_unavailable", message, { server: url });
}

const digestOf = ({ hasher }: Server, algorithm: Parameters<typeof createDigest>[0], bytes: Uint8Array): string =>
  createDigest(algorithm, hasher.hash(algorithm, bytes)).toString();

function request(url: string, init: RequestInit = {}): Promise<Response> {
  // A coding on the way would change what is counted and compared.
  return fetch(url, { ...init, headers: { accept: "*/*", "accept-encoding": "identity", ...init.headers } });
}

async function document(server: Server, caller: Caller, path: string) {
  return await server.ask(caller, async ({ signal }) => {
    const response = await request(`${server.url}/v2/${path}`, signal && { signal });
    if (!response.ok) throw await refusalOf(response);
    const { headers, body } = response;
    return { headers, bytes: await collect(body ?? new Blob([]).stream(), MAX_PAGE) };
  });
}

/** As the library says it, where it has a word for it; a failure of the server's own by its title alone. */
async function refusalOf(response: Response): Promise<ApiError> {
  const { status, statusText, headers, ok } = response;
  if (ok) await response.body?.cancel();
  const text = ok ? "" : await textOf(response);
  const { code = "", message, detail } = errorIn(text);
  const own = typeof detail?.code === "string" && Object.hasOwn(ERROR_EXITS, detail.code) ? detail.code : undefined;
  const known = CODES[code] ?? own;
  const title = message ?? (statusText || `The server answered ${status}`);
  return new ApiError({
    ...{ code: known ?? `http_${status}`, status, title, data: detail, body: text, headers },
    detail: known !== undefined && status < 500 ? title : undefined,
    requestId: headers.get("x-request-id") ?? undefined,
  });
}

/** Nothing of what is too long to be a refusal. */
const textOf = async ({ body }: Response): Promise<string> =>
  body === null ? "" : new TextDecoder().decode(await collect(body, MAX_REFUSAL).catch(() => undefined));

interface OciRefusal {
  readonly code?: string;
  readonly message?: string;
  readonly detail?: Readonly<Record<string, unknown>> | undefined;
}

/** The first that is told. */
function errorIn(text: string): OciRefusal {
  try {
    const { errors } = JSON.parse(text) as { errors?: unknown };
    const { code, message, detail } = (Array.isArray(errors) ? errors[0] : {}) as Record<string, unknown>;
    return {
      ...(typeof code === "string" && { code }),
      ...(typeof message === "string" && { message }),
      ...(typeof detail === "object" && detail !== null && { detail: detail as Record<string, unknown> }),
    };
  } catch {
    return {};
  }
}

/** Over as many connections as it takes: after a break it goes on behind the last byte. */
async function* download(server: Server, { signal }: Caller, url: string, size: number): AsyncGenerator<Uint8Array> {
  let at = 0;
  for (let failures = 0; at < size || at === 0; ) {
    signal?.throwIfAborted();
    const watch = watchdog(STALL, signal);
    let body: AsyncIterator<Uint8Array> | undefined;
    try {
      const headers = at > 0 ? { range: `bytes=${at}-` } : undefined;
      const response = await request(url, { signal: watch.signal, ...(headers && { headers }) });
      if (!response.ok) throw await refusalOf(response);
      if (at > 0 && response.status !== 206) throw new TypeError("The server did not go on where it was asked to");
      body = toIterable(response.body ?? new Blob([]).stream())[Symbol.asyncIterator]();
      for (let step = await body.next(); !step.done; step = await body.next()) {
        watch.moved();
        at += step.value.length;
        failures = 0;
        yield step.value;
      }
      if (at >= size) return;
      throw new TypeError(`The connection ended after ${at} of ${size} bytes`);
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      if (!mayPass(error) || ++failures >= ATTEMPTS) throw toRegistryError(error, server.url);
      await backOff(failures - 1, error, signal);
    } finally {
      watch.stop();
      // Also when the consumer leaves: a connection that nobody reads is not kept.
      await body?.return?.().catch(() => {});
    }
  }
}
