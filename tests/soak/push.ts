/**
 * One push of a very large file and many small ones, while its own process, the server and the network are killed in
 * turn at random places. In the end the package holds what the directory does, by digests that are taken here, and the
 * bytes that went over the wire are those of the directory and a few parts.
 * Usage: tests/soak/push --help
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createCipheriv, createHash } from "node:crypto";
import { closeSync, mkdirSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { layWire } from "../cli/push/wire.ts";
import { commandLine, environment, type RuntimeName } from "../cli/support.ts";
import { sha256 } from "./load.ts";
import { chooseSeed, commit, createRandom, sleep, Tally, tracked, workspace } from "./rig.ts";

const USAGE = `usage: tests/soak/push [options]
  --mib <n>           size of the large file in MiB (default 5120)
  --files <n>         small files, up to 64 KiB each (default 500)
  --kills <n>         of the client, the server and the network, each (default 4)
  --runtime <name>    of both ends: bun (default), deno or node
  --seed <n>          as printed by the run to repeat (or ARTIFACTSTORE_TEST_SEED)`;
const MIB = 2 ** 20;
/** What a kill may cost: the server makes bytes durable every 32 MiB, while the next ones are written. */
const PER_KILL = 64 * MIB;

const { values } = parseArgs({
  options: {
    mib: { type: "string", default: "5120" },
    files: { type: "string", default: "500" },
    kills: { type: "string", default: "4" },
    runtime: { type: "string", default: "bun" },
    seed: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(USAGE);
  process.exit(0);
}
const runtime = (["bun", "deno", "node"] as const).find((name) => name === values.runtime) as RuntimeName;
if (runtime === undefined) throw new Error(`--runtime is bun, deno or node, not ${values.runtime}`);
const seed = chooseSeed(values.seed);
const random = createRandom(seed);
const size = Number(values.mib) * MIB;
const folder = workspace("push");
const problems: string[] = [];
const wanted = new Map<string, string>();
const started = performance.now();
console.log(`push: seed ${seed}, commit ${commit()}, ${values.mib} MiB and ${values.files} files, on ${runtime}`);

const tree = join(folder, "tree");
makeTree();
const total = size + [...wanted.keys()].length * 32 * 1024;

function makeTree(): void {
  mkdirSync(join(tree, "small"), { recursive: true });
  for (let i = 0; i < Number(values.files); i++) {
    const bytes = new Uint8Array(random.int(64 * 1024)).map(() => random.int(256));
    writeFileSync(join(tree, "small", `${i}`), bytes);
    wanted.set(`small/${i}`, sha256(bytes));
  }
  // A stream cipher of zeros: bytes that repeat nowhere, the same for the same seed.
  const key = createHash("sha256").update(String(seed)).digest();
  const cipher = createCipheriv("aes-256-ctr", key, Buffer.alloc(16));
  const hash = createHash("sha256");
  const zeros = Buffer.alloc(8 * MIB);
  const fd = openSync(join(tree, "large"), "w");
  for (let at = 0; at < size; at += zeros.length) {
    const bytes = cipher.update(zeros.subarray(0, Math.min(zeros.length, size - at)));
    hash.update(bytes);
    writeSync(fd, bytes);
  }
  closeSync(fd);
  wanted.set("large", hash.digest("hex"));
}

function run(args: readonly string[], env: Record<string, string> = {}) {
  const [program = "", ...rest] = commandLine(args, { runtime });
  const child = tracked(spawn(program, rest, { env: environment(env), stdio: ["ignore", "pipe", "pipe"] }));
  const said = { out: "", err: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    said.out += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said.err += text;
  });
  const ended = new Promise<number>((resolve) => child.once("close", (code) => resolve(code ?? -1)));
  return { child: child as ChildProcess, said, ended };
}

const port = await new Promise<number>((resolve) => {
  const probe = createServer().listen(0, "127.0.0.1", () => {
    const { port } = probe.address() as { port: number };
    probe.close(() => resolve(port));
  });
});
const data = join(folder, "data");
async function serve() {
  const server = run(["serve", "--json", "--listen", `127.0.0.1:${port}`, "--data-dir", data, "--log-level", "warn"]);
  while (!server.said.out.includes("\n")) {
    if (server.child.exitCode !== null) throw new Error(`serve ended: ${server.said.err}`);
    await sleep(10);
  }
  return server;
}
let server = await serve();
const wire = await layWire(port);
const direct = `http://127.0.0.1:${port}`;
const pushing = () =>
  run(["push", tree, "--json", "--name", "soak", "--retention-class", "working", "--server", wire.url], {
    XDG_STATE_HOME: join(folder, "state"),
  });

const kinds = ["client", "server", "network"] as const;
const victims = kinds.flatMap((kind) => Array.from({ length: Number(values.kills) }, () => kind));
for (let i = victims.length - 1; i > 0; i--) {
  const other = random.int(i + 1);
  [victims[i], victims[other]] = [victims[other] as (typeof kinds)[number], victims[i] as (typeof kinds)[number]];
}
const moments = victims.map(() => random.next() * total * 0.97).sort((a, b) => a - b);

const pushed = performance.now();
let client = pushing();
const runs = [client];
const killed = { client: 0, server: 0, network: 0 };
let longest = 0;
for (const [i, victim] of victims.entries()) {
  // What was sent again counts for the next moment too: a push that does not come further ends all the same.
  while (wire.sent < (moments[i] as number) && client.child.exitCode === null) await sleep(5);
  if (client.child.exitCode !== null) break;
  killed[victim] += 1;
  const away = random.next() * 3000;
  console.log(`  ${victim} at ${Math.round(wire.sent / MIB)} MiB, away for ${Math.round(away)} ms`);
  if (victim === "client") {
    client.child.kill("SIGKILL");
    await client.ended;
    client = pushing();
    runs.push(client);
  } else if (victim === "server") {
    server.child.kill("SIGKILL");
    await server.ended;
    await sleep(away);
    server = await serve();
  } else {
    wire.down();
    await sleep(away);
    wire.up();
  }
  longest = Math.max(longest, away);
}
const code = await client.ended;
const seconds = (performance.now() - pushed) / 1000;
const kills = killed.client + killed.server + killed.network;
if (code !== 0) problems.push(`the push ended with ${code}: ${client.said.err.slice(-2000)}`);
if (kills < victims.length) problems.push(`only ${kills} of ${victims.length} kills came before its end`);
const more = wire.sent - size - [...wanted.keys()].length * 33 * 1024;
if (more > kills * PER_KILL) problems.push(`${more} bytes were sent more than once, after ${kills} kills`);
await look();

async function look(): Promise<void> {
  if (code !== 0) return;
  const { package_id: id, state } = JSON.parse(client.said.out) as { package_id: string; state: string };
  if (state !== "finalized") problems.push(`the package is ${state}`);
  const ask = async (...args: string[]) => {
    const asked = run([...args, "--json", "--server", direct]);
    const ended = await asked.ended;
    if (ended !== 0) problems.push(`${args.join(" ")} ended with ${ended}: ${asked.said.err}${asked.said.out}`);
    return asked.said.out.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line)]));
  };
  const packages = await ask("ls");
  if (packages.length !== 1) problems.push(`there are ${packages.length} packages`);
  const entries = (await ask("ls", id)) as { path: string; digests: { sha256: string } }[];
  if (entries.length !== wanted.size) problems.push(`${entries.length} entries, and ${wanted.size} files`);
  for (const { path, digests } of entries) {
    if (wanted.get(path) !== digests.sha256) problems.push(`${path} has the digest ${digests.sha256}`);
  }
  // Reads every byte back.
  await ask("verify", id);
  server.child.kill("SIGTERM");
  const ended = await server.ended;
  if (ended !== 0) problems.push(`the server ended with ${ended}`);
  for (const args of [
    ["doctor", "--grace", "0s"],
    ["replay", "--check"],
    ["events", "verify"],
  ]) {
    const local = run([...args, "--data-dir", data]);
    const result = await local.ended;
    if (result !== 0) problems.push(`${args.join(" ")} ended with ${result}: ${local.said.out}${local.said.err}`);
  }
}

await wire.stop();
rmSync(folder, { recursive: true, force: true });
const figures = {
  killed,
  runs: runs.length,
  sent_mib: Math.round(wire.sent / MIB),
  again_mib: Math.round(Math.max(0, more) / MIB),
  push_seconds: Math.round(seconds),
  mib_per_second: Math.round(size / MIB / seconds),
  seconds: Math.round((performance.now() - started) / 1000),
};
console.log(`  ${JSON.stringify(figures)}`);
const tally = new Tally();
tally.record(`a push of ${values.mib} MiB through ${kills} kills (seed ${seed})`, problems);
tally.finish();
process.exit();
