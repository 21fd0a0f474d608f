import { expect, test } from "bun:test";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

test("package-lock.json names every platform's packages, or `npm ci` refuses it (scripts/complete_lockfile.mjs)", () => {
  const node = join(ROOT, "node_modules/node/bin/node");
  const { exitCode, stderr } = Bun.spawnSync([node, "scripts/complete_lockfile.mjs", "--check"], { cwd: ROOT });
  expect(stderr.toString()).toBe("");
  expect(exitCode).toBe(0);
});
