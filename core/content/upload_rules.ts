/** What a request on an upload must be like (draft-ietf-httpbis-resumable-upload, sections 4.1.3 and 4.4). */
import { RegistryError } from "../base/errors.ts";
import type { SessionRow } from "./upload_sessions.ts";

/** @returns the length of the whole as it is known with this request, or null */
export function checkRequest(
  row: SessionRow,
  { offset = row.upload_offset, length }: { readonly offset?: number; readonly length?: number },
): number | null {
  checkCount(offset, "An offset");
  if (length !== undefined) checkCount(length, "The length of an upload");
  if (offset !== row.upload_offset) {
    throw new RegistryError(
      "upload_offset_mismatch",
      `The upload is at ${row.upload_offset}, not at ${offset}; go on there`,
      { upload_id: row.upload_id, offset: row.upload_offset, provided_offset: offset },
    );
  }
  const known = row.upload_length;
  if (known !== null && length !== undefined && length !== known) {
    throw lengthMismatch(`The upload was announced with ${known} bytes, not ${length}`, row, known);
  }
  if (length !== undefined && (length > row.max_size || length < row.upload_offset)) {
    throw lengthMismatch(`An upload at ${row.upload_offset} cannot have ${length} bytes`, row, row.max_size);
  }
  return known ?? length ?? null;
}

export function lengthMismatch(message: string, row: SessionRow, length: number): RegistryError {
  const { upload_id, upload_offset: offset } = row;
  return new RegistryError("upload_length_mismatch", message, { upload_id, offset, length });
}

export function checkCount(value: number, what: string): void {
  if (Number.isSafeInteger(value) && value >= 0) return;
  throw new RegistryError("invalid_argument", `${what} is a whole number of bytes`, { value: String(value) });
}

/** Passes bytes through; throws `overflow` instead of a chunk that goes beyond `room`. */
export async function* upTo(
  source: AsyncIterable<Uint8Array>,
  room: number,
  overflow: Error,
): AsyncGenerator<Uint8Array> {
  let size = 0;
  for await (const chunk of source) {
    size += chunk.length;
    if (size > room) throw overflow;
    yield chunk;
  }
}
