/**
 * What is in a directory: every entry once, nothing followed. Symlinks that are relative and stay inside are entries;
 * whatever cannot be kept is reported with a reason.
 */
import { lstatSync } from "node:fs";
import { readdir, readlink } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { checkPath, isRegistryError, messageOf, staysInside } from "../../core/mod.ts";
import { type Pinned, pinDirectory } from "./pin.ts";

export interface FileFound {
  readonly kind: "file";
  /** Relative to the root, `/`-separated. */
  readonly path: string;
  readonly absolute: string;
  /** Bytes at the time of the walk. */
  readonly size: number;
  readonly executable: boolean;
  /** Exact: some file systems number beyond 2^53. */
  readonly device: bigint;
  readonly inode: bigint;
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

const OWNER_EXECUTES = 0o100n;

/** After so many looks signals and the progress line get their turn. */
const NAMES_A_TURN = 1000;

/**
 * `root` is resolved first: it may itself be a link. `except` names places by their real paths that are left out: the
 * store's own. Rejects as the file system does when the root cannot be read at all, and with the signal's reason.
 */
export async function walk(root: string, except: ReadonlySet<string> = new Set(), signal?: AbortSignal): Promise<Walk> {
  const pinned = pinDirectory(root);
  const top = pinned.real;
  pinned.close();
  const entries: Found[] = [];
  const refused: Refused[] = [];
  let files = 0;
  let bytes = 0;
  const pending: string[] = [""];
  for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
    signal?.throwIfAborted();
    const listed = await list(top, directory, except, refused);
    for (const found of listed) {
      if (found.kind === "deeper") pending.push(found.path);
      else entries.push(found);
      if (found.kind === "file") {
        files += 1;
        bytes += found.size;
      }
    }
  }
  return { entries, refused, files, bytes };
}

type Seen = Found | { readonly kind: "deeper"; readonly path: string };

/** What is in one directory. It is held open meanwhile: one that is swapped for a link would lead out of the root. */
async function list(
  top: string,
  directory: string,
  except: ReadonlySet<string>,
  refused: Refused[],
): Promise<readonly Seen[]> {
  const absolute = join(top, directory);
  let pinned: Pinned | undefined;
  try {
    pinned = pinDirectory(absolute);
    if (pinned.real !== absolute) {
      refused.push({ path: directory, reason: "was replaced by a link while it was walked", unreadable: true });
      return [];
    }
    const names = (await readdir(pinned.path)).sort();
    if (names.length === 0 && directory !== "") return [{ kind: "directory", path: directory }];
    const seen: Seen[] = [];
    for (const [index, name] of names.entries()) {
      if (index % NAMES_A_TURN === NAMES_A_TURN - 1) await turn();
      const path = directory === "" ? name : `${directory}/${name}`;
      if (name === names[index - 1]) {
        // One of them is that very name; the other was made equal to it by the runtime.
        refused.push({ path, reason: "has a name that is not UTF-8", unreadable: true });
        continue;
      }
      const found = await examine(top, path, join(pinned.path, name), except, refused);
      if (found !== undefined) seen.push(found);
    }
    return seen;
  } catch (error) {
    refused.push({ path: directory === "" ? "." : directory, reason: messageOf(error), unreadable: true });
    return [];
  } finally {
    pinned?.close();
  }
}

async function examine(
  top: string,
  path: string,
  here: string,
  except: ReadonlySet<string>,
  refused: Refused[],
): Promise<Seen | undefined> {
  const absolute = join(top, path);
  const refuse = (reason: string, unreadable: boolean) => {
    refused.push({ path, reason, unreadable });
    return undefined;
  };
  try {
    checkPath(path);
    // A hop through the thread pool for each name costs ten times the look, and nothing else waits for this thread yet.
    const stat = lstatSync(here, { bigint: true });
    if (except.has(absolute)) return refuse("belongs to this store itself", false);
    if (stat.isDirectory()) return { kind: "deeper", path };
    if (stat.isFile()) {
      return {
        kind: "file",
        path,
        absolute,
        size: Number(stat.size),
        executable: (stat.mode & OWNER_EXECUTES) !== 0n,
        device: stat.dev,
        inode: stat.ino,
      };
    }
    if (!stat.isSymbolicLink()) return refuse("is a device, socket or pipe", false);
    const target = await targetOf(here);
    if (target === undefined) return refuse("is a symlink whose target is not UTF-8", false);
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

/** `undefined` where it is not UTF-8: Bun and Node put U+FFFD for such bytes, Deno refuses them. */
async function targetOf(link: string): Promise<string | undefined> {
  try {
    const target = await readlink(link);
    return target.includes("\uFFFD") ? undefined : target;
  } catch (error) {
    if (/not valid UTF-8/.test(messageOf(error))) return undefined;
    throw error;
  }
}
