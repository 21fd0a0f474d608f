/** The fs backend on Bun, Deno and Node: it works, several share one root, and each makes the system calls durability needs. */
import { afterAll, describe, expect, test } from "bun:test";
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { temporaryDirectory } from "../support/storage_temporary.ts";

const PROJECT = join(import.meta.dir, "../..");
const SMOKE = join(PROJECT, "tests/support/storage_smoke.ts");
const runtimes: readonly (readonly [string, readonly string[]])[] = [
  ["bun", [process.execPath]],
  ["deno", [join(PROJECT, "node_modules/.bin/deno"), "run", "-A", "--no-lock"]],
  ["node", [join(PROJECT, "node_modules/node/bin/node")]],
];

const directory = temporaryDirectory("runtimes");
afterAll(directory.remove);

function publish(command: readonly string[], root: string, count: number): Promise<Record<string, unknown>> {
  const [program = "", ...args] = command;
  const child = spawn(program, [...args, SMOKE, root, "publish", String(count)], { cwd: PROJECT });
  let output = "";
  let errors = "";
  child.stdout.on("data", (chunk) => {
    output += chunk;
  });
  child.stderr.on("data", (chunk) => {
    errors += chunk;
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (status) => (status === 0 ? resolve(JSON.parse(output)) : reject(new Error(output + errors))));
  });
}

const COUNT = 40;
const BYTES = (1000 * COUNT * (COUNT - 1)) / 2;

for (const [name, command] of runtimes) {
  test(`the fs backend publishes, reads and lists on ${name}`, async () => {
    const outcome = await publish(command, join(directory.path, name), COUNT);
    expect(outcome).toMatchObject({
      published: COUNT,
      read: BYTES,
      listed: COUNT,
      health: { ok: true, writable: true },
    });
  }, 30_000);
}

test("processes of all three runtimes publish the same objects into one new root at the same time", async () => {
  const root = join(directory.path, "shared");
  const outcomes = await Promise.all([...runtimes, ...runtimes].map(([, command]) => publish(command, root, COUNT)));
  for (const outcome of outcomes) expect(outcome).toMatchObject({ published: COUNT, read: BYTES });
}, 60_000);

const noStrace =
  spawnSync("strace", ["--version"]).status === 0 ? undefined : "strace is not installed (order of system calls)";
if (noStrace !== undefined) console.log(`skipped: ${noStrace}`);

interface SystemCall {
  readonly name: string;
  readonly text: string;
  readonly begin: number;
  end: number;
}

/** The calls of a trace, each with the lines on which it began and ended: threads interleave. */
function parseTrace(trace: string): SystemCall[] {
  const calls: SystemCall[] = [];
  const open = new Map<string, SystemCall>();
  for (const [line, text] of trace.split("\n").entries()) {
    const [, pid = "", rest = ""] = /^(\d+)\s+(.*)$/.exec(text) ?? [];
    const resumed = open.get(pid);
    if (rest.startsWith("<... ") && resumed !== undefined) {
      resumed.end = line;
      open.delete(pid);
      continue;
    }
    const name = /^(\w+)\(/.exec(rest)?.[1];
    if (name === undefined) continue;
    const call = { name, text: rest, begin: line, end: line };
    calls.push(call);
    if (rest.endsWith("<unfinished ...>")) open.set(pid, call);
  }
  return calls;
}

describe.skipIf(noStrace !== undefined)("order of system calls", () => {
  for (const [name, [program = "", ...args]] of runtimes) {
    test(`on ${name}: chmod, name, sync file, leaf and every new directory's parent, only then an answer`, () => {
      const base = realpathSync(directory.path);
      const root = join(base, "traced", name);
      const trace = join(base, `${name}.trace`);
      const acknowledged = join(base, `${name}.acknowledged`);
      const traced = "trace=openat,fsync,fchmod,link,linkat,rename,renameat,renameat2";
      const child = spawnSync(
        "strace",
        [
          "-f",
          "-y",
          "-qq",
          "-s",
          "400",
          "-e",
          traced,
          "-o",
          trace,
          program,
          ...args,
          SMOKE,
          root,
          "publish",
          "1",
          acknowledged,
        ],
        { cwd: PROJECT, encoding: "utf8" },
      );
      expect(`${child.status} ${child.stderr}`).toBe("0 ");
      expect(existsSync(acknowledged)).toBe(true);

      const calls = parseTrace(readFileSync(trace, "utf8"));
      const the = (what: string, matches: (call: SystemCall) => boolean): SystemCall => {
        const found = calls.filter(matches);
        if (found.length !== 1) throw new Error(`${what}: wanted one call, found ${found.length}`);
        return found[0] as SystemCall;
      };
      // The only object is the empty one: its digest, and so its path, is well known.
      const empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
      const leaf = join(root, "sha256", "e3", "b0");
      const answer = the("answer", ({ name: call, text }) => call === "openat" && text.includes(acknowledged));
      const staged = `<${root}/staging/`;
      // The other one, of every file, says 0600 right after it was made.
      const chmod = the("fchmod", ({ name: call, text }) => {
        return call === "fchmod" && text.includes(staged) && text.includes("0444");
      });
      const sync = the("fsync of the file", ({ name: call, text }) => call === "fsync" && text.includes(staged));
      // Nobody has this name (ADR-0022), so that it may come before the bytes are durable.
      const named = the("name", ({ name: call, text }) => {
        return /^(link|rename)/.test(call) && text.includes(`${leaf}/${empty}"`);
      });
      expect(chmod.end).toBeLessThan(named.begin);
      expect(named.end).toBeLessThan(sync.begin);
      expect(sync.end).toBeLessThan(answer.begin);
      const synced = (path: string) =>
        calls.filter(
          ({ name: call, text, end }) => call === "fsync" && text.includes(`<${path}>`) && end < answer.begin,
        );
      expect(synced(leaf).filter(({ begin }) => begin > named.end)).toHaveLength(1);
      // Every ancestor's entry in its parent, from the leaf's up to the root's and what was made above it.
      for (const parent of [join(root, "sha256", "e3"), join(root, "sha256"), root, join(base, "traced"), base]) {
        expect(`${parent} ${synced(parent).length > 0}`).toBe(`${parent} true`);
      }
    }, 60_000);
  }
});
