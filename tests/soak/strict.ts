/**
 * The strictest disk that POSIX allows, which ext4 is not: a name survives only if its own directory was synced after
 * it was made, bytes only if their own file was. (ext4 commits one journal for all: the sync of a new directory saves
 * its name in the parent too, so no power cut on ext4 can show that the parent's own sync is missing.) A trace of the
 * system calls tells what was synced; the rest is then taken away from the real folder.
 */
import { spawnSync } from "node:child_process";
import { existsSync, lstatSync, readFileSync, realpathSync, rmSync, truncateSync } from "node:fs";
import { dirname } from "node:path";

const CALLS =
  "openat,write,pwrite64,writev,pwritev,ftruncate,fsync,fdatasync,rename,renameat,renameat2,link,linkat,mkdir,mkdirat";

export function whyNoStrictDisk(): string | undefined {
  return spawnSync("strace", ["-V"]).status === 0 ? undefined : "strace is not installed";
}

/** Runs a program so that its trace can be given to `cutStrictly()`. */
export function tracing(trace: string): string[] {
  return [
    "strace",
    "-f",
    "--seccomp-bpf",
    "-qq",
    "-y",
    "-s",
    "0",
    "-e",
    `trace=${CALLS}`,
    "-e",
    "signal=none",
    "-o",
    trace,
  ];
}

interface Call {
  readonly name: string;
  readonly text: string;
}

interface MadeFile {
  /** Counted, so that a sync covers what came before it. */
  writes: number;
  /** All its bytes are durable. */
  synced: boolean;
  size: number;
  /** Bytes from its beginning that are durable: what is appended to later takes nothing away from them. */
  durable: number;
}

interface Model {
  /** Names made and not durable yet; the number tells one making from the next. */
  readonly names: Map<string, number>;
  readonly files: Map<string, MadeFile>;
  made: number;
}

/** Takes away from `root` what a power cut at the end of the trace could have taken. Answers how much that was. */
export function cutStrictly(root: string, trace: string): { readonly names: number; readonly files: number } {
  const model = durable(realpathSync(root), readFileSync(trace, "utf8"));
  const lost = { names: 0, files: 0 };
  for (const path of model.names.keys()) {
    if (!existsSync(path)) continue;
    rmSync(path, { recursive: true });
    lost.names += 1;
  }
  for (const [path, { synced, durable: kept }] of model.files) {
    if (synced || !existsSync(path)) continue;
    const found = lstatSync(path);
    if (!found.isFile() || found.size <= kept) continue;
    truncateSync(path, kept);
    lost.files += 1;
  }
  return lost;
}

/** Exported for its test. */
export function durable(root: string, trace: string): Model {
  const model: Model = { names: new Map(), files: new Map(), made: 0 };
  const below = (path: string | undefined): path is string => path?.startsWith(`${root}/`) === true;
  const unfinished = new Map<string, { readonly call: Call; readonly complete: (ok: boolean) => void }>();
  for (const line of trace.split("\n")) {
    const [, pid = "", rest = ""] = /^(\d+)\s+(.*)$/.exec(line) ?? [];
    const ok = / = (?!-1|\?)\S+/.test(rest.slice(rest.lastIndexOf(") = ") + 1));
    if (rest.startsWith("<... ")) {
      unfinished.get(pid)?.complete(ok);
      unfinished.delete(pid);
      continue;
    }
    const name = /^(\w+)\(/.exec(rest)?.[1];
    if (name === undefined) continue;
    const call = { name, text: rest };
    const complete = begin(model, call, below, root);
    if (rest.endsWith("<unfinished ...>")) unfinished.set(pid, { call, complete });
    else complete(ok);
  }
  return model;
}

/** Notes that a call begins; answers what to do when it has ended. */
function begin(
  model: Model,
  { name, text }: Call,
  below: (path: string | undefined) => path is string,
  root: string,
): (ok: boolean) => void {
  const quoted = [...text.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map((match) => match[1] as string);
  const descriptor = /^\w+\(\d+<([^>]*)>/.exec(text)?.[1];
  const nothing = () => {};
  const make = (path: string) => model.names.set(path, ++model.made);

  if (name === "openat" && text.includes("O_CREAT") && below(quoted[0])) {
    const path = quoted[0];
    return (ok) => {
      if (!ok) return;
      make(path);
      model.files.set(path, { writes: 0, synced: false, size: 0, durable: 0 });
    };
  }
  if (name.startsWith("mkdir") && below(quoted[0])) {
    const path = quoted[0];
    return (ok) => void (ok && make(path));
  }
  if (name.startsWith("rename") && below(quoted[1])) {
    const [from = "", to] = quoted as [string, string];
    return (ok) => {
      if (!ok) return;
      model.names.delete(from);
      make(to);
      const file = model.files.get(from);
      model.files.delete(from);
      if (file !== undefined) model.files.set(to, file);
    };
  }
  if (name.startsWith("link") && below(quoted[1])) {
    const [from = "", to] = quoted as [string, string];
    return (ok) => {
      if (!ok) return;
      make(to);
      // Both names lead to it; a descriptor goes by the first, also when that is gone.
      const file = model.files.get(from);
      if (file !== undefined) model.files.set(to, file);
    };
  }
  if (name.includes("write") && below(descriptor)) {
    const file = model.files.get(descriptor);
    if (file !== undefined) {
      // `write(5<path>, ""..., count` and, of pwrite, `, offset`; of several buffers only that they were written.
      const [, count, offset] = /\.\.\., (\d+)(?:, (\d+))?/.exec(text) ?? [];
      const at = Number(offset ?? file.size);
      file.writes += 1;
      file.synced = false;
      file.durable = count === undefined ? 0 : Math.min(file.durable, at);
      file.size = Math.max(file.size, at + Number(count ?? 0));
    }
    return nothing;
  }
  if (name === "ftruncate" && below(descriptor)) {
    const file = model.files.get(descriptor);
    const size = Number(/, (\d+)/.exec(text)?.[1] ?? 0);
    if (file !== undefined) Object.assign(file, { size, durable: Math.min(file.durable, size) });
    return nothing;
  }
  if ((name === "fsync" || name === "fdatasync") && (below(descriptor) || descriptor === root)) {
    const file = model.files.get(descriptor);
    if (file !== undefined) {
      const { writes: covered, size } = file;
      return (ok) => void (ok && file.writes === covered && Object.assign(file, { synced: true, durable: size }));
    }
    // A directory: the names that it had when the sync began.
    const covered = [...model.names].filter(([path]) => dirname(path) === descriptor);
    return (ok) => {
      if (ok) for (const [path, made] of covered) if (model.names.get(path) === made) model.names.delete(path);
    };
  }
  return nothing;
}
