/**
 * The npm package, as somebody else has it: packed, installed into a project of its own (without network: what it
 * depends on is taken from our node_modules), imported, and given a backend that we have never seen.
 */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pkg from "../../package.json" with { type: "json" };
import { environment, PATIENCE, ROOT, RUNTIME_NAMES, RUNTIMES } from "../cli/support.ts";

setDefaultTimeout(PATIENCE);
const base = mkdtempSync(join(tmpdir(), "artifactstore-package-"));
afterAll(() => rmSync(base, { recursive: true, force: true }));
const built = join(base, "built");
const app = join(base, "app");
const installed = join(app, "node_modules", pkg.name);

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function run(command: readonly string[], cwd: string, env: Record<string, string> = {}): Ran {
  const { exitCode, stdout, stderr } = Bun.spawnSync([...command], { cwd, env: environment(env), stdin: "ignore" });
  return { code: exitCode, stdout: stdout.toString(), stderr: stderr.toString() };
}

function succeed(command: readonly string[], cwd: string): string {
  const ran = run(command, cwd);
  if (ran.code !== 0) throw new Error(`${command.join(" ")} ended with ${ran.code}: ${ran.stderr}${ran.stdout}`);
  return ran.stdout;
}

/** A file of the project, run there. */
function script(runtime: keyof typeof RUNTIMES, text: string): Ran {
  const file = join(app, `script-${Bun.hash(text).toString(36)}.mjs`);
  writeFileSync(file, text);
  return run([...RUNTIMES[runtime], file], app);
}

beforeAll(() => {
  succeed([process.execPath, join(ROOT, "scripts/build_package.ts"), "--outdir", built], ROOT);
  const [{ filename }] = JSON.parse(succeed(["npm", "pack", built, "--json"], base));
  const names = Object.keys({ ...pkg.dependencies, ...pkg.optionalDependencies });
  const ours = Object.fromEntries(names.map((name) => [name, `file:${join(ROOT, "node_modules", name)}`]));
  const project = {
    name: "third-party",
    private: true,
    type: "module",
    dependencies: { ...ours, [pkg.name]: `file:${join(base, filename)}` },
    overrides: Object.fromEntries(names.map((name) => [name, `$${name}`])),
  };
  Bun.spawnSync(["mkdir", app]);
  writeFileSync(join(app, "package.json"), JSON.stringify(project));
  succeed(["npm", "install", "--offline", "--no-audit", "--no-fund", "--ignore-scripts"], app);
});

/** Every path that can be imported, the pattern filled in with what is there. */
function doors(): string[] {
  const folders = readdirSync(join(ROOT, "adapters"), { withFileTypes: true });
  const adapters = folders.filter((entry) => entry.isDirectory()).map(({ name }) => `./adapters/${name}`);
  const paths = Object.keys(pkg.exports).flatMap((path) => (path === "./adapters/*" ? adapters : [path]));
  // `./adapters/runtime` is a file with a door of its own, and a folder.
  return [...new Set(paths)];
}

