/** The database's files: who may read them, and that they are still there after a power cut. */
import { chmodSync, closeSync, existsSync, fsyncSync, mkdirSync, openSync, rmSync } from "node:fs";
import { dirname, resolve } from "node:path";

/** Middle of the name of a scratch database: `<main>.scratch-<random>`. A crash may leave some; they can be deleted. */
export const SCRATCH_MARK = ".scratch-";

const SIDE_FILES = ["-wal", "-shm", "-journal"];

/**
 * Creates the folder (0700, only if it is missing) and the file (0600) whatever the umask. SQLite gives `-wal` and
 * `-shm` the mode of the main file, so it must be right before SQLite opens it.
 */
export function prepareFiles(path: string): void {
  createFolder(dirname(resolve(path)));
  try {
    // Exclusive: a file that SQLite may have open must not be opened and closed here, because that drops every
    // POSIX lock this process has on it.
    const descriptor = openSync(path, "wx", 0o600);
    closeSync(descriptor);
  } catch (error) {
    if ((error as { code?: string }).code !== "EEXIST") throw error;
  }
  for (const file of [path, ...SIDE_FILES.map((suffix) => path + suffix)]) {
    if (existsSync(file)) chmodSync(file, 0o600);
  }
}

export function removeFiles(path: string): void {
  for (const file of [path, ...SIDE_FILES.map((suffix) => path + suffix)]) rmSync(file, { force: true });
}

function createFolder(folder: string): void {
  const first = mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  chmodSync(folder, 0o700);
  // SQLite syncs the folder of its files, not the folders above, so a power cut could take the new folder itself.
  for (let at = folder; ; at = dirname(at)) {
    syncFolder(dirname(at));
    if (at === first || dirname(at) === at) return;
  }
}

function syncFolder(folder: string): void {
  const descriptor = openSync(folder, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
