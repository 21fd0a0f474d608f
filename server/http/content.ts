/** Stored bytes as an answer: validators, one range, digests, and nothing that a browser would run. */
import { type ChunkPool, collect, type FoundFile, toStream } from "../../core/mod.ts";
import { reprDigest } from "./digests.ts";
import { HttpError } from "./error.ts";
import { isNotModified, rangeApplies } from "./etag.ts";
import { parseRange } from "./range.ts";

export interface ContentOptions {
  /** Of the transport, which gives back what it has sent. */
  readonly chunks: ChunkPool | undefined;
  readonly cacheControl: string;
  readonly disposition: string;
}

/** Bytes of content that is read before the answer begins: damage found meanwhile is told, not cut off. */
const SMALL = 64 * 1024;

/** Somebody else's bytes: were one to open them in a browser all the same, they have no origin and no powers. */
const SANDBOX = "default-src 'none'; frame-ancestors 'none'; sandbox";

/** @throws {HttpError} `precondition_failed`, `range_not_satisfiable` */
export async function contentResponse(
  request: Request,
  { entry, open }: FoundFile,
  { cacheControl, disposition, chunks }: ContentOptions,
): Promise<Response> {
  const { size } = entry;
  const etag = `"${entry.content_address}"`;
  const validators = { etag, "cache-control": cacheControl };
  if (isNotModified(request.headers, etag)) return new Response(null, { status: 304, headers: validators });
  // RFC 9110, section 14.2: a range is for GET; HEAD tells of the whole.
  const isHead = request.method === "HEAD";
  const asked = isHead || !rangeApplies(request.headers, etag) ? null : request.headers.get("range");
  const range = parseRange(asked, size);
  if (range === "unsatisfiable") {
    throw new HttpError("range_not_satisfiable", `The content has ${size} bytes`, {
      "content-range": `bytes */${size}`,
    });
  }
  const length = range === "whole" ? size : range.end - range.start;
  const small = length <= SMALL;
  const { body } = await open({ ...(range !== "whole" && { range }), ...(!small && chunks && { chunks }) });
  return new Response(isHead ? null : small ? await collect(body, length) : toStream(body), {
    status: range === "whole" ? 200 : 206,
    headers: {
      ...validators,
      "accept-ranges": "bytes",
      "content-type": entry.media_type ?? "application/octet-stream",
      "content-length": String(length),
      "content-disposition": disposition,
      "content-security-policy": SANDBOX,
      "repr-digest": reprDigest(entry),
      ...(range === "whole" ? {} : { "content-range": `bytes ${range.start}-${range.end - 1}/${size}` }),
    },
  });
}