test("holds JavaScript, declarations and documents, and no sources, tests or secrets", () => {
  const files = readdirSync(installed, { recursive: true, encoding: "utf8" }).filter((path) =>
    statSync(join(installed, path)).isFile(),
  );
  const odd = files.filter((path) => !path.endsWith(".js") && !path.endsWith(".d.ts"));
  expect(odd.sort()).toEqual(["CHANGELOG.md", "LICENSE", "README.md", "package.json"]);
  expect(files.filter((path) => /^(tests|scripts|docs|node_modules)\//.test(path))).toEqual([]);
  const manifest = JSON.parse(readFileSync(join(installed, "package.json"), "utf8"));
  expect(manifest).toMatchObject({ name: pkg.name, version: pkg.version, license: "Apache-2.0", type: "module" });
  expect(manifest.private).toBeUndefined();
  expect(manifest.scripts).toBeUndefined();
  // Nothing in it names a source: each import finds a file.
  for (const path of files.filter((name) => name !== "README.md" && name !== "CHANGELOG.md")) {
    expect(readFileSync(join(installed, path), "utf8")).not.toMatch(/(from|import\()\s*"\.[^"]*\.ts"/);
  }
});

describe.each(RUNTIME_NAMES)("on %s", (runtime) => {
  test("every door opens", () => {
    const imports = doors().filter((path) => path !== "./package.json");
    const names = imports.map((path) => join(pkg.name, path).replaceAll("\\", "/"));
    // The adapters of other runtimes load as well; they only may not be used.
    const { code, stdout, stderr } = script(
      runtime,
      `const found = {};
       for (const name of ${JSON.stringify(names)}) found[name] = Object.keys(await import(name)).length;
       console.log(JSON.stringify(found));`,
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const found = JSON.parse(stdout) as Record<string, number>;
    expect(Object.keys(found)).toEqual(names);
    for (const count of Object.values(found)) expect(count).toBeGreaterThan(0);
  });

  test("openLocal keeps a file and gives it back", () => {
    const { code, stdout, stderr } = script(
      runtime,
      `import { openLocal } from "${pkg.name}";
       const registry = await openLocal({ dir: ${JSON.stringify(join(base, `data-${runtime}`))} });
       const { caller } = registry;
       const { package_id: packageId } = await registry.createPackage(caller, { name: "a", retentionClass: "working" });
       await registry.ingestFile(caller, { packageId, path: "f", source: new Blob(["kept"]).stream() });
       await registry.finalizePackage(caller, packageId);
       const { body } = await registry.getFile(caller, { package: packageId, path: "f" });
       for await (const chunk of body) console.log(new TextDecoder().decode(chunk));
       await registry.close();`,
    );
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: "kept\n", stderr: "" });
  });

  test("the conformance kit judges a backend that it has never seen", () => {
    const { code, stdout, stderr } = script(
      runtime,
      `import { createMemoryStorage } from "${pkg.name}/adapters/storage-memory";
       import { runStorageConformance } from "${pkg.name}/conformance";
       const good = () => ({ ...createMemoryStorage({ id: "mine" }), kind: "mine" });
       // Forgets the end of a range.
       const bad = () => {
         const backend = good();
         return { ...backend, read: (key, range) => backend.read(key, range && { start: range.start, end: range.start }) };
       };
       const [one, two] = [await runStorageConformance(async () => good()), await runStorageConformance(async () => bad())];
       console.log(JSON.stringify({ passed: one.passed, failed: one.failed, bad: two.failed, subject: one.subject }));`,
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({ failed: 0, subject: "mine backend mine" });
    expect(report.passed).toBeGreaterThan(30);
    expect(report.bad).toBeGreaterThan(0);
  });
});

test("the declarations satisfy a strict type checker without skipLibCheck", () => {
  writeFileSync(
    join(app, "use.ts"),
    `import { openLocal, type StorageBackend } from "${pkg.name}";
     import { runStorageConformance, type Report } from "${pkg.name}/conformance";
     import { createApp } from "${pkg.name}/server";
     import { createFsStorage } from "${pkg.name}/adapters/storage-fs";
     import { assembleRegistry } from "${pkg.name}/adapters/local";
     import { createClient, type Package } from "${pkg.name}/sdk";
     const backend: StorageBackend = createFsStorage({ root: "x" });
     export const report = (): Promise<Report> => runStorageConformance(async () => backend);
     const client = createClient({ server: "http://127.0.0.1:8000" });
     export const found = async (id: string): Promise<Package> => (await client.getPackage({ path: { id } })).data;
     // @ts-expect-error: a package has an id
     export const lost = () => client.getPackage({ path: {} });
     // @ts-expect-error: a directory is asked for
     export const wrong = () => openLocal({ directory: "x" });
     export { createApp, assembleRegistry };`,
  );
  const lib = ["ES2024", "ESNext.Disposable", "DOM", "DOM.Iterable", "DOM.AsyncIterable"];
  const compilerOptions = { target: "ES2024", module: "NodeNext", strict: true, noEmit: true, types: [], lib };
  writeFileSync(
    join(app, "tsconfig.json"),
    JSON.stringify({ compilerOptions: { ...compilerOptions, skipLibCheck: false }, files: ["use.ts"] }),
  );
  expect(run([join(ROOT, "node_modules/.bin/tsc"), "-p", app], app)).toMatchObject({ code: 0, stdout: "" });
});

test("brings the command artifactstore, which runs on Node and knows its commit", () => {
  const node = join(ROOT, "node_modules/node/bin");
  const command = join(app, "node_modules/.bin/artifactstore");
  const env = { PATH: `${node}:${process.env.PATH}` };
  const version = run([command, "version", "--json"], app, env);
  expect(version).toMatchObject({ code: 0, stderr: "" });
  const { gitHead } = JSON.parse(readFileSync(join(installed, "package.json"), "utf8"));
  expect(gitHead).toMatch(/^([0-9a-f]{12}(-dirty)?|unknown)$/);
  expect(JSON.parse(version.stdout)).toMatchObject({
    version: pkg.version,
    commit: gitHead,
    runtime: { name: "node" },
  });
  const kept = run([command, "ingest", "node_modules/.bin", "--name", "x", "--retention-class", "working"], app, env);
  expect(kept.code).toBe(3);
  expect(kept.stdout).toContain("manifest      blake3:");
});
