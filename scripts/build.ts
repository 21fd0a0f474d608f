/**
 * Builds the single file: `bun scripts/build.ts [--outfile dist/artifactstore] [--target bun-linux-arm64] [--entry cli/main.ts]`.
 *
 * The file holds Bun, the program, its workers and every package they import. Two parts need a word:
 * - `@napi-rs/blake-hash` is optional and native. Where it is installed for the target, Bun follows its loader to the
 *   `.node` file, embeds it, and unpacks it to a temporary file when it is loaded. Where it is not (another target, an
 *   install without optional packages), its import is left unresolved; it then fails at run time, and the hasher falls
 *   back to WebAssembly, which is embedded as plain code.
 * - Bun's own reading of `.env` and `bunfig.toml` at start is off: `cli/config.ts` reads `.env`, and it alone.
 */
import { existsSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { version } from "../cli/version.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const HOST = `bun-${process.platform}-${process.arch}`;
const { values } = parseArgs({
  options: {
    outfile: { type: "string", default: `${root}dist/artifactstore` },
    target: { type: "string", default: HOST },
    entry: { type: "string", default: `${root}cli/main.ts` },
  },
});

const { version: number, commit } = await version();
const native = values.target === HOST && existsSync(`${root}node_modules/@napi-rs/blake-hash`);
const result = await Bun.build({
  // A worker is a program of its own, found by its place below the root.
  entrypoints: [values.entry, `${root}adapters/hash-worker/worker.ts`, `${root}adapters/manifest-worker/worker.ts`],
  root,
  compile: {
    target: values.target as Bun.Build.CompileTarget,
    outfile: values.outfile,
    autoloadDotenv: false,
    autoloadBunfig: false,
  },
  define: {
    ARTIFACTSTORE_BUILD_VERSION: JSON.stringify(number),
    ARTIFACTSTORE_BUILD_COMMIT: JSON.stringify(commit),
  },
  external: native ? [] : ["@napi-rs/blake-hash"],
  sourcemap: "inline",
  throw: false,
});
for (const log of result.logs) console.error(String(log));
if (!result.success) process.exit(1);
// The source map is inside the file as well; stack traces do not need this copy. Those of the workers have one name.
for (const { kind, path } of result.outputs) if (kind === "sourcemap") rmSync(path, { force: true });
const size = Bun.file(result.outputs[0]?.path ?? values.outfile).size;
console.log(
  `${values.outfile}: artifactstore ${number} (${commit}), ${Math.round(size / 2 ** 20)} MiB, for ${values.target}`,
);
