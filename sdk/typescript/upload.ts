import type { Api, Entry } from "./generated/index.ts";
import { STALL, watchdog } from "./watchdog.ts";

export type ByteSource = Blob | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>;

export interface UploadOptions {
  /** Id of an open package. */
  readonly packageId: string;
  /** Path of the file in it: `results/junit.xml`. */
  readonly path: string;
  readonly source: ByteSource;
  /** Bytes of the source. A source that has fewer or more is not stored. */
  readonly size?: number;
  /** `null`: the file has none (default `application/octet-stream`). */
  readonly mediaType?: string | null;
  readonly executable?: boolean;
  /** A file of this path is replaced; otherwise it is refused (`path_exists`). */
  readonly replace?: boolean;
  /** A SHA-512 digest is kept as well. */
  readonly sha512?: boolean;
  /** RFC 9530: `sha-256=:<base64>:`. Bytes that have another digest are refused (`digest_mismatch`). */
  readonly reprDigest?: string;
  /** Bytes handed over so far. */
  readonly onProgress?: (sent: number) => void;
  /** What else the answer said. */
  readonly onDone?: (answer: { readonly deduplicated: boolean; readonly replaced: boolean }) => void;
  /** Milliseconds without a byte taken or an answer until the connection counts as broken (default 120,000). */
  readonly stallTimeout?: number;
  readonly signal?: AbortSignal;
}

/**
 * Adds a file in one request, whatever its size on little memory. Who fears for the connection: `uploadResumable()`.
 * @throws {ApiError} a refusal; otherwise what the source or the connection threw. Then nothing is stored
 */
export async function uploadFile(api: Api, options: UploadOptions): Promise<Entry> {
  const { packageId, path, executable, replace, sha512, reprDigest, onProgress } = options;
  const { mediaType = "application/octet-stream" } = options;
  const watch = watchdog(options.stallTimeout ?? STALL, options.signal);
  const whole = wholeOf(options.source);
  const sending = counted(toStream(options.source), sizeOf(options), (count) => {
    watch.moved();
    onProgress?.(count);
  });
  try {
    const { data, response } = await api.putFile({
      path: { id: packageId, path },
      query: {
        ...(executable !== undefined && { executable }),
        ...(replace !== undefined && { replace }),
        ...(sha512 !== undefined && { sha512 }),
      },
      headers: {
        "Content-Type": mediaType,
        ...(reprDigest !== undefined && { "repr-digest": reprDigest }),
      },
      ...(whole === undefined ? streaming(sending.stream) : { body: whole }),
      signal: watch.signal,
    });
    if (whole !== undefined) onProgress?.(whole.size);
    const deduplicated = response.headers.get("content-deduplicated") === "?1";
    options.onDone?.({ deduplicated, replaced: response.status === 200 });
    return data;
  } catch (error) {
    // Runtimes wrap what a body threw, each in its way.
    throw sending.failure?.error ?? error;
  } finally {
    watch.stop();
  }
}

/** What is small goes in one piece, with its length: nothing of it would be told on the way. */
const ONE_PIECE = 64 * 1024;

function wholeOf(source: ByteSource): Blob | undefined {
  if (source instanceof Uint8Array) return source.length <= ONE_PIECE ? new Blob([source]) : undefined;
  return source instanceof Blob && source.size <= ONE_PIECE ? source : undefined;
}

/** A request body that is a stream. The description says binary, of which the generator makes a Blob. */
export function streaming(stream: ReadableStream<Uint8Array>): { body: Blob; duplex: "half" } {
  return { body: stream as unknown as Blob, duplex: "half" };
}

export function sizeOf({ size, source }: { size?: number; source: ByteSource }): number | undefined {
  if (size !== undefined) return size;
  if (source instanceof Blob) return source.size;
  return source instanceof Uint8Array ? source.length : undefined;
}

export function toStream(source: ByteSource): ReadableStream<Uint8Array> {
  if (source instanceof ReadableStream) return source;
  if (source instanceof Blob) return source.stream();
  if (source instanceof Uint8Array) return new Blob([source]).stream();
  const iterator = source[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await iterator.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      async cancel(reason) {
        await iterator.return?.(reason);
      },
    },
    { highWaterMark: 0 },
  );
}

export interface Counted {
  readonly stream: ReadableStream<Uint8Array>;
  /** Why the source gave up, if it did. */
  failure?: { readonly error: unknown };
}

/** The same bytes, told as they go, and exactly `size` of them: otherwise the stream fails, and with it the request. */
export function counted(
  source: ReadableStream<Uint8Array>,
  size: number | undefined,
  onBytes: (count: number) => void = () => {},
): Counted {
  const reader = source.getReader();
  let count = 0;
  let givenUp = false;
  const result: Counted = {
    stream: new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          try {
            const { done, value } = await reader.read();
            // The connection broke meanwhile, which ends the source too: nothing is wrong with it.
            if (givenUp) return;
            count += value?.length ?? 0;
            if (size !== undefined && (count > size || (done && count < size))) {
              throw new RangeError(
                `The source has ${done ? "only" : "at least"} ${count} bytes, and ${size} were announced`,
              );
            }
            if (done) return controller.close();
            onBytes(count);
            controller.enqueue(value);
          } catch (error) {
            if (givenUp) return;
            result.failure = { error };
            await reader.cancel(error).catch(() => {});
            throw error;
          }
        },
        cancel(reason) {
          givenUp = true;
          return reader.cancel(reason);
        },
      },
      { highWaterMark: 0 },
    ),
  };
  return result;
}
