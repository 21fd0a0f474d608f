/**
 * Directories and their durability. A file survives power loss only if its directory's entry for it was synced, and
 * that directory's entry in its parent, up to the root (DESIGN section 5).
 */
import { dirname, join } from "node:path";
import { RegistryError } from "../../core/base/errors.ts";
import { type Blocking, NEVER, soon } from "./blocking.ts";
import { causeCode, isAbsent, isFull } from "./errors.ts";
import { STAGING } from "./layout.ts";
import { createNames } from "./names.ts";
import * as system from "./system.ts";

/** What is made durable. All true outside of mutation tests, which switch one off and must then see data lost. */
export interface Durability {
  readonly syncFile: boolean;
  readonly syncLeafDirectory: boolean;
  readonly syncParentDirectories: boolean;
}

/**
 * fsync with one rule: a failure is final. The kernel marks the pages clean after reporting it once, so a second fsync
 * would answer "fine" for bytes that are gone. Only a lack of room is the fault of the one file.
 */
export interface Syncer {
  sync(fd: number): Promise<void>;
  /** @throws {RegistryError} `storage_failed` once an fsync has failed. */
  assertHealthy(): void;
  /** How many are under way. */
  underWay(): number;
}

export function createSyncer(backendId: string): Syncer {
  let failure: { readonly cause: unknown } | undefined;
  let underWay = 0;
  const assertHealthy = () => {
    if (failure === undefined) return;
    const code = causeCode(failure.cause);
    throw new RegistryError(
      "storage_failed",
      `Storage ${backendId} stopped accepting writes because the disk failed to sync (${code ?? "unknown error"}): ` +
        "check the disk, restart the program, then verify the stored objects",
      { backend_id: backendId, ...(code === undefined ? {} : { cause_code: code }) },
      failure.cause,
    );
  };
  return {
    assertHealthy,
    underWay: () => underWay,
    async sync(fd) {
      assertHealthy();
      underWay++;
      try {
        await system.fsync(fd);
      } catch (error) {
        if (!isFull(error)) failure ??= { cause: error };
        throw error;
      } finally {
        underWay--;
      }
    },
  };
}

/** Wraps `work` so that callers of one name share runs: a run serves everyone who asked before it started. */
export function coalesce(work: (name: string) => Promise<void>): (name: string) => Promise<void> {
  const running = new Map<string, Promise<void>>();
  const waiting = new Map<string, Promise<void>>();
  function start(name: string): Promise<void> {
    const run: Promise<void> = work(name).finally(() => {
      if (running.get(name) === run) running.delete(name);
    });
    running.set(name, run);
    return run;
  }
  return (name) => {
    const next = waiting.get(name);
    if (next !== undefined) return next;
    const current = running.get(name);
    if (current === undefined) return start(name);
    // The run under way may have passed our change already: wait for one that starts after it.
    const ours = current
      .catch(() => {})
      .then(() => {
        waiting.delete(name);
        return start(name);
      });
    waiting.set(name, ours);
    return ours;
  };
}

export interface Directories {
  /** Makes root and staging directory, once; again after `forget()` or a failure. */
  prepare(): Promise<void>;
  /** Drops what is remembered: somebody removed directories behind our back. */
  forget(): void;
  /** Gives a complete file its key and makes both durable, on file systems without hard links by taking its name away. */
  publish(path: string, key: string, options?: PublishOptions): Promise<void>;
  /** Makes names in the staging directory durable: uploads outlive the process, unlike other staged objects. */
  syncStaging(): Promise<void>;
  /** Makes the absence of a removed key durable. */
  syncRemoval(key: string): Promise<void>;
}

export interface PublishOptions {
  /** Makes the file's bytes durable; absent: they are. */
  readonly sync?: (() => Promise<void>) | undefined;
  /** The file keeps its name `path`; this is another that nobody has. Absent: it has the key alone. */
  readonly spare?: string;
}

