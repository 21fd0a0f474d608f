/** `Range` (RFC 9110, section 14.2): one range of bytes. */
import type { ByteRange } from "../../core/spi/mod.ts";

/**
 * The bytes that are asked for. `whole` where the header may be ignored: none, another unit, malformed, or several
 * ranges (no client of a store needs multipart answers, and many small ranges are an old way to keep a server busy).
 */
export function parseRange(header: string | null, size: number): ByteRange | "whole" | "unsatisfiable" {
  const match = /^\s*bytes\s*=\s*(\d*)\s*-\s*(\d*)\s*$/i.exec(header ?? "");
  if (match === null) return "whole";
  const [, first = "", last = ""] = match;
  if (first === "" && last === "") return "whole";
  if (first === "") {
    const length = Math.min(Number(last), size);
    return length === 0 ? "unsatisfiable" : { start: size - length, end: size };
  }
  const start = Number(first);
  const end = last === "" ? size : Math.min(Number(last) + 1, size);
  if (last !== "" && Number(last) < start) return "whole";
  return start >= size ? "unsatisfiable" : { start, end };
}
