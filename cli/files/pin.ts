/**
 * Names can lead somewhere else from one call to the next: whoever may write to a directory can put a link in its place.
 * A directory or file that is held open stays what it is, and Linux tells under which name it is really reached.
 */
import { closeSync, constants, existsSync, openSync, readlinkSync, realpathSync } from "node:fs";

const OPEN_FILES = "/proc/self/fd";
const known = existsSync(OPEN_FILES);
const FLAGS = constants.O_RDONLY | (constants.O_DIRECTORY ?? 0);

export interface Pinned {
  /** Where it really is, no link on the way. */
  readonly real: string;
  /** Names below this path are looked up in the open directory itself. */
  readonly path: string;
  close(): void;
}

/** Throws as the file system does. Elsewhere than on Linux the name is looked at once more, which is nearly as good. */
export function pinDirectory(absolute: string): Pinned {
  if (!known) return { real: realpathSync(absolute), path: absolute, close: () => {} };
  const fd = openSync(absolute, FLAGS);
  try {
    return { real: nameOf(fd), path: `${OPEN_FILES}/${fd}`, close: () => closeSync(fd) };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** Whether the open file is reached under this very name, with no link on the way. */
export function isReachedAs(fd: number, absolute: string): boolean {
  return (known ? nameOf(fd) : realpathSync(absolute)) === absolute;
}

const nameOf = (fd: number): string => readlinkSync(`${OPEN_FILES}/${fd}`);
