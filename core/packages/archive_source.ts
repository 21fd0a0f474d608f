/** The bytes of an archive as they come: decompressed, and counted on both sides, so that neither side may lie. */
import { isRegistryError, RegistryError } from "../base/errors.ts";
import { abortable, type ByteSource, toIterable, toStream } from "../base/stream.ts";
import type { Decompressor } from "../spi/runtime.ts";
import { invalidArchive } from "./archive_tar_format.ts";
import type { Limits } from "./types.ts";

export const ARCHIVE_INPUT_FORMATS = ["tar", "tar+gzip", "tar+zstd"] as const;
export type ArchiveInputFormat = (typeof ARCHIVE_INPUT_FORMATS)[number];

/** Below this many bytes the ratio of a compressed archive says nothing: a few empty blocks shrink a thousandfold. */
const RATIO_COUNTS_FROM = 64 * 1024 * 1024;
/** What goes into a decompressor at once: some answer a piece as a whole, and 1 byte can become 1,032. */
const PIECE = 16 * 1024;

export interface ArchiveSourceOptions {
  readonly format: ArchiveInputFormat;
  readonly limits: Limits;
  readonly zstd: Decompressor | undefined;
  readonly signal: AbortSignal | undefined;
}

/** The tar's own bytes. @throws {RegistryError} `unsupported`; while reading `limit_exceeded`, `invalid_archive`, `cancelled` */
export function openArchive(source: ByteSource, options: ArchiveSourceOptions): AsyncIterable<Uint8Array> {
  const { format, limits, signal } = options;
  const raw = abortable(toIterable(source), signal);
  if (format === "tar") return within(raw, limits);
  const decompress = format === "tar+gzip" ? gunzip : options.zstd;
  if (decompress === undefined) {
    throw new RegistryError("unsupported", "This server cannot read zstd; send the archive as gzip, or uncompressed");
  }
  const taken = { bytes: 0 };
  return within(decompressed(inPieces(raw, taken), decompress), limits, taken);
}

const gunzip: Decompressor = (source) => {
  const decoder = new DecompressionStream("gzip") as unknown as ReadableWritablePair<Uint8Array, Uint8Array>;
  return toIterable(toStream(source).pipeThrough(decoder));
};

async function* inPieces(source: AsyncIterable<Uint8Array>, taken: { bytes: number }): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    for (let at = 0; at < chunk.length; at += PIECE) {
      // Copied: a decompressor may still hold it when the source uses its chunk again.
      const piece = chunk.slice(at, at + PIECE);
      taken.bytes += piece.length;
      yield piece;
    }
  }
}

/** Errors of the source stay what they are; any other means that the compressed data is no good. */
async function* decompressed(source: AsyncIterable<Uint8Array>, decompress: Decompressor): AsyncGenerator<Uint8Array> {
  let failure: { readonly error: unknown } | undefined;
  async function* watched() {
    try {
      yield* source;
    } catch (error) {
      failure = { error };
      throw error;
    }
  }
  try {
    yield* decompress(watched());
  } catch (error) {
    if (failure !== undefined) throw failure.error;
    if (isRegistryError(error)) throw error;
    throw invalidArchive("its compression is damaged, cut short, or not the one that was named");
  }
}

async function* within(
  source: AsyncIterable<Uint8Array>,
  limits: Limits,
  taken?: { readonly bytes: number },
): AsyncGenerator<Uint8Array> {
  const { maxArchiveBytes, maxArchiveRatio } = limits;
  let bytes = 0;
  for await (const chunk of source) {
    bytes += chunk.length;
    if (bytes > maxArchiveBytes) {
      throw new RegistryError("limit_exceeded", `An archive may have ${maxArchiveBytes} bytes, uncompressed`, {
        limit: maxArchiveBytes,
      });
    }
    if (taken !== undefined && bytes > RATIO_COUNTS_FROM && bytes > taken.bytes * maxArchiveRatio) {
      throw new RegistryError(
        "limit_exceeded",
        `The archive grows to more than ${maxArchiveRatio} times its compressed size; send it uncompressed`,
        { limit: maxArchiveRatio },
      );
    }
    yield chunk;
  }
}
