/** docs/guides/embed.md is a program: its blocks are run, one after the other, as somebody who installed the package would. */
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pkg from "../../package.json" with { type: "json" };
import { environment, PATIENCE, ROOT, RUNTIME_NAMES, RUNTIMES } from "../cli/support.ts";

setDefaultTimeout(PATIENCE);
const GUIDE = join(ROOT, "docs/guides/embed.md");
const base = mkdtempSync(join(tmpdir(), "artifactstore-guide-"));
afterAll(() => rmSync(base, { recursive: true, force: true }));

const blocks = [...readFileSync(GUIDE, "utf8").matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => code as string);
const program = blocks.join("\n");

/** A project in which the package is linked, not copied: Node strips types only outside of node_modules. */
function project(name: string): string {
  const dir = join(base, name);
  mkdirSync(join(dir, "node_modules"), { recursive: true });
  symlinkSync(ROOT, join(dir, "node_modules", pkg.name), "dir");
  writeFileSync(join(dir, "package.json"), JSON.stringify({ type: "module", dependencies: { [pkg.name]: "*" } }));
  writeFileSync(join(dir, "guide.ts"), program);
  return dir;
}

test("the guide has a block for each of its sections", () => {
  expect(blocks).toHaveLength(readFileSync(GUIDE, "utf8").match(/^## /gm)?.length ?? 0);
});

describe.each(RUNTIME_NAMES)("on %s", (runtime) => {
  test("the guide runs, and what it prints is what it promises", () => {
    const dir = project(runtime);
    const flags = runtime === "deno" ? ["--node-modules-dir=manual"] : [];
    const { exitCode, stdout, stderr } = Bun.spawnSync([...RUNTIMES[runtime], ...flags, "guide.ts"], {
      cwd: dir,
      env: environment(),
    });
    expect({ exitCode, stderr: stderr.toString() }).toEqual({ exitCode: 0, stderr: "" });
    const said = stdout.toString();
    expect(said).toMatch(/^finalized 2 blake3:[0-9a-f]{64}$/m);
    expect(said).toMatch(/^21 blake3:[0-9a-f]{64} line 0\nline 1\nline 2\n$/m);
    expect(said).toContain("file bin/tool\nsymlink latest\nfile logs/run.txt\nnightly/report 3\n");
    expect(said).toMatch(/^package_not_open .+$/m);
    expect(said).toContain("\ntrue true true\n");
    expect(said).toMatch(/^\d+ v1\.package\.finalized [0-9a-f-]{36}$/m);
    expect(said).toContain(" 0 failed, ");
  });
});

test("the guide satisfies the type checker", () => {
  const dir = project("types");
  const compilerOptions = { module: "NodeNext", target: "ES2024", rootDir: "/", allowImportingTsExtensions: true };
  const lib = ["ES2024", "ESNext.Disposable", "DOM", "DOM.Iterable", "DOM.AsyncIterable"];
  const types = ["bun", "node"].map((name) => join(ROOT, "node_modules/@types", name));
  writeFileSync(
    join(dir, "tsconfig.json"),
    JSON.stringify({
      compilerOptions: { ...compilerOptions, strict: true, noEmit: true, skipLibCheck: true, lib, types },
      files: ["guide.ts"],
    }),
  );
  const { exitCode, stdout } = Bun.spawnSync([join(ROOT, "node_modules/.bin/tsc"), "-p", dir], { cwd: dir });
  expect({ exitCode, said: stdout.toString() }).toEqual({ exitCode: 0, said: "" });
});
