/** Blobs that are there (spec, "Pulling blobs", "Deleting Blobs"). */
import { collect, toStream } from "../../core/mod.ts";
import { HttpError } from "../http/error.ts";
import { isNotModified, rangeApplies } from "../http/etag.ts";
import { accepted, type OciHandler } from "./answers.ts";
import { blobRange } from "./headers.ts";

/** Bytes that are read before the answer begins: damage found meanwhile is told, not cut off. */
const SMALL = 64 * 1024;

export const getBlob: OciHandler = async ({ oci, caller, request, target, chunks }) => {
  const { repository, reference } = target;
  const { digest, size, open } = await oci.findBlob(caller, { repository, digest: reference });
  const etag = `"${digest}"`;
  const known = { etag, "docker-content-digest": digest, "cache-control": "private, max-age=31536000, immutable" };
  if (isNotModified(request.headers, etag)) return new Response(null, { status: 304, headers: known });
  // RFC 9110, section 14.2: a range is for GET; HEAD tells of the whole, and opens nothing.
  const isHead = request.method === "HEAD";
  const asked = isHead || !rangeApplies(request.headers, etag) ? null : request.headers.get("range");
  const range = blobRange(asked, size);
  if (range === "unsatisfiable") {
    throw new HttpError("range_not_satisfiable", `The blob has ${size} bytes`, {
      "content-range": `bytes */${size}`,
    });
  }
  const part = range === "whole" ? undefined : range;
  const length = part === undefined ? size : part.end - part.start;
  const headers = {
    ...known,
    "accept-ranges": "bytes",
    "content-type": "application/octet-stream",
    "content-length": String(length),
    ...(part && { "content-range": `bytes ${part.start}-${part.end - 1}/${size}` }),
  };
  if (isHead) return new Response(null, { headers });
  const small = length <= SMALL;
  const { body } = await open({ ...(part && { range: part }), ...(!small && chunks && { chunks }) });
  return new Response(small ? await collect(body, length) : toStream(body), {
    status: part === undefined ? 200 : 206,
    headers,
  });
};

export const deleteBlob: OciHandler = async ({ oci, caller, target }) => {
  const { repository, reference } = target;
  await oci.deleteBlob(caller, { repository, digest: reference });
  return accepted(202);
};