export function createDirectories(
  root: string,
  syncer: Syncer,
  durability: Durability,
  writing: Blocking,
): Directories {
  /** Directories known to exist with durable entries all the way up to the root. Another process's mkdir proves nothing. */
  const settled = new Set<string>();
  let prepared: Promise<void> | undefined;
  const { claim, replace, drop } = createNames(writing);

  const syncDirectory = coalesce(async (path) => {
    const fd = system.openDirectorySync(path);
    try {
      await syncer.sync(fd);
    } finally {
      system.closeSync(fd);
    }
  });

  function forget(): void {
    settled.clear();
    prepared = undefined;
  }

  /** @returns the relative directories that were not known to be durable, outermost first. */
  async function makeShards(leaf: string): Promise<string[]> {
    if (settled.has(leaf)) return [];
    const [algorithm, first] = leaf.split("/") as [string, string];
    const fresh = [algorithm, `${algorithm}/${first}`, leaf].filter((directory) => !settled.has(directory));
    for (const directory of fresh) await ensureDirectory(join(root, directory), writing);
    return fresh;
  }

  /** Runs `name` with the directories of a key there, those that are new to us as `fresh`. */
  async function inShards<T>(leaf: string, name: () => Promise<T>): Promise<readonly [named: T, fresh: string[]]> {
    const fresh = await makeShards(leaf);
    try {
      return [await name(), fresh];
    } catch (error) {
      if (!isAbsent(error)) throw error;
      settled.clear();
      const again = await makeShards(leaf);
      return [await name(), again];
    }
  }

  return {
    forget,
    prepare() {
      prepared ??= prepareRoot(root, durability.syncParentDirectories ? syncDirectory : undefined).catch((error) => {
        prepared = undefined;
        throw error;
      });
      return prepared;
    },
    async publish(path, key, { sync, spare } = {}) {
      const leaf = dirname(key);
      const to = join(root, key);
      // Where nobody has the key, it is given before the bytes are synced, so that one commit of the file system serves
      // both. A power cut in between can leave it torn: nothing names it, and the next publisher finds it taken. What
      // is taken, perhaps by bytes that somebody was promised, is replaced by durable ones only (ADR-0022).
      const [claimed, fresh] = await inShards(leaf, () => claim(path, to));
      if (claimed && spare === undefined) await drop(path);
      if (!claimed) {
        await sync?.();
        await replace(path, to, spare);
      }
      const syncs: Promise<void>[] = [];
      if (claimed && sync !== undefined) syncs.push(sync());
      if (durability.syncLeafDirectory) syncs.push(syncDirectory(join(root, leaf)));
      if (durability.syncParentDirectories) {
        for (const directory of fresh) syncs.push(syncDirectory(dirname(join(root, directory))));
      }
      await allSettled(syncs);
      for (const directory of fresh) settled.add(directory);
    },
    async syncStaging() {
      const known = settled.has(STAGING);
      const syncs: Promise<void>[] = [];
      if (durability.syncLeafDirectory) syncs.push(syncDirectory(join(root, STAGING)));
      if (durability.syncParentDirectories && !known) syncs.push(syncDirectory(root));
      await Promise.all(syncs);
      settled.add(STAGING);
    },
    async syncRemoval(key) {
      if (!durability.syncLeafDirectory) return;
      try {
        await syncDirectory(join(root, dirname(key)));
      } catch (error) {
        if (!isAbsent(error)) throw error; // no directory, so no entry either
      }
    },
  };
}

/** Waits for all of them also when one fails: their caller closes the file that they work on. */
async function allSettled(syncs: readonly Promise<void>[]): Promise<void> {
  const results = await Promise.allSettled(syncs);
  for (const result of results) if (result.status === "rejected") throw result.reason;
}

/** Mode 0700 whatever the umask. Something else in its place, a link above all, is refused. */
async function ensureDirectory(path: string, writing: Blocking = NEVER): Promise<void> {
  const options = { mode: 0o700 };
  try {
    await soon<unknown>(
      writing,
      () => system.mkdirSync(path, options),
      () => system.mkdir(path, options),
    );
    system.chmodSync(path, 0o700);
  } catch (error) {
    if (causeCode(error) !== "EEXIST") throw error;
    const found = await system.lstat(path);
    if (!found.isDirectory()) {
      throw new RegistryError("storage_failed", `${path} is not a directory: move it away`, { cause_code: "ENOTDIR" });
    }
  }
}

async function prepareRoot(root: string, syncDirectory: ((path: string) => Promise<void>) | undefined): Promise<void> {
  // Only what we create gets our mode: an operator may have opened an existing root to a backup group.
  const created = await system.mkdir(root, { recursive: true, mode: 0o700 });
  if (created !== undefined) system.chmodSync(root, 0o700);
  const staging = join(root, STAGING);
  await ensureDirectory(staging);
  const device = (await system.stat(root)).dev;
  if ((await system.lstat(staging)).dev !== device) {
    throw new RegistryError(
      "storage_failed",
      `${staging} lies on another filesystem than ${root}, so objects could not be renamed into place: unmount it`,
      { cause_code: "EXDEV" },
    );
  }
  if (syncDirectory === undefined) return;
  // The root and its ancestors may be as new as the first object; only this filesystem's can be lost with it.
  let directory = await system.realpath(root);
  while (dirname(directory) !== directory) {
    directory = dirname(directory);
    if ((await system.stat(directory)).dev !== device) return;
    try {
      await syncDirectory(directory);
    } catch (error) {
      // A directory that we may not even open is not one in which we made something.
      if (causeCode(error) !== "EACCES" && causeCode(error) !== "EPERM") throw error;
    }
  }
}
