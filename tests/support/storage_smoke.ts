/**
 * A small program over the fs backend that runs on Bun, Deno and Node alike; tests start it as a child, and trace it.
 * `storage_smoke.ts <root> publish <count> [acknowledgement file]`: publishes, reads back, lists; prints JSON.
 * `storage_smoke.ts <root> stall`: stages a megabyte, says so, and waits to be killed.
 * `storage_smoke.ts <root> twice [only-files]`: publishes one object, then another; prints how each ended.
 */
import { createHash } from "node:crypto";
import { closeSync, openSync } from "node:fs";
import process from "node:process";
import { createFsStorage } from "../../adapters/storage-fs/mod.ts";
import { messageOf } from "../../core/base/errors.ts";
import { isRegistryError, parseContentAddress } from "../../core/spi/mod.ts";

const [root = "", mode = "", argument = "", acknowledgement] = process.argv.slice(2);
const onlyFiles = argument === "only-files";
const storage = createFsStorage({
  root,
  durability: { syncLeafDirectory: !onlyFiles, syncParentDirectories: !onlyFiles },
});

const content = (i: number) => new Uint8Array(1000 * i).fill(i);
const addressOf = (bytes: Uint8Array) =>
  parseContentAddress(`sha256:${createHash("sha256").update(bytes).digest("hex")}`);

async function publish(bytes: Uint8Array): Promise<string> {
  const staged = await storage.stage({ size: bytes.length });
  await staged.write(bytes);
  return (await staged.publish(addressOf(bytes), 0)).key;
}

if (mode === "publish") {
  const numbers = Array.from({ length: Number(argument) }, (_, i) => i);
  const keys = await Promise.all(numbers.map((i) => publish(content(i))));
  if (acknowledgement !== undefined) closeSync(openSync(acknowledgement, "w"));
  let read = 0;
  for (const key of keys) for await (const chunk of storage.read(key)) read += chunk.length;
  const { items } = await storage.list({ limit: 1000 });
  console.log(JSON.stringify({ published: keys.length, read, listed: items.length, health: await storage.health() }));
} else if (mode === "stall") {
  const staged = await storage.stage();
  await staged.write(new Uint8Array(1024 * 1024));
  console.log("staged");
  setInterval(() => {}, 1000);
} else {
  const outcomes: unknown[] = [];
  for (const i of [1, 2]) {
    try {
      outcomes.push(await publish(content(i)));
    } catch (error) {
      outcomes.push(
        isRegistryError(error) ? { code: error.code, message: error.message, ...error.data } : messageOf(error),
      );
    }
  }
  console.log(JSON.stringify({ outcomes, staged: (await storage.listStaged(Date.now() + 1000)).length }));
}
