/** A package as a directory again, whole or not at all. Symlinks come last: nothing is written through one. */
import { closeSync, openSync, writeSync } from "node:fs";
import { type FileHandle, mkdir, open, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import {
  type Caller,
  checkPath,
  type FileEntry,
  type PackageEntry,
  RegistryError,
  staysInside,
} from "../../core/mod.ts";
import type { Door } from "../door.ts";
import { NEW_FILE, writeAll, writeNew } from "./write_new.ts";

/** What a package is read from. */
export type PackageSource = Pick<Door, "listFiles" | "openFile">;

export interface WriteTreeOptions {
  readonly concurrency: number;
  onProgress(done: { readonly files?: number; readonly bytes?: number }): void;
}

export interface Written {
  readonly files: number;
  readonly bytes: number;
}

/** @throws {RegistryError} `not_empty`, `object_corrupt`, `object_missing` */
export async function writeTree(
  registry: PackageSource,
  caller: Caller,
  ref: string,
  target: string,
  options: WriteTreeOptions,
): Promise<Written> {
  return await writeNew(target, (partial) => fill(registry, caller, ref, partial, options));
}

async function fill(
  registry: PackageSource,
  caller: Caller,
  ref: string,
  root: string,
  { concurrency, onProgress }: WriteTreeOptions,
): Promise<Written> {
  const made = new Map<string, Promise<unknown>>();
  const ensure = (directory: string) => {
    let making = made.get(directory);
    if (making === undefined) {
      making = mkdir(directory, { recursive: true });
      made.set(directory, making);
    }
    return making;
  };
  const links: Extract<PackageEntry, { kind: "symlink" }>[] = [];
  let files = 0;
  let bytes = 0;
  let cursor: string | undefined;
  do {
    const page = await registry.listFiles(caller, ref, { limit: 1000, ...(cursor === undefined ? {} : { cursor }) });
    const queue = page.items.values();
    let failure: unknown;
    const worker = async () => {
      for (const entry of queue) {
        if (failure !== undefined) return;
        try {
          // Checked when it came in; checked again before it names something on this machine.
          checkPath(entry.path);
          const path = join(root, entry.path);
          if (entry.kind === "symlink") links.push(entry);
          else if (entry.kind === "directory") await ensure(path);
          else {
            await ensure(dirname(path));
            await writeFile(registry, caller, entry, path, (count) => onProgress({ bytes: count }));
            files += 1;
            bytes += entry.size;
            onProgress({ files: 1 });
          }
        } catch (error) {
          failure ??= error;
        }
      }
    };
    await Promise.all(Array.from({ length: concurrency }, worker));
    if (failure !== undefined) throw failure;
    cursor = page.cursor;
  } while (cursor !== undefined);
  for (const link of links) {
    if (!staysInside(link.path, link.target))
      throw new RegistryError("invalid_path", `The symlink ${JSON.stringify(link.path)} leaves the package`);
    const path = join(root, link.path);
    await ensure(dirname(path));
    await symlink(link.target, path);
  }
  return { files, bytes };
}

async function writeFile(
  registry: PackageSource,
  caller: Caller,
  entry: FileEntry,
  path: string,
  onBytes: (count: number) => void,
): Promise<void> {
  const mode = entry.executable ? 0o777 : 0o666;
  const { body } = await registry.openFile(caller, entry, { verify: true });
  const chunks = body[Symbol.asyncIterator]();
  const first = await chunks.next();
  const second = first.done === true ? first : await chunks.next();
  if (second.done === true) {
    // One chunk or none: three calls are cheaper than three trips to the thread pool.
    const fd = openSync(path, NEW_FILE, mode);
    try {
      if (first.done !== true) writeAllNow(fd, first.value);
    } finally {
      closeSync(fd);
    }
    onBytes(entry.size);
    return;
  }
  const handle = await open(path, NEW_FILE, mode);
  try {
    await writeChunk(handle, first.value as Uint8Array, onBytes);
    await writeChunk(handle, second.value, onBytes);
    for (;;) {
      const step = await chunks.next();
      if (step.done === true) break;
      await writeChunk(handle, step.value, onBytes);
    }
  } finally {
    await chunks.return?.();
    await handle.close();
  }
}

function writeAllNow(fd: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at, bytes.length - at);
}

async function writeChunk(handle: FileHandle, bytes: Uint8Array, onBytes: (count: number) => void) {
  await writeAll(handle, bytes);
  onBytes(bytes.length);
}
