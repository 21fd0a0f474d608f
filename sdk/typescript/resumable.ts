/** Uploads that go on where they were (`/uploads`, after draft-ietf-httpbis-resumable-upload). */
import { ApiError } from "./errors.ts";
import type { Api, FileEntry, Upload } from "./generated/index.ts";
import { backOff, mayPass } from "./retry.ts";
import { counted, streaming } from "./upload.ts";

/** Bytes that can be read again from anywhere. */
export interface Rereadable {
  readonly size: number;
  /** The bytes from `start` up to and without `end`. */
  read(start: number, end: number): ReadableStream<Uint8Array>;
}

export interface Progress {
  /** Bytes that the server keeps, whatever happens now. */
  readonly durable: number;
  /** Bytes handed over; falls back to `durable` when a connection breaks. */
  readonly sent: number;
  readonly size: number;
}

export interface ResumableOptions {
  readonly packageId: string;
  readonly path: string;
  /** A Blob is such a source: a File of a page, `openAsBlob(path)` of `node:fs`, `Bun.file(path)`. */
  readonly source: Blob | Rereadable;
  readonly mediaType?: string;
  readonly executable?: boolean;
  readonly replace?: boolean;
  /** RFC 9530, of the whole: `sha-256=:<base64>:`. Other bytes are refused in the end. */
  readonly reprDigest?: string;
  /** Goes on with this upload of the same target and bytes, begun in another process maybe. */
  readonly uploadId?: string;
  /** Told once the upload exists: keep it to go on in another process. */
  readonly onBegin?: (uploadId: string) => void;
  readonly onProgress?: (progress: Progress) => void;
  /** Bytes of one request at most (default 64 MiB): what a proxy on the way takes. */
  readonly partSize?: number;
  /** Failures in a row, without a byte more made durable, until the last of them is thrown (default 8). */
  readonly attempts?: number;
  /** Milliseconds without a byte taken or an answer until a connection counts as broken (default 120,000). */
  readonly stallTimeout?: number;
  readonly signal?: AbortSignal;
}

const PART = 64 * 1024 * 1024;
const ATTEMPTS = 8;
const STALL = 120_000;
/** Says where the upload is, or that another request of ours still has it. Asking HEAD settles both. */
const SETTLED_BY_ASKING = new Set(["upload_offset_mismatch", "upload_superseded"]);

/**
 * Adds a file over as many connections as it takes. After a break it asks how far the upload is, and goes on there.
 *
 * What it gives up, or `signal` ends, stays on the server until it expires: go on with `uploadId`, or `cancelUpload`.
 * @throws {ApiError} a refusal; what the source threw; the reason of `signal`; after `attempts`, the last failure
 */
export async function uploadResumable(api: Api, options: ResumableOptions): Promise<FileEntry> {
  const { signal, attempts = ATTEMPTS, onProgress = () => {} } = options;
  const source = options.source instanceof Blob ? ofBlob(options.source) : options.source;
  const { size } = source;
  let uploadId = options.uploadId;
  /** Unknown after a break, and to who comes from another process. */
  let offset: number | undefined;
  let best = -1;
  for (let failures = 0; ; ) {
    signal?.throwIfAborted();
    try {
      if (uploadId === undefined) {
        uploadId = await begin(api, options, size);
        options.onBegin?.(uploadId);
        offset = 0;
      }
      if (offset === undefined) {
        const { response } = await api.getUploadHead({ path: { id: uploadId }, ...(signal && { signal }) });
        if (response.headers.get("upload-complete") === "?1") {
          const { data } = await api.getUpload({ path: { id: uploadId }, ...(signal && { signal }) });
          return outcome(data);
        }
        offset = offsetOf(response);
      }
      const durable = offset;
      if (durable > size)
        throw new SourceError(new RangeError(`The upload has ${durable} bytes already, its source ${size}`));
      // Only bytes made durable are a reason to try that often again.
      if (durable > best) failures = 0;
      best = Math.max(best, durable);
      onProgress({ durable, sent: durable, size });
      const { response, data } = await append(api, uploadId, source, durable, options);
      if (response.headers.get("upload-complete") === "?1") {
        onProgress({ durable: size, sent: size, size });
        return outcome(data as Upload);
      }
      offset = offsetOf(response);
    } catch (error) {
      if (error instanceof SourceError) throw error.cause;
      if (signal?.aborted) throw signal.reason;
      const settled = error instanceof ApiError && SETTLED_BY_ASKING.has(error.code);
      const final = error instanceof ApiError && error.headers.get("upload-complete") === "?1";
      if (final || !(settled || mayPass(error)) || ++failures >= attempts) throw error;
      offset = undefined;
      await backOff(failures - 1, error, signal);
    }
  }
}

