/** Entity tags and the preconditions that name them (RFC 9110, sections 8.8.3 and 13). */
import { HttpError } from "./error.ts";

const TAG = /(W\/)?"([\x21\x23-\x7e\x80-\xff]*)"/g;

interface Tag {
  readonly weak: boolean;
  readonly opaque: string;
}

function tagsOf(header: string): Tag[] {
  return [...header.matchAll(TAG)].map(([, weak, opaque = ""]) => ({ weak: weak !== undefined, opaque }));
}

/** @param etag a strong one, with its quotes */
function lists(header: string, etag: string, weakly: boolean): boolean {
  if (header.trim() === "*") return true;
  return tagsOf(header).some(({ weak, opaque }) => (weakly || !weak) && `"${opaque}"` === etag);
}

/** Whether a GET is answered with 304. @throws {HttpError} `precondition_failed` */
export function isNotModified(headers: Headers, etag: string): boolean {
  const ifMatch = headers.get("if-match");
  if (ifMatch !== null && !lists(ifMatch, etag, false)) {
    throw new HttpError("precondition_failed", "What is here has another ETag than those in If-Match", { etag });
  }
  const ifNoneMatch = headers.get("if-none-match");
  return ifNoneMatch !== null && lists(ifNoneMatch, etag, true);
}

/** Whether `If-Range` lets a range through. A date never does: nothing here has a Last-Modified. */
export function rangeApplies(headers: Headers, etag: string): boolean {
  const ifRange = headers.get("if-range");
  return ifRange === null || ifRange.trim() === etag;
}
