/**
 * Another process that works on the same database. Prints one JSON line.
 * `registry_child.ts <sqlite|postgres> <url> create <count>`: so many packages, 32 callers at once.
 * `registry_child.ts <sqlite|postgres> <url> add <package id> <count>`: adds directories until it is refused.
 */
import { type DatabaseKind, isRegistryError } from "../../core/mod.ts";
import { caller, newPackage, openFixture } from "./registry_fixture.ts";
import { openTarget } from "./targets.ts";

const [kind, url, mode, ...rest] = process.argv.slice(2) as [DatabaseKind, string, string, ...string[]];
const { registry } = await openFixture({ database: await openTarget({ kind, url }) });

if (mode === "create") {
  let left = Number(rest[0]);
  const ids: string[] = [];
  const worker = async () => {
    while (left-- > 0) ids.push((await newPackage(registry)).package_id);
  };
  await Promise.all(Array.from({ length: 32 }, worker));
  console.log(JSON.stringify({ ids }));
} else {
  const [packageId = "", count] = rest;
  const acknowledged: string[] = [];
  let refused: string | undefined;
  for (let i = 0; i < Number(count) && refused === undefined; i++) {
    try {
      await registry.addDirectory(caller, { packageId, path: `other-${i}` });
      acknowledged.push(`other-${i}`);
    } catch (error) {
      if (!isRegistryError(error)) throw error;
      refused = error.code;
    }
  }
  console.log(JSON.stringify({ acknowledged, refused }));
}
await registry.close();
