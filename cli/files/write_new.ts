/**
 * A directory that is there whole, or not at all: it is filled beside its place under another name, and moved there when
 * nothing can fail any more.
 */
import { chmod, type FileHandle, mkdir, mkdtemp, readdir, rename, rm, rmdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { isRegistryError, messageOf, RegistryError } from "../../core/mod.ts";

/** @param fill is given a directory of its own @throws {RegistryError} `not_empty`, `storage_failed`; what `fill` throws */
export async function writeNew<T>(target: string, fill: (partial: string) => Promise<T>): Promise<T> {
  const exists = await refuseOccupied(target);
  // A directory that is there stays the same one: a shell may stand in it, it may be a mount, and its parent may not
  // be writable.
  const beside = exists ? target : dirname(target);
  let partial: string;
  try {
    await mkdir(beside, { recursive: true });
    partial = await mkdtemp(join(beside, `.${basename(target).slice(0, 60)}.partial-`));
  } catch (error) {
    throw cannotWrite(target, error);
  }
  try {
    const written = await fill(partial);
    if (exists) {
      for (const name of await readdir(partial)) await rename(join(partial, name), join(target, name));
      await rmdir(partial);
    } else {
      await chmod(partial, 0o777 & ~process.umask());
      await rename(partial, target);
    }
    return written;
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw cannotWrite(target, error);
  }
}

/** The disk it goes to is full, read-only, gone: not a bug of this program. Other errors stay what they are. */
export function cannotWrite(target: string, error: unknown): unknown {
  if (isRegistryError(error) || typeof (error as NodeJS.ErrnoException).code !== "string") return error;
  return new RegistryError("storage_failed", `${target} cannot be written: ${messageOf(error)}`, { target }, error);
}

/** Whether it exists (and is empty). */
async function refuseOccupied(target: string): Promise<boolean> {
  try {
    if ((await readdir(target)).length === 0) return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw new RegistryError("not_empty", `${target} is not a directory that can be written to`, { target }, error);
  }
  throw new RegistryError("not_empty", `${target} is not empty; name a directory that is empty or does not exist`, {
    target,
  });
}

export async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) at += (await handle.write(bytes, at, bytes.length - at)).bytesWritten;
}
