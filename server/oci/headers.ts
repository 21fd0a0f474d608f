/** Headers that the spec reads in its own way. */
import { isMediaType, RegistryError } from "../../core/mod.ts";
import type { ByteRange } from "../../core/spi/mod.ts";
import { contentLength } from "../http/body.ts";
import { parseRange } from "../http/range.ts";

export interface Chunk {
  /** Where its first byte belongs; absent: after what is there. */
  readonly offset?: number;
  /** Bytes of it; absent where the client does not say. */
  readonly length?: number;
}

/**
 * What a PATCH or PUT brings. `Content-Range` is `<first>-<last>` here, both inclusive; the form of RFC 9110 (14.4),
 * `bytes <first>-<last>/<whole>`, means the same.
 * @throws {RegistryError} `invalid_argument`, `size_mismatch`
 */
export function chunkOf(headers: Headers): Chunk {
  const length = contentLength(headers);
  const text = headers.get("content-range");
  if (text === null) return length === undefined ? {} : { length };
  const match = /^(?:bytes[ =])?(\d{1,15})-(\d{1,15})(?:\/(?:\d{1,15}|\*))?$/.exec(text.trim());
  if (match === null) {
    throw new RegistryError("invalid_argument", "Content-Range reads <first byte>-<last byte>, for example 0-1023");
  }
  const [offset, last] = [Number(match[1]), Number(match[2])];
  const size = last - offset + 1;
  if (size < 0 || (length !== undefined && length !== size)) {
    throw new RegistryError(
      "size_mismatch",
      length === undefined || size < 0
        ? `Content-Range ${offset}-${last} ends before it begins`
        : `Content-Range ${offset}-${last} has ${size} bytes, and Content-Length says ${length}`,
      { offset, last, ...(length !== undefined && { length }) },
    );
  }
  return { offset, length: size };
}

/** As `parseRange()`, but a range that ends before it begins cannot be satisfied (the conformance suite wants 416). */
export function blobRange(header: string | null, size: number): ByteRange | "whole" | "unsatisfiable" {
  const [, first, last] = /^\s*bytes\s*=\s*(\d+)\s*-\s*(\d+)\s*$/i.exec(header ?? "") ?? [];
  if (first !== undefined && Number(last) < Number(first)) return "unsatisfiable";
  return parseRange(header, size);
}

/**
 * `Content-Type` of a manifest, without parameters: pulling answers what was pushed, and "SHOULD NOT include parameters".
 * `undefined` where nothing is said. @throws {RegistryError} `invalid_manifest`
 */
export function manifestType(headers: Headers): string | undefined {
  const [type = ""] = (headers.get("content-type") ?? "").split(";", 1);
  const trimmed = type.trim();
  if (trimmed === "") return undefined;
  if (isMediaType(trimmed)) return trimmed;
  throw new RegistryError("invalid_manifest", "The Content-Type of a manifest is a media type, like type/subtype");
}

/** `n` of a list: `undefined` where it is not given. More than a page can have is a page. @throws {RegistryError} `invalid_argument` */
export function pageSize(query: URLSearchParams, max: number): number | undefined {
  const text = query.get("n");
  if (text === null) return undefined;
  if (!/^\d{1,15}$/.test(text)) throw new RegistryError("invalid_argument", "n is a whole number, 0 or more");
  return Math.min(Number(text), max);
}

/** RFC 8288. @param path what comes next, from `/` */
export function nextLink(path: string, query: Readonly<Record<string, string | number | undefined>>): string {
  const pairs = Object.entries(query).flatMap(([key, value]) =>
    value === undefined ? [] : [`${key}=${encodeURIComponent(value)}`],
  );
  return `<${path}?${pairs.join("&")}>; rel="next"`;
}
