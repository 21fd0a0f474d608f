/** One table from the system's error codes to the SPI's (core/spi/storage.ts). */
import { isRegistryError, RegistryError } from "../../core/base/errors.ts";

const FULL: ReadonlySet<string> = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);
const READ_ONLY: ReadonlySet<string> = new Set(["EROFS", "EACCES", "EPERM"]);

/** `ENOENT` and the like; `undefined` for what is not a failed system call. */
export function causeCode(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return typeof code === "string" ? code : undefined;
}

export function isFull(error: unknown): boolean {
  return FULL.has(causeCode(error) ?? "");
}

/** True when the path names nothing, also because a directory on the way is missing. */
export function isAbsent(error: unknown): boolean {
  const code = causeCode(error);
  return code === "ENOENT" || code === "ENOTDIR";
}

/** `doing` completes "could not ...". What is already a RegistryError passes through. */
export function storageError(error: unknown, doing: string, backendId: string): Error {
  if (isRegistryError(error)) return error;
  const cause_code = causeCode(error);
  if (cause_code === undefined && error instanceof TypeError) return error; // a bug of ours: do not dress it up
  const data = { backend_id: backendId, ...(cause_code === undefined ? {} : { cause_code }) };
  const what = `Storage ${backendId} could not ${doing} (${cause_code ?? String(error)})`;
  if (cause_code !== undefined && FULL.has(cause_code)) {
    return new RegistryError(
      "storage_full",
      `${what}: free some space or raise the quota, then try again`,
      data,
      error,
    );
  }
  if (cause_code !== undefined && READ_ONLY.has(cause_code)) {
    return new RegistryError("storage_read_only", `${what}: make the directory writable, then try again`, data, error);
  }
  return new RegistryError("storage_failed", `${what}: look at the disk and the system log`, data, error);
}
