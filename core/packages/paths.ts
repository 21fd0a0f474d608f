/**
 * Paths inside a package: exact UTF-8, `/` separates. What would climb out, be ambiguous or not come back the same on
 * a file system is refused here, for every door.
 */
import { utf8 } from "../base/bytes.ts";
import { RegistryError } from "../base/errors.ts";

const MAX_PATH_BYTES = 4096;
const MAX_SEGMENT_BYTES = 255;
/** What lies above an entry is looked up with it, so depth is work. */
const MAX_SEGMENTS = 256;

/** @throws {RegistryError} `invalid_path` */
export function checkPath(path: string): void {
  const problem = problemOf(path);
  if (problem !== undefined) refuse(path, problem);
}

/** A symlink is kept if it is relative and stays inside the package. @throws {RegistryError} `invalid_path` */
export function checkSymlink(path: string, target: string): void {
  checkPath(path);
  if (!staysInside(path, target)) {
    throw new RegistryError("invalid_path", `The symlink ${JSON.stringify(path)} points out of the package`, {
      path,
      target: target.slice(0, MAX_PATH_BYTES),
    });
  }
}

/** Whether a link at `path` with this target resolves inside the root, by its text alone. */
export function staysInside(path: string, target: string): boolean {
  if (target === "" || target.startsWith("/") || target.includes("\0") || !target.isWellFormed()) return false;
  if (utf8(target).length > MAX_PATH_BYTES) return false;
  let depth = path.split("/").length - 1;
  for (const segment of target.split("/")) {
    if (segment === "..") depth -= 1;
    else if (segment !== "" && segment !== ".") depth += 1;
    if (depth < 0) return false;
  }
  return true;
}

/** `a/b/c` -> `a`, `a/b`: what must be a directory for the path to exist. */
export function ancestorsOf(path: string): string[] {
  const found: string[] = [];
  for (let at = path.indexOf("/"); at !== -1; at = path.indexOf("/", at + 1)) found.push(path.slice(0, at));
  return found;
}

function problemOf(path: string): string | undefined {
  if (path === "") return "it is empty";
  if (!path.isWellFormed()) return "it is not valid Unicode";
  if (path.includes("\0")) return "it contains NUL";
  if (path.startsWith("/")) return "it is absolute";
  if (utf8(path).length > MAX_PATH_BYTES) return `it is longer than ${MAX_PATH_BYTES} bytes`;
  const segments = path.split("/");
  if (segments.length > MAX_SEGMENTS) return `it has more than ${MAX_SEGMENTS} segments`;
  for (const segment of segments) {
    if (segment === "") return "it has an empty segment";
    if (segment === "." || segment === "..") return `it has a "${segment}" segment`;
    if (utf8(segment).length > MAX_SEGMENT_BYTES) return `a segment is longer than ${MAX_SEGMENT_BYTES} bytes`;
  }
  return undefined;
}

function refuse(path: string, problem: string): never {
  throw new RegistryError("invalid_path", `The path ${JSON.stringify(path.slice(0, 300))} cannot be kept: ${problem}`, {
    path: path.slice(0, MAX_PATH_BYTES),
  });
}
