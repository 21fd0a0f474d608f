/** A file of a package as an answer: what it is called, its digests, and nothing that a browser would run. */
import type { ChunkPool, FoundFile } from "../../core/mod.ts";
import { contentReply } from "./content.ts";
import { reprDigest } from "./digests.ts";
import { toResponse } from "./reply.ts";

export interface FileContentOptions {
  readonly chunks: ChunkPool | undefined;
  readonly cacheControl: string;
  readonly disposition: string;
}

/** Somebody else's bytes: were one to open them in a browser all the same, they have no origin and no powers. */
const SANDBOX = "default-src 'none'; frame-ancestors 'none'; sandbox";

/** @throws {HttpError} `precondition_failed`, `range_not_satisfiable` */
export async function fileResponse(
  request: Request,
  { entry, open }: FoundFile,
  { cacheControl, disposition, chunks }: FileContentOptions,
): Promise<Response> {
  // Opened and not read, it says whether its bytes are known to be damaged.
  if (request.method === "HEAD") await open();
  const reply = await contentReply(request, {
    size: entry.size,
    validator: entry.content_address,
    open,
    headers: { "cache-control": cacheControl },
    described: {
      "content-type": entry.media_type ?? "application/octet-stream",
      "content-disposition": disposition,
      "content-security-policy": SANDBOX,
      "repr-digest": reprDigest(entry),
    },
    chunks,
  });
  return toResponse(reply);
}
