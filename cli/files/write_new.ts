/**
 * A directory or file that is there whole, or not at all: it is filled beside its place under another name, and moved
 * there when nothing can fail any more. What is in that place by then stays as it is.
 */
import { constants } from "node:fs";
import { chmod, type FileHandle, link, mkdir, mkdtemp, open, readdir, rename, rm, rmdir, stat } from "node:fs/promises";
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
      await refuseOthers(target, basename(partial));
      await moveAll(partial, target);
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

/**
 * A file. @param fill is given an empty one of its own, open for writing
 * @throws {RegistryError} `not_empty`, `storage_failed`; what `fill` throws
 */
export async function writeNewFile(target: string, fill: (handle: FileHandle) => Promise<void>): Promise<void> {
  // Looked at first, so that nobody waits for hours to hear it.
  if (await stat(target).catch(() => undefined)) throw isThere(target);
  const partial = join(dirname(target), `.${basename(target).slice(0, 60)}.partial-${crypto.randomUUID()}`);
  try {
    await mkdir(dirname(target), { recursive: true });
    const handle = await open(partial, NEW_FILE, 0o600);
    try {
      await fill(handle);
    } finally {
      await handle.close();
    }
    await chmod(partial, 0o666 & ~process.umask());
    await moveFile(partial, target);
  } catch (error) {
    throw cannotWrite(target, error);
  } finally {
    await rm(partial, { force: true });
  }
}

/** To write to what was not there a moment ago, and to nothing that a link leads to. */
export const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0);

/** File systems that know no hard links: FAT, some of networks. */
const NO_LINKS = new Set(["EPERM", "ENOSYS", "ENOTSUP", "EOPNOTSUPP", "EMLINK"]);

/** A second name and not a rename, which would take the place of what somebody else has put there meanwhile. */
async function moveFile(partial: string, target: string): Promise<void> {
  try {
    await link(partial, target);
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") throw isThere(target);
    if (!NO_LINKS.has(code)) throw error;
    await rename(partial, target);
  }
}

/** In the order of their names: `oci-layout`, without which nothing is an image layout, comes after what it is about. */
async function moveAll(partial: string, target: string): Promise<void> {
  const moved: string[] = [];
  try {
    for (const name of (await readdir(partial)).sort()) {
      await rename(join(partial, name), join(target, name));
      moved.push(name);
    }
    await rmdir(partial);
  } catch (error) {
    for (const name of moved) await rm(join(target, name), { recursive: true, force: true });
    throw error;
  }
}

function isThere(target: string): RegistryError {
  return new RegistryError("not_empty", `${target} is there already; name a file that is not`, { target });
}

/** The disk it goes to is full, read-only, gone: not a bug of this program. Other errors stay what they are. */
export function cannotWrite(target: string, error: unknown): unknown {
  if (isRegistryError(error) || typeof (error as NodeJS.ErrnoException).code !== "string") return error;
  return new RegistryError("storage_failed", `${target} cannot be written: ${messageOf(error)}`, { target }, error);
}

/** Whether it exists (and is empty). */
async function refuseOccupied(target: string): Promise<boolean> {
  try {
    await refuseOthers(target);
    return true;
  } catch (error) {
    if (isRegistryError(error)) throw error;
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw new RegistryError("not_empty", `${target} is not a directory that can be written to`, { target }, error);
  }
}

/** Names what is there: after a kill it begins with a dot, and `ls` shows an empty directory. */
async function refuseOthers(target: string, own?: string): Promise<void> {
  const [other] = (await readdir(target)).filter((name) => name !== own);
  if (other === undefined) return;
  const message = `${target} is not empty (it has ${JSON.stringify(other)}); name a directory that is empty or does not exist`;
  throw new RegistryError("not_empty", message, { target });
}

export async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) at += (await handle.write(bytes, at, bytes.length - at)).bytesWritten;
}
