/** One push of a directory at a time: a file that names the process which holds it. */
import { randomUUID } from "node:crypto";
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import process from "node:process";
import { RegistryError } from "../../core/mod.ts";

interface Holder {
  readonly pid: number;
  /** When that process began, as the system counts: a number that is given to another process is told apart by it. */
  readonly started: string | null;
  readonly host: string;
  readonly since: string;
}

/** @throws {RegistryError} `conflict` while another process that lives has it */
export function takeLock(path: string, what: string): { release(): void } {
  const mine = `${JSON.stringify(holderHere())}\n`;
  const own = `${path}.${randomUUID()}`;
  writeFileSync(own, mine, { mode: 0o600, flag: "wx" });
  try {
    for (;;) {
      try {
        // Whole, or not at all: a lock that is being written would look like nobody's.
        linkSync(own, path);
        return { release: () => release(path, mine) };
      } catch (error) {
        if (codeOf(error) !== "EEXIST") throw error;
      }
      const text = read(path);
      const holder = text === undefined ? undefined : parse(text);
      if (holder !== undefined && isAlive(holder)) {
        throw new RegistryError(
          "conflict",
          `${what} is being pushed already, by process ${holder.pid}${holder.host === hostname() ? "" : ` on ${holder.host}`} since ${holder.since}; wait for it, or end it`,
          { pid: holder.pid, host: holder.host, since: holder.since },
        );
      }
      if (text !== undefined) takeAway(path, text);
    }
  } finally {
    rmSync(own, { force: true });
  }
}

function release(path: string, mine: string): void {
  if (read(path) === mine) rmSync(path, { force: true });
}

/** Only the one that was looked at: somebody may have taken it over meanwhile. */
function takeAway(path: string, stale: string): void {
  const aside = `${path}.${randomUUID()}`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return;
    throw error;
  }
  try {
    if (read(aside) !== stale) linkSync(aside, path);
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

function holderHere(): Holder {
  const { pid } = process;
  return { pid, started: startOf(pid) ?? null, host: hostname(), since: new Date().toISOString() };
}

/** A process of another machine is taken to live: nobody here can tell. */
function isAlive({ pid, started, host }: Holder): boolean {
  if (host !== hostname()) return true;
  try {
    process.kill(pid, 0);
  } catch (error) {
    return codeOf(error) === "EPERM";
  }
  return started === null || startOf(pid) === started;
}

/** Clock ticks since the machine began; unknown elsewhere than on Linux. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name in brackets may hold anything. Field 22 is the 20th after it.
    const [state, ...rest] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    // Killed, and not yet looked after by its parent.
    return state === "Z" ? undefined : rest[18];
  } catch {
    return undefined;
  }
}

function parse(text: string): Holder | undefined {
  try {
    const { pid, started, host, since } = JSON.parse(text) as Partial<Holder>;
    if (!Number.isSafeInteger(pid) || (pid as number) <= 0 || typeof host !== "string") return undefined;
    return { pid: pid as number, started: started ?? null, host, since: since ?? "unknown" };
  } catch {
    return undefined;
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code;
