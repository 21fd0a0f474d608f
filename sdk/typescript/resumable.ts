/** Uploads that go on where they were (`/uploads`, after draft-ietf-httpbis-resumable-upload). */
import { ApiError } from "./errors.ts";
import type { Api, FileEntry, Upload } from "./generated/index.ts";
import { backOff, mayPass } from "./retry.ts";
import { counted, streaming } from "./upload.ts";
import { STALL, watchdog, within } from "./watchdog.ts";

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
  /** A SHA-512 digest is kept as well. */
  readonly sha512?: boolean;
  /**
   * RFC 9530, of the whole: `sha-256=:<base64>:`. Other bytes are refused in the end. A function is asked when all bytes
   * are sent, so that they need not be read before; what it throws ends the upload before the file is there.
   */
  readonly reprDigest?: string | (() => string | Promise<string>);
  /** Goes on with this upload of the same target and bytes, begun in another process maybe. */
  readonly uploadId?: string;
  /** Told once the upload exists: keep it to go on in another process. */
  readonly onBegin?: (uploadId: string) => void;
  readonly onProgress?: (progress: Progress) => void;
  /** The final answer, which says more than the entry. */
  readonly onDone?: (upload: Upload) => void;
  /** Bytes of one request at most (default 64 MiB): what a proxy on the way takes. */
  readonly partSize?: number;
  /** Failures in a row, without a byte more made durable, until the last of them is thrown (default 8). */
  readonly attempts?: number;
  /** Instead of `attempts`: waits for as long as is right after a failure that may pass, or throws to give up. */
  readonly onFailure?: (error: unknown) => Promise<void>;
  /** Milliseconds without a byte taken or an answer until a connection counts as broken (default 120,000). */
  readonly stallTimeout?: number;
  readonly signal?: AbortSignal;
}

const PART = 64 * 1024 * 1024;
const ATTEMPTS = 8;
const READS_PER_MS = 50_000;
/** Says where the upload is, or that another request of ours still has it. Asking HEAD settles both. */
const SETTLED_BY_ASKING = new Set(["upload_offset_mismatch", "upload_superseded"]);

/**
 * Adds a file over as many connections as it takes. After a break it asks how far the upload is, and goes on there.
 *
 * What it gives up, or `signal` ends, stays on the server until it expires: go on with `uploadId`, or `cancelUpload`.
 * @throws {ApiError} a refusal; what the source threw; the reason of `signal`; after `attempts`, the last failure
 */
export async function uploadResumable(api: Api, options: ResumableOptions): Promise<FileEntry> {
  const { signal, attempts = ATTEMPTS, stallTimeout = STALL, onProgress = () => {} } = options;
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
        uploadId = await within(stallTimeout, signal, (signal) => begin(api, { ...options, signal }, size));
        options.onBegin?.(uploadId);
        offset = 0;
      }
      if (offset === undefined) {
        const path = { id: uploadId };
        const { response } = await within(stallTimeout, signal, (signal) => api.getUploadHead({ path, signal }));
        if (response.headers.get("upload-complete") === "?1") {
          const { data } = await within(stallTimeout, signal, (signal) => api.getUpload({ path, signal }));
          return outcome(data, options);
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
        return outcome(data as Upload, options);
      }
      offset = offsetOf(response);
    } catch (error) {
      if (error instanceof SourceError) throw error.cause;
      if (signal?.aborted) throw signal.reason;
      const settled = error instanceof ApiError && SETTLED_BY_ASKING.has(error.code);
      const final = error instanceof ApiError && error.headers.get("upload-complete") === "?1";
      if (final || !(settled || mayPass(error))) throw error;
      offset = undefined;
      if (options.onFailure !== undefined) await options.onFailure(error);
      else if (++failures >= attempts) throw error;
      else await backOff(failures - 1, error, signal);
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
  const { packageId, path, mediaType, executable, replace, sha512, reprDigest, signal } = options;
  const { data } = await api.createUpload({
    query: {
      package_id: packageId,
      path,
      ...(mediaType !== undefined && { media_type: mediaType }),
      ...(executable !== undefined && { executable }),
      ...(replace !== undefined && { replace }),
      ...(sha512 !== undefined && { sha512 }),
    },
    headers: {
      "upload-complete": "?0",
      "upload-length": size,
      ...(typeof reprDigest === "string" && { "repr-digest": reprDigest }),
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
  const late = typeof options.reprDigest === "function" ? options.reprDigest : undefined;
  // A digest that is known only now goes with a request of its own: it stands before the bytes.
  const last = end === size && (late === undefined || start === size);
  const digest = last ? await ours(async () => late?.()) : undefined;
  // Where the server has lost the running digest, it reads everything once more before it answers.
  const watch = watchdog(stallTimeout + (last ? size / READS_PER_MS : 0), signal);
  const sending = counted(await ours(() => source.read(start, end)), end - start, (count) => {
    watch.moved();
    onProgress?.({ durable: start, sent: start + count, size });
  });
  try {
    return await api.appendUpload({
      path: { id },
      headers: {
        "upload-offset": start,
        "upload-complete": last ? "?1" : "?0",
        ...(digest !== undefined && { "repr-digest": digest }),
      },
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

async function ours<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
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
function outcome(upload: Upload, { onDone }: ResumableOptions): FileEntry {
  const { entry, refusal } = upload;
  onDone?.(upload);
  if (entry !== null) return entry;
  const { code = "upload_refused", detail, data } = refusal ?? {};
  throw new ApiError({ code, status: 422, title: "The upload was refused", detail, data });
}
