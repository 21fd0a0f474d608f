import { describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dir, "../..");
const smoke = join(import.meta.dir, "manifest_worker_smoke.ts");

const all = {
  large: true,
  pieces: true,
  small: true,
  turns: true,
  refused: ["non_canonical", "limit_exceeded", "cancelled"],
  after: 1,
};

async function run(command: readonly string[], env: Record<string, string> = {}) {
  const child = Bun.spawn([...command], { cwd: root, env: { ...process.env, ...env }, stdout: "pipe", stderr: "pipe" });
  const [out, problems] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  expect({ exit: await child.exited, problems }).toEqual({ exit: 0, problems: "" });
  return JSON.parse(out);
}

describe("a manifest becomes JSON in a worker, others have their turns, what is wrong is refused, and the next one goes on", () => {
  test("on Bun", async () => expect(await run([process.execPath, smoke])).toEqual(all), 30_000);

  test("on Node", async () => {
    expect(await run([join(root, "node_modules/node/bin/node"), smoke])).toEqual(all);
  }, 300_000);

  test("on Deno", async () => {
    const deno = join(root, "node_modules/.bin/deno");
    expect(await run([deno, "run", "-A", "--no-lock", smoke])).toEqual(all);
  }, 300_000);

  test("in the single file, without PATH", async () => {
    const dir = await mkdtemp(join(tmpdir(), "artifact-store-worker-"));
    try {
      const file = join(dir, "smoke");
      const build = [process.execPath, join(root, "scripts/build.ts"), "--entry", smoke, "--outfile", file];
      expect(Bun.spawnSync(build, { cwd: root }).exitCode).toBe(0);
      expect(await run([file], { PATH: "" })).toEqual(all);
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  }, 300_000);
});
