import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const NODE = join(ROOT, "node_modules/node/bin/node");
const SCRIPT = join(ROOT, "scripts/ensure_installed.mjs");
const made: string[] = [];
let project = "";

/** A project with one dependency from its own folder, so that npm needs no registry. */
function writeProject(version: string): void {
  const root = { name: "p", version: "1.0.0", dependencies: { dep: "file:dep" } };
  const packages = { "": root, dep: { version }, "node_modules/dep": { resolved: "dep", link: true } };
  mkdirSync(join(project, "dep"), { recursive: true });
  writeFileSync(join(project, "dep/package.json"), JSON.stringify({ name: "dep", version }));
  writeFileSync(join(project, "package.json"), JSON.stringify(root));
  writeFileSync(join(project, "package-lock.json"), JSON.stringify({ name: "p", lockfileVersion: 3, packages }));
}

function run(path = process.env.PATH ?? "") {
  const { npm_execpath: _npm, ...env } = process.env;
  const { exitCode, stderr, stdout } = Bun.spawnSync([NODE, SCRIPT, project], { env: { ...env, PATH: path } });
  return { exitCode, output: stdout.toString() + stderr.toString() };
}

beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), "artifact-store-install-"));
  made.push(project);
  writeProject("1.0.0");
});
afterAll(() => {
  for (const dir of made) rmSync(dir, { recursive: true, force: true });
});

const NO_NPM = "/nonexistent";
const done = { exitCode: 0, output: "" };

describe("ensure_installed", () => {
  test("installs once, then is silent and needs no npm until the lockfile changes", () => {
    const first = run();
    expect(first.exitCode).toBe(0);
    expect(first.output).toContain("installing the packages");
    expect(existsSync(join(project, "node_modules/dep/package.json"))).toBe(true);
    expect(run(NO_NPM)).toEqual(done);
    writeProject("1.0.1");
    expect(run(NO_NPM).exitCode).toBe(1);
    expect(run()).toMatchObject({ exitCode: 0 });
    expect(run(NO_NPM)).toEqual(done);
  });

  test("accepts what somebody installed by hand, if it is what the lockfile says", () => {
    expect(run().exitCode).toBe(0);
    const marker = join(project, "node_modules/.artifact-store-lock");
    rmSync(marker);
    expect(run(NO_NPM)).toEqual(done);
    expect(readFileSync(marker, "utf8")).toMatch(/^[0-9a-f]{64}$/);
    rmSync(marker);
    rmSync(join(project, "node_modules/dep"));
    expect(run(NO_NPM).exitCode).toBe(1);
  });

  test("says so when npm is not there", () => {
    expect(run(NO_NPM)).toEqual({
      exitCode: 1,
      output: expect.stringContaining("artifactstore: npm is not in PATH; install Node.js"),
    });
  });

  test("says what to do when npm fails, and tries again next time", () => {
    writeFileSync(join(project, "package.json"), JSON.stringify({ name: "p", dependencies: { other: "file:other" } }));
    const failed = run();
    expect(failed.exitCode).toBe(1);
    expect(failed.output).toContain("artifactstore: npm ci failed with exit code");
    expect(existsSync(join(project, "node_modules/.artifact-store-lock"))).toBe(false);
    expect(run(NO_NPM).exitCode).toBe(1);
  });

  test("says so when the lockfile is missing", () => {
    rmSync(join(project, "package-lock.json"));
    expect(run()).toEqual({ exitCode: 1, output: expect.stringContaining("package-lock.json is missing") });
  });
});
