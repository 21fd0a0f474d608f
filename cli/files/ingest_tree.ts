/** A walked directory into an open package: many small files at once, big ones a few at a time. */
import { lstat } from "node:fs/promises";
import { type Algorithm, type Caller, isRegistryError, messageOf, type Registry } from "../../core/mod.ts";
import { readFile } from "./read.ts";
import type { FileFound, Refused, Walk } from "./walk.ts";

export interface IngestTreeOptions {
  readonly packageId: string;
  readonly concurrency: number;
  readonly algorithms: readonly Algorithm[];
  onProgress(done: { readonly files?: number; readonly bytes?: number }): void;
}

export interface IngestTreeResult {
  readonly files: number;
  readonly directories: number;
  readonly symlinks: number;
  readonly bytes: number;
  /** Bytes that were in the store already. */
  readonly deduplicated_bytes: number;
  readonly deduplicated_files: number;
  /** What could not be read, found out only now. */
  readonly refused: readonly Refused[];
}

/**
 * Each file in work holds a few chunks, so the number of big ones at once is what memory depends on. A file counts with
 * its size, up to what its buffers can hold; one file is always let through.
 */
const BUDGET = 24 * 1024 * 1024;
const MOST_PER_FILE = 2 * 1024 * 1024;

/** How often a file that keeps changing is tried. */
const ATTEMPTS = 3;

/** Rejects with the registry's error; unreadable files are collected instead. */
export async function ingestTree(
  registry: Registry,
  caller: Caller,
  found: Walk,
  options: IngestTreeOptions,
): Promise<IngestTreeResult> {
  const { packageId } = options;
  const counts = { files: 0, directories: 0, symlinks: 0, bytes: 0, deduplicated_bytes: 0, deduplicated_files: 0 };
  const refused: Refused[] = [];
  let next = 0;
  let failure: unknown;
  const budget = createBudget(BUDGET);
  const worker = async () => {
    while (failure === undefined && next < found.entries.length) {
      const entry = found.entries[next++];
      if (entry === undefined) return;
      const weight = entry.kind === "file" ? Math.min(entry.size, MOST_PER_FILE) : 0;
      await budget.take(weight);
      try {
        if (entry.kind === "directory") {
          await registry.addDirectory(caller, { packageId, path: entry.path });
          counts.directories += 1;
        } else if (entry.kind === "symlink") {
          await registry.addSymlink(caller, { packageId, path: entry.path, target: entry.target });
          counts.symlinks += 1;
        } else {
          const { size, deduplicated } = await ingestOne(registry, caller, entry, options);
          counts.files += 1;
          counts.bytes += size;
          if (deduplicated) {
            counts.deduplicated_files += 1;
            counts.deduplicated_bytes += size;
          }
          options.onProgress({ files: 1 });
        }
      } catch (error) {
        if (!isUnreadable(error)) failure ??= error;
        else refused.push({ path: entry.path, reason: messageOf(error), unreadable: true });
      } finally {
        budget.giveBack(weight);
      }
    }
  };
  await Promise.all(Array.from({ length: options.concurrency }, worker));
  if (failure !== undefined) throw failure;
  return { ...counts, refused };
}

function createBudget(size: number) {
  let used = 0;
  const waiting: { readonly weight: number; start(): void }[] = [];
  const fits = (weight: number) => used === 0 || used + weight <= size;
  return {
    async take(weight: number): Promise<void> {
      if (waiting.length > 0 || !fits(weight)) {
        await new Promise<void>((start) => waiting.push({ weight, start }));
        return;
      }
      used += weight;
    },
    giveBack(weight: number): void {
      used -= weight;
      for (let next = waiting[0]; next !== undefined && fits(next.weight); next = waiting[0]) {
        used += next.weight;
        waiting.shift();
        next.start();
      }
    },
  };
}

async function ingestOne(registry: Registry, caller: Caller, file: FileFound, options: IngestTreeOptions) {
  let current = file;
  for (let attempt = 1; ; attempt++) {
    let sent = 0;
    const source = readFile(current, (count) => {
      sent += count;
      options.onProgress({ bytes: count });
    });
    try {
      const { entry, deduplicated } = await registry.ingestFile(caller, {
        packageId: options.packageId,
        path: file.path,
        source,
        executable: file.executable,
        expectedSize: current.size,
        algorithms: options.algorithms,
      });
      return { size: entry.size, deduplicated };
    } catch (error) {
      const again = isRegistryError(error, "source_changed") || isRegistryError(error, "conflict");
      if (!again || attempt === ATTEMPTS) throw error;
      options.onProgress({ bytes: -sent });
      const stat = await lstat(file.absolute, { bigint: true });
      current = { ...current, size: Number(stat.size), device: stat.dev, inode: stat.ino };
    }
  }
}

/** The file's fault, not the registry's. */
function isUnreadable(error: unknown): boolean {
  if (isRegistryError(error)) return error.code === "source_changed";
  return typeof (error as NodeJS.ErrnoException | undefined)?.code === "string";
}
