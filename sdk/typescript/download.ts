import type { Api } from "./generated/index.ts";

export interface DownloadOptions {
  /** First and last byte, both included; without `end` up to the last. */
  readonly range?: { readonly start: number; readonly end?: number };
  /** `etag` of an earlier answer: other content is refused (`precondition_failed`). */
  readonly ifMatch?: string;
  readonly signal?: AbortSignal;
}

export interface Download {
  /** Fails when the connection ends before the last byte. Read it or cancel it. */
  readonly body: ReadableStream<Uint8Array>;
  /** Bytes of `body`. */
  readonly length: number | undefined;
  /** Bytes of the whole, of which `body` is the announced range. */
  readonly size: number | undefined;
  /**
   * Of the whole, hex by algorithm: `sha-256`, `blake3`, `sha-512` where it was asked for. The server has checked a whole
   * read against them. Who does not trust what lies between hashes `body`, which web standards cannot do as it streams.
   */
  readonly digests: Readonly<Record<string, string>>;
  readonly mediaType: string | undefined;
  readonly etag: string | undefined;
}

/** The bytes of a file. @throws {ApiError} */
export async function downloadFile(
  api: Api,
  { packageId, path, ...options }: DownloadOptions & { readonly packageId: string; readonly path: string },
): Promise<Download> {
  const { response } = await api.getFile({ path: { id: packageId, path }, ...asked(options) });
  return received(response);
}

/** The bytes of an object, by its content address (`blake3:<hex>`). @throws {ApiError} */
export async function downloadObject(
  api: Api,
  { contentAddress, ...options }: DownloadOptions & { readonly contentAddress: string },
): Promise<Download> {
  const { response } = await api.getObject({ path: { content_address: contentAddress }, ...asked(options) });
  return received(response);
}

function asked({ range, ifMatch, signal }: DownloadOptions) {
  const headers = {
    ...(range && { range: `bytes=${range.start}-${range.end ?? ""}` }),
    ...(ifMatch !== undefined && { "if-match": ifMatch }),
  };
  return {
    parseAs: "stream" as const,
    headers,
    ...(signal && { signal }),
  };
}

function received({ body, headers }: Response): Download {
  const length = whole(headers.get("content-length"));
  const total = whole(/\/(\d+)$/.exec(headers.get("content-range") ?? "")?.[1] ?? null);
  return {
    body: checked(body ?? new Blob([]).stream(), length),
    length,
    size: total ?? length,
    digests: digestsIn(headers.get("repr-digest") ?? ""),
    mediaType: headers.get("content-type") ?? undefined,
    etag: headers.get("etag") ?? undefined,
  };
}

const whole = (text: string | null): number | undefined => (text === null ? undefined : Number(text));

/** RFC 9530, `name=:<base64>:` with commas between. */
function digestsIn(field: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [, name = "", base64 = ""] of field.matchAll(/([a-z0-9-]+)=:([A-Za-z0-9+/=]*):/g)) {
    found[name] = Array.from(atob(base64), (char) => char.charCodeAt(0).toString(16).padStart(2, "0")).join("");
  }
  return found;
}

/** Not every runtime tells a body that was cut from one that ended. */
function checked(body: ReadableStream<Uint8Array>, length: number | undefined): ReadableStream<Uint8Array> {
  if (length === undefined) return body;
  const reader = body.getReader();
  let count = 0;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await reader.read();
        if (!done) {
          count += value.length;
          return controller.enqueue(value);
        }
        if (count !== length) throw new TypeError(`The connection ended after ${count} of ${length} bytes`);
        controller.close();
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}
