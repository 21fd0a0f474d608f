/** What the soak scripts share: a printed seed, folders that go away, children that can be killed, one last line. */
import { type ChildProcess, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";

export const PROJECT = join(import.meta.dirname, "../..");
export const BUN = join(PROJECT, "node_modules/.bin/bun");

export interface Random {
  /** 0 (inclusive) to 1 (exclusive). */
  next(): number;
  /** 0 (inclusive) to `limit` (exclusive). */
  int(limit: number): number;
  chance(probability: number): boolean;
  pick<T>(list: readonly T[]): T;
}

/** The same numbers for the same seed (mulberry32). */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const int = (limit: number) => Math.floor(next() * limit);
  return {
    next,
    int,
    chance: (probability) => next() < probability,
    pick: <T>(list: readonly T[]) => list[int(list.length)] as T,
  };
}

/** `--seed`, else ARTIFACTSTORE_TEST_SEED, else a new one. */
export function chooseSeed(given: string | undefined): number {
  const text = given ?? process.env.ARTIFACTSTORE_TEST_SEED;
  if (text === undefined || text === "") return crypto.getRandomValues(new Uint32Array(1))[0] as number;
  const seed = Number(text);
  if (Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32) return seed;
  throw new Error(`a seed is a whole number below 2^32, not ${text}`);
}

export function commit(): string {
  const git = (...args: string[]) => spawnSync("git", args, { cwd: PROJECT, encoding: "utf8" }).stdout?.trim() ?? "";
  const hash = git("rev-parse", "--short=12", "HEAD");
  if (hash === "") return "unknown commit";
  return git("status", "--porcelain", "--untracked-files=no") === "" ? hash : `${hash}-dirty`;
}

const endings: (() => void)[] = [];
let ended = false;

/** Runs when the script ends, however it ends short of SIGKILL; the latest first. */
export function atEnd(work: () => void): void {
  endings.push(work);
}

function end(): void {
  if (ended) return;
  ended = true;
  for (const work of endings.reverse()) {
    try {
      work();
    } catch (error) {
      console.error("while cleaning up:", error);
    }
  }
}
process.on("exit", end);
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => process.exit(130));

/** A folder of its own under the system's temporary one, or under `base`. */
export function workspace(label: string, base = tmpdir()): string {
  const path = mkdtempSync(join(base, `artifactstore-${label}-`));
  atEnd(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

const children = new Set<ChildProcess>();
atEnd(() => {
  for (const child of children) child.kill("SIGKILL");
});

/** Killed when the script ends, if it still runs then. */
export function tracked<C extends ChildProcess>(child: C): C {
  children.add(child);
  child.once("exit", () => children.delete(child));
  return child;
}

export const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** What a script found, counted as `.ci/run` counts. */
export class Tally {
  passed = 0;
  failed = 0;

  /** Prints the problems of one case, if any. */
  record(name: string, problems: readonly string[]): void {
    if (problems.length === 0) this.passed += 1;
    else this.failed += 1;
    console.log(`${problems.length === 0 ? "ok" : "FAILED"}: ${name}`);
    for (const problem of problems.slice(0, 20)) console.log(`  ${problem}`);
    if (problems.length > 20) console.log(`  and ${problems.length - 20} more`);
  }

  /** Prints the last line and sets the exit code. */
  finish(): void {
    console.log(`${this.passed} passed, ${this.failed} failed`);
    process.exitCode = this.failed === 0 ? 0 : 1;
  }
}
