/** SIGKILL in the middle of an append: what was promised is there, and the upload goes on. */
import { afterEach, expect, test } from "bun:test";
import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { openSqliteDatabase } from "../../../adapters/database-sqlite/mod.ts";
import { type LocalRegistry, openLocal } from "../../../adapters/local.ts";
import { RUNTIMES } from "../../support/serving.ts";
import { temporaryDirectory } from "../../support/storage_temporary.ts";
import { uploadBytes } from "../../support/upload_bytes.ts";

const MIB = 1024 * 1024;
const CHILD = join(import.meta.dirname, "../../support/upload_child.ts");
const cleanups: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
}, 60_000);

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve();
    else child.once("exit", () => resolve());
  });
}

/** A process that appends; it is killed once `enough` says so. */
async function killAppending(
  command: readonly string[],
  dir: string,
  uploadId: string,
  offset: number,
  enough: () => Promise<boolean>,
) {
  const [program = "", ...args] = command;
  const child = spawn(program, [...args, CHILD, dir, uploadId, String(offset)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  cleanups.push(() => child.kill("SIGKILL"));
  while (child.exitCode === null && !(await enough())) await Bun.sleep(5);
  expect(child.exitCode).toBeNull();
  child.kill("SIGKILL");
  await ended(child);
}

test("a process that is killed, on any runtime, loses no promised byte, and another goes on at a true offset", async () => {
  const directory = temporaryDirectory("killed");
  cleanups.push(() => directory.remove());
  const dir = directory.path;
  const watch = await (async () => {
    const registry = await openLocal({ dir });
    cleanups.push(() => registry.close());
    return registry;
  })();
  const database = await openSqliteDatabase({ path: join(dir, "artifact-store.db") });
  cleanups.push(() => database.close());
  // Looks without taking an epoch: a request would end the one under way.
  const recorded = async () => {
    const row = await database.read.selectFrom("upload_sessions").select("upload_offset").executeTakeFirst();
    return Number(row?.upload_offset);
  };
  const { package_id: packageId } = await watch.createPackage(watch.caller, {
    name: "demo",
    retentionClass: "working",
  });
  const { upload_id: uploadId } = await watch.createUpload(watch.caller, { packageId, path: "big.bin" });

  let offset = 0;
  for (const command of Object.values(RUNTIMES)) {
    const before = offset;
    await killAppending(command, dir, uploadId, before, async () => (await recorded()) >= before + 32 * MIB);
    const fresh: LocalRegistry = await openLocal({ dir });
    offset = (await fresh.resumeUpload(fresh.caller, uploadId)).offset;
    expect(offset).toBeGreaterThanOrEqual(before + 32 * MIB);
    await fresh.close();
  }

  const size = offset + 3 * MIB;
  async function* rest() {
    for (let at = offset; at < size; at += MIB) yield uploadBytes(at, Math.min(MIB, size - at));
  }
  const done = await watch.appendUpload(watch.caller, {
    uploadId,
    offset,
    source: rest(),
    complete: true,
    length: size,
  });
  expect(done.result?.entry.size).toBe(size);
  const { body } = await watch.getFile(watch.caller, { package: packageId, path: "big.bin" });
  let at = 0;
  for await (const chunk of body) {
    expect(Buffer.compare(chunk, uploadBytes(at, chunk.length))).toBe(0);
    at += chunk.length;
  }
  expect(at).toBe(size);
  expect(readdirSync(join(dir, "objects/staging"))).toEqual([]);
}, 120_000);
