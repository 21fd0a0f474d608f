/** A walked directory into an open package, here or over the network: many small files at once, big ones a few at a time. */
import { lstat } from "node:fs/promises";
import { isRegistryError, messageOf } from "../../core/mod.ts";
import type { Step } from "../progress/meter.ts";
import type { FileFound, Refused, Walk } from "./walk.ts";

/** Where the entries go. Rejects with `RegistryError`s; what the file system throws is the file's own fault. */
export interface TreeTarget {
  addDirectory(path: string): Promise<unknown>;
  addSymlink(path: string, target: string): Promise<unknown>;
  /**
   * The file as it was at one moment, or `source_changed`. `onBytes` is told what moved on, less than nothing where bytes
   * have to go again; after a failure the caller takes all of it back.
   */
  addFile(file: FileFound, onBytes: (count: number, how?: { readonly earlier: boolean }) => void): Promise<Added>;
  /** Bytes of memory that files in work may take together. */
  readonly budget: number;
  /** What a file of so many bytes takes of it. */
  weightOf(size: number): number;
}

export interface Added {
  readonly size: number;
  /** A stored copy of these bytes was kept. */
  readonly deduplicated: boolean;
}

export interface IngestTreeOptions {
  readonly concurrency: number;
  onProgress(done: Step): void;
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

/** How often a file that keeps changing is tried. */
const ATTEMPTS = 3;

/** Rejects with the registry's error; unreadable files are collected instead. */
export async function ingestTree(
  target: TreeTarget,
  entries: Walk["entries"],
  options: IngestTreeOptions,
): Promise<IngestTreeResult> {
  const counts = { files: 0, directories: 0, symlinks: 0, bytes: 0, deduplicated_bytes: 0, deduplicated_files: 0 };
  const refused: Refused[] = [];
  let next = 0;
  let failure: unknown;
  // The number of big files at once is what memory depends on. One file is always let through.
  const budget = createBudget(target.budget);
  const worker = async () => {
    while (failure === undefined && next < entries.length) {
      const entry = entries[next++];
      if (entry === undefined) return;
      const weight = entry.kind === "file" ? target.weightOf(entry.size) : 0;
      await budget.take(weight);
      try {
        if (entry.kind === "directory") {
          await target.addDirectory(entry.path);
          counts.directories += 1;
        } else if (entry.kind === "symlink") {
          await target.addSymlink(entry.path, entry.target);
          counts.symlinks += 1;
        } else {
          const { size, deduplicated } = await ingestOne(target, entry, options);
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

async function ingestOne(target: TreeTarget, file: FileFound, options: IngestTreeOptions): Promise<Added> {
  let current = file;
  for (let attempt = 1; ; attempt++) {
    let sent = 0;
    try {
      return await target.addFile(current, (count, how) => {
        sent += count;
        options.onProgress({ bytes: count, ...how });
      });
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
