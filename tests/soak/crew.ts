/** Starting workers ahead of time, setting them to work, and killing them. */
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import type { Oracle } from "./oracle.ts";
import { BUN, sleep, tracked } from "./rig.ts";
import type { Task } from "./worker.ts";

const PROGRAM = new URL("./worker.ts", import.meta.url).pathname;

export interface Worker {
  /** Gives it its task; from now on it reports to `oracle`. */
  go(task: Task, oracle: Oracle): void;
  /** Resolves once the registry is open, or when the worker has ended. */
  readonly opened: Promise<void>;
  /** Stops it between two system calls: none is under way when this resolves. */
  freeze(): Promise<void>;
  thaw(): void;
  /** SIGKILL, to `strace` and what it traces too; resolves when it is gone and all it said has been heard. */
  kill(): Promise<void>;
  readonly complaints: () => string;
}

/** `prefix`: a program that runs it, such as strace with its arguments. */
export function hire(prefix: readonly string[] = []): Worker {
  const [program = BUN, ...rest] = [...prefix, BUN, PROGRAM];
  const child = tracked(spawn(program, rest, { stdio: ["pipe", "pipe", "pipe"], detached: true }));
  let errors = "";
  let oracle: Oracle | undefined;
  let noteOpened = () => {};
  const opened = new Promise<void>((resolve) => {
    noteOpened = resolve;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors = (errors + text).slice(-4000);
  });
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    oracle?.hear(text);
    noteOpened();
  });
  child.stdin.on("error", () => {});
  const gone = new Promise<void>((resolve) => child.once("close", () => resolve()));
  gone.then(() => noteOpened());
  const signal = (name: NodeJS.Signals) => {
    try {
      // Its group: a tracer that dies alone would leave its tracee running.
      process.kill(-(child.pid ?? 0), name);
    } catch {} // gone already
  };
  return {
    opened,
    complaints: () => errors,
    go(task, to) {
      oracle = to;
      child.stdin.write(`${JSON.stringify(task)}\n`);
    },
    async freeze() {
      signal("SIGSTOP");
      while (!allStopped(child.pid ?? 0)) await sleep(1);
    },
    thaw: () => signal("SIGCONT"),
    async kill() {
      signal("SIGKILL");
      await gone;
      oracle?.forgetHalfLine();
    },
  };
}

/** Every thread is stopped (or the process is gone): what it was doing in the kernel is done. */
function allStopped(pid: number): boolean {
  try {
    return readdirSync(`/proc/${pid}/task`).every((thread) => {
      const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, "latin1");
      return "TZX".includes(stat[stat.lastIndexOf(")") + 2] as string);
    });
  } catch {
    return true;
  }
}
