/** A layout into a new directory or tar, every digest compared on the way; whole, or nothing of it. */
import { mkdir, open } from "node:fs/promises";
import { dirname, join } from "node:path";
import { checkPath, type Hasher, layoutDigest, RegistryError, toHex } from "../../core/mod.ts";
import { TAR_END, tarHeader, tarPadding } from "../../core/packages/archive_tar_write.ts";
import { NEW_FILE, writeAll, writeNew, writeNewFile } from "../files/write_new.ts";
import type { Step } from "../progress/meter.ts";
import type { Layout, LayoutEntry } from "./layout.ts";

export interface WriteLayoutOptions {
  readonly hasher: Hasher;
  /** Files in work at once, of a directory. */
  readonly concurrency: number;
  readonly signal: AbortSignal;
  onProgress(done: Step): void;
}

/** @throws {RegistryError} `not_empty`, `object_corrupt`, `storage_failed` */
export async function writeLayoutDirectory(layout: Layout, target: string, options: WriteLayoutOptions): Promise<void> {
  await writeNew(target, async (partial) => {
    const queue = layout.entries.values();
    let failure: { readonly error: unknown } | undefined;
    const worker = async () => {
      for (const entry of queue) {
        if (failure !== undefined) return;
        await writeEntry(partial, entry, options).catch((error) => {
          failure ??= { error };
        });
      }
    };
    await Promise.all(Array.from({ length: options.concurrency }, worker));
    if (failure !== undefined) throw failure.error;
  });
}

async function writeEntry(root: string, entry: LayoutEntry, options: WriteLayoutOptions): Promise<void> {
  // Checked when it came in; checked again before it names something on this machine.
  checkPath(entry.path);
  const path = join(root, entry.path);
  if (entry.kind === "directory") {
    await mkdir(path, { recursive: true });
    return;
  }
  await mkdir(dirname(path), { recursive: true });
  const handle = await open(path, NEW_FILE, entry.executable ? 0o777 : 0o666);
  try {
    for await (const chunk of verified(entry, options)) await writeAll(handle, chunk);
  } finally {
    await handle.close();
  }
}

/**
 * The same layout gives the same bytes: entries have no time and no owner.
 * @throws {RegistryError} `not_empty`, `object_corrupt`, `storage_failed`
 */
export async function writeLayoutTar(layout: Layout, target: string, options: WriteLayoutOptions): Promise<void> {
  await writeNewFile(target, async (handle) => {
    for (const entry of layout.entries) {
      checkPath(entry.path);
      await writeAll(handle, tarHeader({ ...entry, target: "" }, 0));
      if (entry.kind === "directory") continue;
      for await (const chunk of verified(entry, options)) await writeAll(handle, chunk);
      await writeAll(handle, tarPadding(entry.size));
    }
    await writeAll(handle, TAR_END);
  });
}

/** The bytes of a file, of the size that was announced and the digest that its name is. @throws {RegistryError} `object_corrupt` */
async function* verified(entry: LayoutEntry, { hasher, signal, onProgress }: WriteLayoutOptions) {
  const { path, size } = entry;
  const wanted = layoutDigest(path);
  const hash = wanted && hasher.create(wanted.algorithm);
  let count = 0;
  for await (const chunk of await entry.open()) {
    signal.throwIfAborted();
    count += chunk.length;
    if (count > size) break;
    hash?.update(chunk);
    yield chunk;
    onProgress({ bytes: chunk.length });
  }
  const found = hash && toHex(hash.digest());
  if (count !== size || found !== wanted?.hex) {
    const what =
      count === size ? `the digest ${found}` : `${count > size ? "more than " : ""}${Math.min(count, size)} bytes`;
    throw new RegistryError("object_corrupt", `${path} came with ${what}, which is not what it is named`, { path });
  }
  onProgress({ files: 1 });
}
