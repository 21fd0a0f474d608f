/**
 * The process that is killed. Loads everything, waits for one line of JSON (a `Task`), then works until it dies and
 * writes a line (a `Report`) before each operation and after each acknowledgement.
 */
import { readSync, writeSync } from "node:fs";
import { openPostgresDatabase } from "../../adapters/database-postgres/mod.ts";
import { openSqliteDatabase } from "../../adapters/database-sqlite/mod.ts";
import { loadHasher } from "../../adapters/hasher.ts";
import { assembleRegistry } from "../../adapters/local.ts";
import { createFsStorage, type FsStorageOptions } from "../../adapters/storage-fs/mod.ts";
import { type Database, isRegistryError, localCaller, messageOf, type Registry, type Tables } from "../../core/mod.ts";
import { type LoadOptions, load } from "./load.ts";
import type { Report } from "./oracle.ts";

export interface Place {
  readonly objects: string;
  readonly database:
    | { readonly kind: "sqlite"; readonly path: string }
    | { readonly kind: "postgres"; readonly url: string };
}

export interface Task extends Place {
  readonly load: LoadOptions;
  /** For mutation tests: what durability needs, left out. */
  readonly durability?: FsStorageOptions["durability"];
  readonly synchronous?: "FULL" | "NORMAL";
}

export async function openPlace(
  place: Place & Pick<Task, "durability" | "synchronous">,
): Promise<{ readonly registry: Registry; readonly database: Database<Tables> }> {
  const { objects, durability, synchronous } = place;
  const hasher = await loadHasher();
  const database =
    place.database.kind === "sqlite"
      ? await openSqliteDatabase({ path: place.database.path, ...(synchronous && { synchronous }) })
      : await openPostgresDatabase({ url: place.database.url });
  const storage = createFsStorage({ root: objects, ...(durability && { durability }) });
  return { registry: await assembleRegistry({ database, storage, hasher }), database };
}

function say(report: Report): void {
  const line = new TextEncoder().encode(`${JSON.stringify(report)}\n`);
  for (let at = 0; at < line.length; ) at += writeSync(1, line, at);
}

function firstLine(): string {
  const buffer = new Uint8Array(1 << 16);
  let length = 0;
  for (;;) {
    const count = readSync(0, buffer, length, buffer.length - length, null);
    if (count === 0) process.exit(0); // whoever started this has gone
    length += count;
    if (buffer[length - 1] === 10) return new TextDecoder().decode(buffer.subarray(0, length));
  }
}

if (import.meta.main) {
  const hasher = await loadHasher();
  const task = JSON.parse(firstLine()) as Task;
  let registry: Registry | undefined;
  // A cut may come while it opens: not a bug, unless there was no cut.
  for (let attempt = 0; registry === undefined && attempt < 3; attempt++) {
    try {
      ({ registry } = await openPlace(task));
    } catch (error) {
      if (isRegistryError(error)) say({ t: "failed", id: "open", code: error.code });
      else say({ t: "broken", message: `while opening: ${messageOf(error)}` });
    }
  }
  if (registry !== undefined) await load(registry, localCaller("worker"), hasher, task.load, say);
  // Stays until it is killed, as a server would.
  await new Promise(() => setInterval(() => {}, 1000));
}
