/** Stored bytes as an answer, at every door: validators, one range, lengths. */
import { type ChunkPool, collect, type ObjectContent, type ReadOptions, toStream } from "../../core/mod.ts";
import { HttpError } from "./error.ts";
import { isNotModified, rangeApplies } from "./etag.ts";
import { parseRange } from "./range.ts";
import type { Reply } from "./reply.ts";

export interface Content {
  /** Bytes of the whole. */
  readonly size: number;
  /** What the ETag says, without its quotes. */
  readonly validator: string;
  open(options: ReadOptions): Promise<ObjectContent>;
  /** Of 304 as well. */
  readonly headers: Readonly<Record<string, string>>;
  /** Of answers that have, or for HEAD would have, the bytes. */
  readonly described: Readonly<Record<string, string>> & { readonly "content-type": string };
  /** How `Range` is read. Default: as RFC 9110 says. */
  readonly rangeOf?: typeof parseRange;
  /** Of the transport, which gives back what it has sent. */
  readonly chunks: ChunkPool | undefined;
}

/** Bytes that are read before the answer begins: damage found meanwhile is told, not cut off. */
const SMALL = 64 * 1024;

/** @throws {HttpError} `precondition_failed`, `range_not_satisfiable` */
export async function contentReply(request: Request, content: Content): Promise<Reply> {
  const { size, validator, headers, described, rangeOf = parseRange, chunks } = content;
  const etag = `"${validator}"`;
  if (isNotModified(request.headers, etag)) return { status: 304, headers: { ...headers, etag }, body: null };
  // RFC 9110, section 14.2: a range is for GET; HEAD tells of the whole, and opens nothing.
  const isHead = request.method === "HEAD";
  const asked = isHead || !rangeApplies(request.headers, etag) ? null : request.headers.get("range");
  const found = rangeOf(asked, size);
  if (found === "unsatisfiable") {
    throw new HttpError("range_not_satisfiable", `The content has ${size} bytes`, {
      "content-range": `bytes */${size}`,
    });
  }
  const range = found === "whole" ? undefined : found;
  const length = range === undefined ? size : range.end - range.start;
  const init = {
    status: range === undefined ? 200 : 206,
    headers: {
      ...headers,
      ...described,
      etag,
      "accept-ranges": "bytes",
      "content-length": String(length),
      ...(range && { "content-range": `bytes ${range.start}-${range.end - 1}/${size}` }),
    },
  };
  if (isHead) return { ...init, body: null };
  const small = length <= SMALL;
  const { body } = await content.open({ ...(range && { range }), ...(!small && chunks && { chunks }) });
  return small ? { ...init, body: await collect(body, length) } : new Response(toStream(body), init);
}
