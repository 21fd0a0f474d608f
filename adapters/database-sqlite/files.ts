/** The database's files: who may read them, and that they are still there after a power cut. */
import { chmodSync, closeSync, existsSync, fsyncSync, mkdirSync, openSync, rmSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { toHex } from "../../core/base/bytes.ts";
import { RegistryError } from "../../core/base/errors.ts";
import { sqliteFault } from "./faults.ts";

/** Middle of the name of a scratch database: `<main>.scratch-<ms since the epoch>-<random>`. A crash may leave some. */
export const SCRATCH_MARK = ".scratch-";
const SCRATCH_TAIL = /^([0-9]{1,15})-[0-9a-f]{16}$/;

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

export function newScratchPath(path: string): string {
  const random = toHex(crypto.getRandomValues(new Uint8Array(8)));
  return `${path}${SCRATCH_MARK}${Date.now()}-${random}`;
}

/** When the scratch database of that file name was begun; `undefined` for any other file. */
function begunAt(path: string, name: string): number | undefined {
  const start = basename(path) + SCRATCH_MARK;
  const tail = name.startsWith(start) ? SCRATCH_TAIL.exec(name.slice(start.length)) : null;
  return tail === null ? undefined : Number(tail[1]);
}

/** File names, each once although SQLite keeps side files; without those that some process has open. */
export async function scratchLeftovers(path: string, before: number): Promise<string[]> {
  const side = new RegExp(`(?:${SIDE_FILES.join("|")})$`);
  const names = new Set((await readdir(dirname(path))).map((name) => name.replace(side, "")));
  return [...names]
    .filter((name) => (begunAt(path, name) ?? Number.POSITIVE_INFINITY) < before)
    .filter((name) => !isInUse(join(dirname(path), name)))
    .sort();
}

/** Whoever has a database in WAL mode open shares a lock on its file, so an exclusive one is refused. */
function isInUse(path: string): boolean {
  if (!existsSync(path)) return false; // only its side files are left
  try {
    const probe = new DatabaseSync(path, { timeout: 0 });
    try {
      probe.exec("PRAGMA locking_mode = EXCLUSIVE");
      probe.prepare("select count(*) from sqlite_schema").get();
      return false;
    } finally {
      probe.close();
    }
  } catch (error) {
    return sqliteFault(error) === "busy"; // anything else is a database that nobody can use
  }
}

export function discardScratch(path: string, name: string): void {
  if (begunAt(path, name) === undefined) {
    throw new RegistryError("invalid_argument", "Names of scratch databases come from scratchLeftovers()", {
      name: name.slice(0, 200),
    });
  }
  removeFiles(join(dirname(path), name));
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