/** What our side did wrong: trying again does not help. */
class SourceError extends Error {
  override readonly cause: unknown;
  constructor(cause: unknown) {
    super("The source failed");
    this.cause = cause;
  }
}

async function begin(api: Api, options: ResumableOptions, size: number): Promise<string> {
  const { packageId, path, mediaType, executable, replace, reprDigest, signal } = options;
  const { data } = await api.createUpload({
    query: {
      package_id: packageId,
      path,
      ...(mediaType !== undefined && { media_type: mediaType }),
      ...(executable !== undefined && { executable }),
      ...(replace !== undefined && { replace }),
    },
    headers: {
      "upload-complete": "?0",
      "upload-length": size,
      ...(reprDigest !== undefined && { "repr-digest": reprDigest }),
    },
    ...(signal && { signal }),
  });
  return data.upload_id;
}

/** One request, from `start` to the end of a part. */
async function append(api: Api, id: string, source: Rereadable, start: number, options: ResumableOptions) {
  const { partSize = PART, stallTimeout = STALL, onProgress, signal } = options;
  const { size } = source;
  const end = Math.min(size, start + partSize);
  const watch = watchdog(stallTimeout, signal);
  const sending = counted(open(source, start, end), end - start, (count) => {
    watch.moved();
    onProgress?.({ durable: start, sent: start + count, size });
  });
  try {
    return await api.appendUpload({
      path: { id },
      headers: { "upload-offset": start, "upload-complete": end === size ? "?1" : "?0" },
      ...streaming(sending.stream),
      signal: watch.signal,
    });
  } catch (error) {
    // An answer of the server says more than what became of the stream because of it.
    if (sending.failure !== undefined && !(error instanceof ApiError)) throw new SourceError(sending.failure.error);
    throw error;
  } finally {
    watch.stop();
  }
}

function open(source: Rereadable, start: number, end: number): ReadableStream<Uint8Array> {
  try {
    return source.read(start, end);
  } catch (error) {
    throw new SourceError(error);
  }
}

const ofBlob = (blob: Blob): Rereadable => ({
  size: blob.size,
  read: (start, end) => blob.slice(start, end).stream(),
});

function offsetOf({ headers }: Response): number {
  const offset = Number(headers.get("upload-offset") ?? Number.NaN);
  if (!Number.isSafeInteger(offset)) throw new TypeError("The server did not say where the upload is");
  return offset;
}

/** A final answer that was lost is kept by the server, refusals too. */
function outcome({ entry, refusal }: Upload): FileEntry {
  if (entry !== null) return entry;
  const { code = "upload_refused", detail, data } = refusal ?? {};
  throw new ApiError({ code, status: 422, title: "The upload was refused", detail, data });
}

/** Aborts after a while in which nobody said that something moved: a wire can die without a word. */
function watchdog(timeout: number, outer?: AbortSignal) {
  const controller = new AbortController();
  const stalled = () => controller.abort(new TypeError(`Nothing moved for ${timeout} ms`));
  const passOn = () => controller.abort(outer?.reason);
  let timer = setTimeout(stalled, timeout);
  outer?.addEventListener("abort", passOn, { once: true });
  if (outer?.aborted) passOn();
  return {
    signal: controller.signal,
    moved() {
      clearTimeout(timer);
      timer = setTimeout(stalled, timeout);
    },
    stop() {
      clearTimeout(timer);
      outer?.removeEventListener("abort", passOn);
    },
  };
}
