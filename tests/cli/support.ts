/** The command line as a user has it: a process of its own, on each runtime. */
import { afterAll } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Milliseconds for `setDefaultTimeout()`, file by file: processes start slowly on a busy machine. */
export const PATIENCE = 300_000;

export const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const MODULES = `${ROOT}node_modules/`;

export type RuntimeName = "bun" | "deno" | "node";
export const RUNTIMES: Readonly<Record<RuntimeName, readonly string[]>> = {
  bun: [process.execPath],
  deno: [`${MODULES}.bin/deno`, "run", "-A", "--no-lock"],
  node: [`${MODULES}node/bin/node`],
};
export const RUNTIME_NAMES = Object.keys(RUNTIMES) as RuntimeName[];

/** Where pushes keep their journals, so that none is left in the home of whoever runs the tests. */
let state: string | undefined;

/** Ours without the settings of whoever runs the tests. */
export function environment(extra: Readonly<Record<string, string>> = {}): Record<string, string> {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith("ARTIFACTSTORE_"));
  const set = { DENO_NO_UPDATE_CHECK: "1", ...(state === undefined ? {} : { XDG_STATE_HOME: state }) };
  return { ...(Object.fromEntries(own) as Record<string, string>), ...set, ...extra };
}

const running = new Set<Bun.Subprocess>();

/**
 * A directory of the file's own, removed when its tests are over, and with it what a failed test left running. Its path
 * is real: no link on the way.
 */
export function temporary(name: string): string {
  const dir = mkdtempSync(join(tmpdir(), `artifactstore-cli-${name}-`));
  state = join(dir, ".state");
  afterAll(async () => {
    for (const child of running) child.kill("SIGKILL");
    await Promise.all([...running].map((child) => child.exited));
    rmSync(dir, { recursive: true, force: true });
  });
  return dir;
}

export interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Where {
  readonly runtime?: RuntimeName;
  /** `--data-dir`; settings that have none go without. */
  readonly data?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** A tree of the program other than this one; ends with "/". */
  readonly root?: string;
}

export function commandLine(args: readonly string[], { runtime = "bun", data, root = ROOT }: Where = {}): string[] {
  const own = data === undefined ? [] : ["--data-dir", data];
  return [...RUNTIMES[runtime], `${root}cli/main.ts`, ...args, ...own];
}

export function start(args: readonly string[], where: Where = {}) {
  const child = Bun.spawn(commandLine(args, where), {
    cwd: where.cwd ?? ROOT,
    env: environment(where.env),
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    onExit: (ended) => void running.delete(ended),
  });
  running.add(child);
  return child;
}

export async function finished(child: ReturnType<typeof start>): Promise<Run> {
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { code, stdout, stderr };
}

export async function cli(args: readonly string[], where: Where = {}): Promise<Run> {
  return await finished(start(args, where));
}

/** What it writes to stdout, as bytes. */
export async function output(args: readonly string[], where: Where = {}): Promise<Uint8Array> {
  const child = start(args, where);
  const [bytes, code] = await Promise.all([new Response(child.stdout).bytes(), child.exited]);
  if (code !== 0) throw new Error(`${args.join(" ")} ended with ${code}`);
  return bytes;
}

/** Runs it and expects success; what it says otherwise is the error. */
export async function ok(args: readonly string[], where: Where = {}): Promise<string> {
  const run = await cli(args, where);
  if (run.code !== 0) throw new Error(`${args.join(" ")} ended with ${run.code}: ${run.stderr}${run.stdout}`);
  return run.stdout;
}

export type Json = Readonly<Record<string, unknown>>;

/** Every line of stdout, each of which has to be a JSON document. */
export function jsonLines(text: string): Json[] {
  const lines = text.split("\n");
  if (lines.pop() !== "") throw new Error(`the last line has no end: ${text}`);
  return lines.map((line) => JSON.parse(line) as Json);
}

export async function json(args: readonly string[], where: Where = {}): Promise<Json> {
  const [first] = jsonLines(await ok([...args, "--json"], where));
  if (first === undefined) throw new Error(`${args.join(" ")} printed nothing`);
  return first;
}

export interface Ingested {
  readonly package_id: string;
  readonly manifest_digest: string;
  readonly file_count: number;
  readonly total_bytes: number;
  readonly ingest: {
    readonly files: number;
    readonly deduplicated_bytes: number;
    readonly refused: readonly { readonly path: string; readonly reason: string }[];
  };
}

/** `ingest` with a name and a class, as JSON. */
export async function ingest(dir: string, where: Where, ...more: readonly string[]): Promise<Ingested> {
  const args = ["ingest", dir, "--name", "demo", "--retention-class", "working", ...more];
  return (await json(args, where)) as unknown as Ingested;
}

/** Paths of the files below a directory. (Bun's recursive `readdir` follows links, in circles too.) */
export function filesBelow(dir: string): string[] {
  return readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) return filesBelow(path);
    return entry.isFile() ? [path] : [];
  });
}

/** The files that hold stored objects: named by their digest. */
export function storedObjects(data: string): string[] {
  return filesBelow(join(data, "objects")).filter((path) => /\/[0-9a-f]{64}$/.test(path));
}

/** Looks again until it is there; a test that waits for ever is ended by its own limit. */
export async function until<T>(look: () => T | undefined | false | Promise<T | undefined | false>): Promise<T> {
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    await Bun.sleep(5);
  }
}

/** Which of the files below `dir` their owner may execute. */
export function executables(dir: string): string[] {
  return filesBelow(dir)
    .filter((path) => (statSync(path).mode & 0o100) !== 0)
    .map((path) => path.slice(dir.length + 1))
    .sort();
}

/** What `diff -r --no-dereference` finds, nothing when both are the same. */
export function difference(one: string, other: string): string {
  const { stdout, stderr } = Bun.spawnSync(["diff", "-r", "--no-dereference", one, other]);
  return stdout.toString() + stderr.toString();
}

/** Uploads under way. */
export function staged(data: string): string[] {
  const folder = join(data, "objects/staging");
  return existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
}
