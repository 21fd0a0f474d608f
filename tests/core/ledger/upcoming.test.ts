/** Groups wait for announced units, a little: many small files at once share a sync. */
import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSqliteDatabase } from "../../../adapters/database-sqlite/mod.ts";
import { loadHasher } from "../../../adapters/hasher.ts";
import { assembleRegistry } from "../../../adapters/local.ts";
import { createMemoryStorage } from "../../../adapters/storage-memory/mod.ts";
import { turn } from "../../../core/base/turn.ts";
import { type ByteSource, localCaller, type Registry, RegistryError } from "../../../core/mod.ts";

let dir: string;
let registry: Registry;
/** Transactions so far: one a group. */
let groups = 0;
/** Units announced and not there yet. */
let awaited = 0;
let announced = 0;
let publishFails = false;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "artifactstore-upcoming-"));
  const storage = createMemoryStorage();
  const database = await openSqliteDatabase({ path: join(dir, "registry.db") });
  registry = await assembleRegistry({
    database: {
      ...database,
      write(work) {
        groups++;
        return database.write(work);
      },
    },
    storage: {
      ...storage,
      async stage(options) {
        const staged = await storage.stage(options);
        if (publishFails) staged.publish = () => Promise.reject(new RegistryError("storage_failed", "no"));
        return staged;
      },
    },
    hasher: await loadHasher(),
  });
  const { upcoming } = registry.ledger;
  registry.ledger.upcoming = () => {
    const arrived = upcoming();
    awaited++;
    announced++;
    let open = true;
    return () => {
      arrived();
      if (open) awaited--;
      open = false;
    };
  };
});
afterAll(async () => {
  await registry.close();
  rmSync(dir, { recursive: true, force: true });
});
beforeEach(() => {
  [groups, awaited, announced] = [0, 0, 0];
});

const caller = localCaller("test");
const create = (name: string) => registry.createPackage(caller, { name, retentionClass: "working" });

/** Two units, the second some turns after the first; true if they shared a group. */
async function share(before: () => void): Promise<boolean> {
  groups = 0;
  const first = create("first");
  for (let i = 0; i < 5; i++) await turn();
  before();
  await Promise.all([first, create("second")]);
  return groups === 1;
}

/** A machine that stands still for 10 ms may miss once; a ledger that does not wait misses always. */
async function ever(attempt: () => Promise<boolean>): Promise<boolean> {
  for (let i = 0; i < 20; i++) if (await attempt()) return true;
  return false;
}

test("a unit that was announced joins the group that began before it came", async () => {
  expect(await ever(() => share(registry.ledger.upcoming()))).toBe(true);
});

test("nobody waits where nothing was announced", async () => {
  expect(await share(() => {})).toBe(false);
});

test("a group does not wait for ever", async () => {
  const arrived = registry.ledger.upcoming();
  await create("alone");
  arrived();
});

test("arriving twice counts once, so the others are still waited for", async () => {
  const twice = () => {
    const [one, two] = [registry.ledger.upcoming(), registry.ledger.upcoming()];
    one();
    one();
    return share(two);
  };
  expect(await ever(twice)).toBe(true);
});

test("files announce themselves, and those that are refused or break off leave nobody waiting", async () => {
  const { package_id: packageId } = await create("files");
  const put = (path: string, source: ByteSource, more = {}) =>
    registry.ingestFile(caller, { packageId, path, source, ...more });
  async function* content(failure?: Error): AsyncGenerator<Uint8Array> {
    yield new Uint8Array(10);
    if (failure !== undefined) throw failure;
  }
  await put("a", content());
  expect({ announced, awaited }).toEqual({ announced: 1, awaited: 0 });
  await expect(put("a", content())).rejects.toMatchObject({ code: "path_exists" });
  await expect(put("b", content(), { expectedSize: 1 })).rejects.toMatchObject({ code: "size_mismatch" });
  await expect(put("c", content(new Error("broken off")))).rejects.toThrow("broken off");
  publishFails = true;
  await expect(put("d", new Blob(["other bytes"]).stream())).rejects.toMatchObject({ code: "storage_failed" });
  publishFails = false;
  expect(awaited).toBe(0);
});
