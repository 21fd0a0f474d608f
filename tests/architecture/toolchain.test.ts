import { expect, test } from "bun:test";
import { join } from "node:path";

const root = join(import.meta.dir, "../..");

/** Runs one of the repo's own tools on the whole tree; what it prints is the failure message. */
async function run(...command: readonly [string, ...string[]]): Promise<string> {
  const [tool, ...args] = command;
  const child = Bun.spawn([join(root, "node_modules/.bin", tool), ...args], {
    cwd: root,
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return code === 0 ? "clean" : `${out}${err}`;
}

test("types are strict and hold", async () => {
  expect(await run("tsc", "-p", ".")).toBe("clean");
  // Half a minute of one core, which other tests use as well.
}, 300_000);

test("lint and format are clean", async () => {
  expect(await run("biome", "check", ".")).toBe("clean");
}, 120_000);
