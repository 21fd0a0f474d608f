/**
 * What is in a directory: every entry once, nothing followed. Symlinks that are relative and stay inside are entries;
 * whatever cannot be kept is reported with a reason.
 */
import type { Dirent } from "node:fs";
import { lstat, readdir, readlink, realpath } from "node:fs/promises";
import { join } from "node:path";
import { checkPath, isRegistryError, messageOf, staysInside } from "../../core/mod.ts";

export interface FileFound {
  readonly kind: "file";
  /** Relative to the root, `/`-separated. */
  readonly path: string;
  readonly absolute: string;
  /** Bytes at the time of the walk. */
  readonly size: number;
  readonly executable: boolean;
  readonly device: number;
  readonly inode: number;
}
export type Found =
  | FileFound
  | { readonly kind: "directory"; readonly path: string }
  | { readonly kind: "symlink"; readonly path: string; readonly target: string };

export interface Refused {
  readonly path: string;
  readonly reason: string;
  /**
   * True where content could not be read (the ingest fails unless told to skip); false where it is of a kind that a
   * package does not keep (the ingest succeeds, exit code 3).
   */
  readonly unreadable: boolean;
}

export interface Walk {
  readonly entries: readonly Found[];
  readonly refused: readonly Refused[];
  readonly files: number;
  readonly bytes: number;
}

const OWNER_EXECUTES = 0o100;

/** `root` is resolved first: it may itself be a link. Rejects as the file system does when it cannot be read at all. */
export async function walk(root: string, signal?: AbortSignal): Promise<Walk> {
  const top = await realpath(root);
  const entries: Found[] = [];
  const refused: Refused[] = [];
  let files = 0;
  let bytes = 0;
  const pending: string[] = [""];
  for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
    signal?.throwIfAborted();
    const names = await namesOf(top, directory, refused);
    if (names === undefined) continue;
    if (names.length === 0 && directory !== "") entries.push({ kind: "directory", path: directory });
    for (const name of names) {
      const path = directory === "" ? name : `${directory}/${name}`;
      const found = await examine(top, path, refused);
      if (found === undefined) continue;
      if (found === "directory") pending.push(path);
      else {
        entries.push(found);
        if (found.kind === "file") {
          files += 1;
          bytes += found.size;
        }
      }
    }
  }
  return { entries, refused, files, bytes };
}

/** `undefined` when the directory cannot be read, or is no longer where it was. */
async function namesOf(top: string, directory: string, refused: Refused[]): Promise<string[] | undefined> {
  const absolute = join(top, directory);
  try {
    // A directory that was swapped for a link since it was seen would lead out of the root.
    if ((await realpath(absolute)) !== absolute) {
      refused.push({ path: directory, reason: "was replaced by a link while it was walked", unreadable: true });
      return undefined;
    }
    const listed: Dirent[] = await readdir(absolute, { withFileTypes: true });
    return listed.map((entry) => entry.name).sort();
  } catch (error) {
    refused.push({ path: directory === "" ? "." : directory, reason: messageOf(error), unreadable: true });
    return undefined;
  }
}

async function examine(top: string, path: string, refused: Refused[]): Promise<Found | "directory" | undefined> {
  const absolute = join(top, path);
  const refuse = (reason: string, unreadable: boolean) => {
    refused.push({ path, reason, unreadable });
    return undefined;
  };
  try {
    checkPath(path);
    const stat = await lstat(absolute);
    if (stat.isDirectory()) return "directory";
    if (stat.isFile()) {
      return {
        kind: "file",
        path,
        absolute,
        size: stat.size,
        executable: (stat.mode & OWNER_EXECUTES) !== 0,
        device: stat.dev,
        inode: stat.ino,
      };
    }
    if (!stat.isSymbolicLink()) return refuse("is a device, socket or pipe", false);
    const target = await readlink(absolute);
    if (target.includes("\uFFFD")) return refuse("is a symlink whose target is not UTF-8", false);
    if (!staysInside(path, target)) return refuse("is a symlink that leaves the directory", false);
    return { kind: "symlink", path, target };
  } catch (error) {
    if (isRegistryError(error)) return refuse(error.message, true);
    // The runtimes turn bytes that are not UTF-8 into U+FFFD; a file of that very name then does not exist.
    if (path.includes("\uFFFD") && (error as NodeJS.ErrnoException).code === "ENOENT") {
      return refuse("has a name that is not UTF-8", true);
    }
    return refuse(messageOf(error), true);
  }
}
