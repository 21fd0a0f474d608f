/** What the tests of bad days share. Not run by `npm test`: tests/slow/bad_days_*.sh do. */
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { commandLine, environment, type Run, type RuntimeName } from "../cli/support.ts";
import { check, type Finding } from "../soak/check.ts";
import { Oracle } from "../soak/oracle.ts";
import { chooseSeed, commit, createRandom, type Random, tracked } from "../soak/rig.ts";
import type { Place } from "../soak/worker.ts";

/** Says which seed this file runs with. */
export function seeded(label: string): { readonly seed: number; readonly random: Random } {
  const seed = chooseSeed(undefined);
  console.log(`${label}: seed ${seed}, commit ${commit()}`);
  return { seed, random: createRandom(seed) };
}

export function run(program: string, ...args: string[]): void {
  const { status, stderr, error } = spawnSync(program, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${program} ${args.join(" ")}: ${stderr?.trim() || error?.message}`);
}

export function sqlitePlace(objects: string, database: string): Place {
  return { objects, database: { kind: "sqlite", path: join(database, "artifact-store.db") } };
}

/** The same place on the command line. */
export function flagsFor({ objects, database }: Place): string[] {
  const url = database.kind === "sqlite" ? `sqlite://${database.path}` : database.url;
  return ["--database-url", url, "--storage-url", `file://${objects}`];
}

/** The log, the views, the leftovers and every package, with nobody else at work. Expected to find no problem. */
export async function lookAtAll(place: Place): Promise<Finding> {
  return await check(place, new Oracle("/dev/null"), { all: true });
}

/** `--json` errors are lines on stderr; the last one that has a code. */
export function codeOf({ stderr }: Run): string | undefined {
  const lines = stderr.split("\n").filter((line) => line.startsWith("{"));
  const errors = lines.map((line) => JSON.parse(line) as { code?: string; error?: { code?: string } });
  return errors.map((line) => line.code ?? line.error?.code).findLast((code) => code !== undefined);
}

export interface Server {
  readonly pid: number;
  readonly url: string;
  readonly alive: () => boolean;
  health(): Promise<{ readonly http: number; readonly body: Record<string, unknown> }>;
  /** SIGTERM; answers the exit code. */
  stop(): Promise<number>;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
}

/** `serve` on a free port, with `more` arguments. Rejects with what it said when it does not come up. */
export async function serve(
  place: Place,
  runtime: RuntimeName = "bun",
  more: readonly string[] = [],
  root?: string,
): Promise<Server> {
  const args = ["serve", "--json", "--listen", "127.0.0.1:0", ...flagsFor(place), ...more];
  const [program = "", ...rest] = commandLine(args, { runtime, ...(root !== undefined && { root }) });
  const { spawn } = await import("node:child_process");
  const child = tracked(spawn(program, rest, { env: environment(), stdio: ["ignore", "pipe", "pipe"] }));
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  const gone = new Promise<number>((resolve) => child.once("close", (code) => resolve(code ?? -1)));
  const url = await new Promise<string>((resolve, reject) => {
    let printed = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      printed += text;
      const end = printed.indexOf("\n");
      if (end >= 0) resolve((JSON.parse(printed.slice(0, end)) as { listening: string }).listening);
    });
    gone.then((code) => reject(new Error(`serve ended with ${code}: ${said}`)));
  });
  return {
    pid: child.pid as number,
    url,
    alive: () => child.exitCode === null,
    async health() {
      const response = await fetch(`${url}/health`);
      return { http: response.status, body: (await response.json()) as Record<string, unknown> };
    },
    async stop() {
      child.kill("SIGTERM");
      return await gone;
    },
    async kill() {
      child.kill("SIGKILL");
      await gone;
    },
  };
}

/** A directory of small files, and perhaps a large one. */
export function makeTree(path: string, random: Random, files: number, large = 0): string {
  for (let i = 0; i < files; i++) {
    const folder = join(path, random.pick(["a", "b/c", "d d"]));
    mkdirSync(folder, { recursive: true });
    const bytes = new Uint8Array(random.int(12_000));
    for (let at = 0; at < bytes.length; at += 7) bytes[at] = random.int(256);
    writeFileSync(join(folder, `${i}`), bytes);
  }
  if (large > 0) writeFileSync(join(path, "large"), new Uint8Array(large).fill(random.int(256)));
  return path;
}
