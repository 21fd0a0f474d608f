/** What a request on an upload must be like (draft-ietf-httpbis-resumable-upload, sections 4.1.3 and 4.4). */
import { RegistryError } from "../base/errors.ts";
import type { Change, SessionRow } from "./upload_sessions.ts";

/** @returns the length of the whole as it is known with this request, or null */
function checkRequest(
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

interface PlannedRequest {
  readonly offset?: number;
  readonly length?: number;
  readonly source?: unknown;
  readonly complete: boolean;
}

export type Plan =
  | { readonly next: "nothing" | "complete" }
  | { readonly next: "receive"; readonly length: number | null }
  | { readonly next: "refuse"; readonly error: unknown };

/** What a request does with an upload as it was found. A refused one takes it over all the same. */
export function planOf(found: SessionRow, request: PlannedRequest): Plan {
  try {
    const length = checkRequest(found, request);
    // An earlier writer that may still write is kept away by appending, be it nothing.
    const idle = request.source === undefined && found.writer_epoch === null;
    if (found.state === "open" && !idle) return { next: "receive", length };
    if (!request.complete) return { next: "nothing" };
    if (length !== null && found.upload_offset !== length) throw tooShort(found, length);
    return { next: "complete" };
  } catch (error) {
    return { next: "refuse", error };
  }
}

/** None is taken any more, whatever happens. */
export function allHere({ upload_offset }: Pick<SessionRow, "upload_offset">): Change {
  return { state: "completing", upload_length: upload_offset };
}

export function tooShort(row: SessionRow, length: number | null): RegistryError {
  const message = `${length} bytes were announced and ${row.upload_offset} are here`;
  return lengthMismatch(message, row, length ?? row.upload_offset);
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
