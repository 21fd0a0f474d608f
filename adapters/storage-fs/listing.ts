/**
 * Listing in byte order of the keys, which is the order of the directory tree: one shard directory is read at a time,
 * however many objects there are, and a cursor (the last key handed out) leads straight back to its shard.
 */
import { join } from "node:path";
import { RegistryError } from "../../core/base/errors.ts";
import { ALGORITHMS } from "../../core/identity/algorithms.ts";
import type { Page, StagedLeftover, StoredObject } from "../../core/spi/storage.ts";
import { isAbsent } from "./errors.ts";
import { checkKey, describeKey, isKey, isStagedId, STAGING } from "./layout.ts";
import * as system from "./system.ts";

const SHARD = /^[0-9a-f]{2}$/;
/** Shard directories looked at side by side: in a sparse store nearly every object has a directory of its own. */
const WIDTH = 16;

export async function listPage(
  root: string,
  options: { readonly limit: number; readonly cursor?: string },
): Promise<Page<StoredObject>> {
  const { limit, cursor } = options;
  if (!Number.isInteger(limit) || limit < 1 || limit > 1000) {
    throw new RegistryError("invalid_argument", "A page holds 1 to 1000 objects", { limit: String(limit) });
  }
  const after = cursor === undefined ? "" : checkCursor(cursor);
  const items: StoredObject[] = [];
  for await (const shard of shardsFrom(root, after)) {
    for (const object of shard) {
      if (items.length === limit) return { items, cursor: (items[limit - 1] as StoredObject).key };
      items.push(object);
    }
  }
  return { items };
}

function checkCursor(cursor: string): string {
  try {
    return checkKey(cursor);
  } catch {
    throw new RegistryError("invalid_argument", "A cursor is handed back unchanged from the page before", {
      cursor: String(cursor).slice(0, 160),
    });
  }
}

/** The objects after the key `after`, one leaf directory at a time, in order. */
async function* shardsFrom(root: string, after: string): AsyncGenerator<readonly StoredObject[], void, undefined> {
  for (const algorithm of Object.keys(ALGORITHMS).sort()) {
    for (const first of await shardNames(root, algorithm, after)) {
      const leaves = await shardNames(root, `${algorithm}/${first}`, after);
      for (let i = 0; i < leaves.length; i += WIDTH) {
        const batch = leaves.slice(i, i + WIDTH);
        yield* await Promise.all(batch.map((second) => objectsIn(root, `${algorithm}/${first}/${second}`, after)));
      }
    }
  }
}

/** Subdirectories that can hold keys after `after`. */
async function shardNames(root: string, directory: string, after: string): Promise<string[]> {
  const names = (await namesIn(join(root, directory))).filter((name) => {
    // A whole subtree lies before the cursor when its path is below the cursor's own start.
    const path = `${directory}/${name}`;
    return SHARD.test(name) && path >= after.slice(0, path.length);
  });
  return names.sort();
}

async function objectsIn(root: string, leaf: string, after: string): Promise<readonly StoredObject[]> {
  const keys = (await namesIn(join(root, leaf))).map((name) => `${leaf}/${name}`).filter((k) => isKey(k) && k > after);
  const found = await Promise.all(keys.sort().map((key) => statObject(root, key)));
  return found.filter((object) => object !== undefined);
}

/** `undefined` for what is not there (any more) or not a regular file. */
async function statObject(root: string, key: string): Promise<StoredObject | undefined> {
  try {
    const found = await system.lstat(join(root, key));
    return found.isFile() ? storedObject(key, found) : undefined;
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

export function storedObject(key: string, stats: system.Stats): StoredObject {
  // ctime: the rename into place set it. mtime is the last write, which may lie long before the publishing.
  return { key, size: stats.size, modified_at: Math.floor(stats.ctimeMs), ...describeKey(key) };
}

/** Names in a directory; none if there is no such directory. */
async function namesIn(path: string): Promise<string[]> {
  try {
    return await system.readdir(path);
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
}

export async function listStagedFiles(root: string, before: number): Promise<readonly StagedLeftover[]> {
  const directory = join(root, STAGING);
  const leftovers: StagedLeftover[] = [];
  for (const id of (await namesIn(directory)).filter(isStagedId).sort()) {
    try {
      const found = await system.lstat(join(directory, id));
      const modified_at = Math.floor(found.mtimeMs);
      if (found.isFile() && modified_at < before) leftovers.push({ id, size: found.size, modified_at });
    } catch (error) {
      if (!isAbsent(error)) throw error; // it was published or aborted meanwhile
    }
  }
  return leftovers;
}
