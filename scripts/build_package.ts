/**
 * Builds the npm package: `bun scripts/build_package.ts [--outdir dist/package]`; then `npm pack dist/package`.
 *
 * The repository is TypeScript that runs as it is, but Node strips no types below `node_modules`: what is published is
 * JavaScript with declarations, in the same folders. Its `package.json` is derived from ours, which is private so that
 * nobody publishes the sources by mistake.
 */
import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { version } from "../cli/version.ts";
import pkg from "../package.json" with { type: "json" };

const root = fileURLToPath(new URL("..", import.meta.url));
const { values } = parseArgs({ options: { outdir: { type: "string", default: join(root, "dist/package") } } });
const { outdir } = values;
const { commit } = await version();

/** `./mod.ts` -> what an importer gets, and what its type checker reads. */
function compiled(source: string): string | { types: string; default: string } {
  if (!source.endsWith(".ts")) return source;
  const stem = source.slice(0, -".ts".length);
  return { types: `${stem}.d.ts`, default: `${stem}.js` };
}

function manifest(): Record<string, unknown> {
  const { name, version: number, description, license, type, engines, dependencies, optionalDependencies } = pkg;
  const exports = Object.fromEntries(Object.entries(pkg.exports).map(([path, source]) => [path, compiled(source)]));
  const bin = { artifactstore: "cli/main.js" };
  // npm's own field for the commit; `artifactstore --version` reads it.
  const gitHead = commit;
  return {
    name,
    version: number,
    description,
    license,
    type,
    engines,
    exports,
    bin,
    dependencies,
    optionalDependencies,
    gitHead,
  };
}

rmSync(outdir, { recursive: true, force: true });
const tsc = join(root, "node_modules/.bin/tsc");
const project = join(root, "scripts/tsconfig.package.json");
const { status, error } = spawnSync(tsc, ["-p", project, "--outDir", outdir], { stdio: ["ignore", 2, 2] });
if (error !== undefined) throw error;
if (status !== 0) process.exit(1);

// The compiler leaves `.ts` in declarations, where no such file is.
for (const path of readdirSync(outdir, { recursive: true, encoding: "utf8" })) {
  if (!path.endsWith(".d.ts")) continue;
  const file = join(outdir, path);
  const declarations = readFileSync(file, "utf8");
  writeFileSync(file, declarations.replace(/(from |import\()("\.\.?\/[^"]*)\.ts"/g, '$1$2.js"'));
}

// After the compiler, which puts a copy of ours there because the program imports it.
writeFileSync(join(outdir, "package.json"), `${JSON.stringify(manifest(), null, 2)}\n`);
for (const file of ["README.md", "LICENSE", "CHANGELOG.md"]) cpSync(join(root, file), join(outdir, file));
// The sources say Bun, which runs them from a checkout. An installed command runs on what npm runs on.
const main = join(outdir, "cli/main.js");
const text = readFileSync(main, "utf8").replace(/^#!.*\n/, "#!/usr/bin/env node\n");
writeFileSync(main, text);
chmodSync(main, 0o755);
console.log(`${relative(process.cwd(), outdir) || "."}: ${pkg.name} ${pkg.version} (${commit})`);
