/**
 * Reading back what was stored, never as if it were good when it is not: a whole read is re-digested while it streams,
 * and the last chunk is handed out only after the digest has matched. Up to 4 MiB nothing is handed out before.
 */
import { isRegistryError, RegistryError } from "../base/errors.ts";
import { throwIfCancelled } from "../base/stream.ts";
import { digestOf } from "../identity/content_address.ts";
import type { ServeRequest } from "../spi/data_plane.ts";
import { type Hashing, startDigest } from "./passing_digests.ts";

const CHECK_FIRST_BYTES = 4 * 1024 * 1024;

export async function* verifiedRead(
  source: AsyncIterable<Uint8Array>,
  hashing: Hashing,
  request: ServeRequest,
): AsyncGenerator<Uint8Array, void, void> {
  const expected = digestOf(request.address);
  const digest = startDigest(hashing, expected.algorithm, request.size);
  const holdAll = request.size <= CHECK_FIRST_BYTES;
  const held: Uint8Array[] = [];
  let size = 0;
  let hashed: Promise<void> | undefined;
  try {
    for await (const chunk of told(source, request)) {
      throwIfCancelled(request.signal);
      size += chunk.length;
      if (size > request.size) throw corrupt(request, "more bytes than recorded");
      // Of the chunk before, which the reader may overwrite as soon as it has it. Meanwhile this one was read.
      if (hashed !== undefined) await hashed;
      hashed = digest.update(chunk);
      hashed?.catch(() => {}); // it is reported when its turn comes
      held.push(chunk);
      if (holdAll) continue;
      while (held.length > 1) yield held.shift() as Uint8Array;
    }
    if (size !== request.size) throw corrupt(request, "fewer bytes than recorded");
    if (hashed !== undefined) await hashed;
    if (!(await digest.finish()).equals(expected)) throw corrupt(request, "another digest");
  } finally {
    digest.drop();
  }
  yield* held;
}

/** A range, or a read that is not to be verified: only its length is checked. */
export async function* countedRead(
  source: AsyncIterable<Uint8Array>,
  length: number,
  request: ServeRequest,
): AsyncGenerator<Uint8Array, void, void> {
  let size = 0;
  for await (const chunk of told(source, request)) {
    throwIfCancelled(request.signal);
    size += chunk.length;
    if (size > length) throw corrupt(request, "more bytes than recorded");
    yield chunk;
  }
  if (size !== length) throw corrupt(request, "fewer bytes than recorded");
}

/** A backend speaks of keys and ranges. What is wrong is that this content is gone, or shorter than recorded. */
async function* told(source: AsyncIterable<Uint8Array>, request: ServeRequest): AsyncGenerator<Uint8Array> {
  try {
    yield* source;
  } catch (error) {
    if (isRegistryError(error, "object_missing")) {
      const { backend_id, key } = request.location;
      const message = `The stored bytes of ${request.address} are missing; restore them from a backup or push the content again`;
      throw new RegistryError("object_missing", message, { content_address: request.address, backend_id, key }, error);
    }
    const shorter = isRegistryError(error, "invalid_argument") || isRegistryError(error, "object_corrupt");
    throw shorter ? corrupt(request, "fewer bytes than recorded") : error;
  }
}

function corrupt(request: ServeRequest, what: string): RegistryError {
  return new RegistryError(
    "object_corrupt",
    `The stored bytes of ${request.address} are damaged (${what}); restore them from a backup or push the content again`,
    { content_address: request.address, backend_id: request.location.backend_id, key: request.location.key },
  );
}
