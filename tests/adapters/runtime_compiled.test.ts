import { afterAll, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const dir = mkdtempSync(join(tmpdir(), "artifact-store-build-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

test("the single file needs neither Bun nor the checkout: it knows its version, its kernel and its settings, and serves", async () => {
  const entry = join(ROOT, "tests/adapters/runtime_compiled_main.ts");
  const file = join(dir, "bin", "artifactstore");
  const build = Bun.spawnSync([process.execPath, "scripts/build.ts", "--entry", entry, "--outfile", file], {
    cwd: ROOT,
  });
  expect(build.stderr.toString()).toBe("");
  expect(build.exitCode).toBe(0);
  expect(readdirSync(join(dir, "bin"))).toEqual(["artifactstore"]);

  const empty = join(dir, "bin");
  const run = Bun.spawnSync([file, "one", "two"], { cwd: empty, env: { PATH: "", ARTIFACTSTORE_LOG_LEVEL: "debug" } });
  expect(run.stderr.toString()).toBe("");
  const said = JSON.parse(run.stdout.toString());
  const { version } = await Bun.file(join(ROOT, "package.json")).json();
  expect(said).toEqual({
    args: ["one", "two"],
    runtime: "bun",
    version,
    commit: expect.stringMatching(/^([0-9a-f]{12}(-dirty)?|unknown)$/),
    kernel: existsSync(join(ROOT, "node_modules/@napi-rs/blake-hash")) ? "native" : "wasm",
    level: "debug",
    health: 200,
  });
});
