/**
 * The yardstick for many small files: writes a directory's files under their BLAKE3 in the layout of storage-fs, as
 * durably, and knows nothing else: no database, no names, no second digest, no checks.
 *
 *   bun tests/bench/bare_write.ts SOURCE TARGET [--concurrency 64]
 *
 * A file: temporary file -> write -> fsync -> rename to `blake3/aa/bb/<hex>` -> fsync of `bb`; whoever makes a directory
 * syncs its parent.
 */

import { mkdirSync, readFileSync } from "node:fs";
import { type FileHandle, mkdir, open, readdir, rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { Blake3Hasher } from "@napi-rs/blake-hash";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { concurrency: { type: "string", default: "64" } },
});
const [source = "", target = ""] = positionals;

async function syncDirectory(path: string): Promise<void> {
  await withFile(await open(path, "r"), (directory) => directory.sync());
}

async function withFile(file: FileHandle, work: (file: FileHandle) => Promise<unknown>): Promise<void> {
  try {
    await work(file);
  } finally {
    await file.close();
  }
}

const made = new Map<string, Promise<void>>();
/** Makes a directory once, its parents first, each durably. */
function make(path: string): Promise<void> {
  let making = made.get(path);
  if (making === undefined) {
    making = (async () => {
      await make(dirname(path));
      await mkdir(path);
      await syncDirectory(dirname(path));
    })();
    made.set(path, making);
  }
  return making;
}

async function store(path: string, name: number): Promise<void> {
  const bytes = readFileSync(path);
  const hex = new Blake3Hasher().update(bytes).digest();
  const leaf = join(target, "blake3", hex.slice(0, 2), hex.slice(2, 4));
  const temporary = join(target, "staging", String(name));
  await withFile(await open(temporary, "wx", 0o444), async (file) => {
    await file.writeFile(bytes);
    await file.sync();
  });
  await make(leaf);
  await rename(temporary, join(leaf, hex));
  await syncDirectory(leaf);
}

mkdirSync(join(target, "staging"), { recursive: true });
made.set(target, Promise.resolve());
const files = (await readdir(source, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
let next = 0;
async function worker(): Promise<void> {
  for (let at = next++; at < files.length; at = next++) {
    const file = files[at];
    if (file !== undefined) await store(join(file.parentPath, file.name), at);
  }
}
await Promise.all(Array.from({ length: Number(values.concurrency) }, worker));
