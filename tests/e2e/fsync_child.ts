/** Tries to store three files in one package and prints how that went; run under strace, on every runtime. */
import process from "node:process";
import { openSqliteDatabase } from "../../adapters/database-sqlite/mod.ts";
import { loadHasher } from "../../adapters/hasher.ts";
import { assembleRegistry } from "../../adapters/local.ts";
import { createFsStorage } from "../../adapters/storage-fs/mod.ts";
import { isRegistryError, localCaller, messageOf } from "../../core/mod.ts";
import type { Place } from "../soak/worker.ts";

const place = JSON.parse(process.argv[2] ?? "") as Place;
if (place.database.kind !== "sqlite") throw new Error("SQLite only");
const storage = createFsStorage({ root: place.objects });
const outcomes: string[] = [];
let files: string[] = [];
try {
  const database = await openSqliteDatabase({ path: place.database.path });
  const registry = await assembleRegistry({ database, storage, hasher: await loadHasher() });
  const caller = localCaller("tester");
  let packageId: string | undefined;
  for (const path of ["one", "two", "three"]) {
    try {
      packageId ??= (await registry.createPackage(caller, { name: "demo", retentionClass: "working" })).package_id;
      const source = new ReadableStream({
        start(controller) {
          controller.enqueue(new TextEncoder().encode(path));
          controller.close();
        },
      });
      await registry.ingestFile(caller, { packageId, path, source });
      outcomes.push("stored");
    } catch (error) {
      outcomes.push(isRegistryError(error) ? error.code : messageOf(error));
    }
  }
  if (packageId !== undefined) files = (await registry.listFiles(caller, packageId)).items.map(({ path }) => path);
} catch (error) {
  outcomes.push(isRegistryError(error) ? error.code : messageOf(error));
}
console.log(JSON.stringify({ outcomes, health: await storage.health(), files }));
process.exit(0);
