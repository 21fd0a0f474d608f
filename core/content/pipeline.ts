/**
 * One pass over the bytes: hash chunk n while chunk n-1 is being written. Two chunks are held at most, whatever the
 * object's size.
 */
import { RegistryError } from "../base/errors.ts";
import { abortable } from "../base/stream.ts";
import type { Algorithm } from "../identity/algorithms.ts";
import type { ContentFacts } from "../spi/data_plane.ts";
import { type Hashing, startContentDigests } from "./passing_digests.ts";

export interface PassOptions {
  readonly algorithms?: readonly Algorithm[];
  /** Bytes that should come: says where to hash, and is not checked. */
  readonly size?: number | undefined;
  readonly maxSize?: number;
  readonly signal?: AbortSignal;
  /** Where the bytes go; awaited before the next chunk is handed over. */
  write?(chunk: Uint8Array): Promise<void>;
}

/** Reads `source` to its end. @throws {RegistryError} `limit_exceeded`, `cancelled`, whatever source or `write` throw */
export async function passOver(
  source: AsyncIterable<Uint8Array>,
  hashing: Hashing,
  options: PassOptions = {},
): Promise<ContentFacts> {
  const { write, signal, maxSize = Number.POSITIVE_INFINITY } = options;
  const digests = startContentDigests(hashing, options.algorithms, options.size);
  let size = 0;
  let writing: Promise<void> | undefined;
  try {
    for await (const chunk of abortable(source, signal)) {
      size += chunk.length;
      if (size > maxSize) {
        throw new RegistryError("limit_exceeded", `An object may have ${maxSize} bytes at most`, { limit: maxSize });
      }
      await writing;
      writing = write?.(chunk);
      // Observed at the next await; the handler keeps a rejection in between from counting as unhandled.
      writing?.catch(() => {});
      const hashed = digests.update(chunk);
      if (hashed !== undefined) await hashed;
    }
    await writing;
    return await digests.finish();
  } catch (error) {
    digests.drop();
    await writing?.catch(() => {});
    throw error;
  }
}
