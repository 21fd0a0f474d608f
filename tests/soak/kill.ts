/**
 * SIGKILL at random moments of ingest and of pushes of images, again and again on one growing store; after each: what was acknowledged is whole,
 * the log verifies, `replay --check` is clean, `doctor --fix` collects what was left. Usage: tests/soak/kill --help
 */
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { localCaller, type Registry } from "../../core/mod.ts";
import { check, type Finding } from "./check.ts";
import { hire, type Worker } from "./crew.ts";
import { bytesOf, sha256 } from "./load.ts";
import { Oracle } from "./oracle.ts";
import {
  BUN,
  chooseSeed,
  commit,
  createRandom,
  PROJECT,
  type Random,
  sleep,
  Tally,
  tracked,
  workspace,
} from "./rig.ts";
import type { Place } from "./worker.ts";

const USAGE = `usage: tests/soak/kill [options]
  --rounds <n>        kills (default 200)
  --fresh <n>         rounds on small new stores besides, killed while they are being made (default 20)
  --database <kind>   sqlite (default) or postgres
  --seconds <n>       end early, after so many seconds
  --seed <n>          as printed by the run to repeat (or ARTIFACTSTORE_TEST_SEED)`;

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "200" },
    fresh: { type: "string", default: "20" },
    database: { type: "string", default: "sqlite" },
    seconds: { type: "string", default: "86400" },
    seed: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(USAGE);
  process.exit(0);
}
const seed = chooseSeed(values.seed);
const started = performance.now();
const inTime = () => performance.now() - started < Number(values.seconds) * 1000;
const folder = workspace("kill");
console.log(`kill: seed ${seed}, commit ${commit()}, ${values.database}, bun ${Bun.version}`);

let makeDatabase: () => Promise<string>;
if (values.database === "postgres") {
  const { startPostgres } = await import("../support/postgres.ts");
  const postgres = (await import("postgres")).default;
  const server = await startPostgres();
  let count = 0;
  makeDatabase = async () => {
    const sql = postgres(server.url, { max: 1, onnotice: () => undefined });
    const name = `soak_${count++}`;
    await sql.unsafe(`create database ${name} encoding 'UTF8' template template0`);
    await sql.end();
    return server.url.replace(/[^/]*$/, name);
  };
} else {
  makeDatabase = async () => "";
}

const CLI = join(PROJECT, "cli/main.ts");
const RUNTIMES = [
  [BUN],
  [join(PROJECT, "node_modules/node/bin/node")],
  [join(PROJECT, "node_modules/.bin/deno"), "run", "-A", "--no-lock"],
] as const;

let places = 0;
async function newPlace(): Promise<Place> {
  const dir = join(folder, `store-${places++}`);
  const url = await makeDatabase();
  const database =
    url === ""
      ? ({ kind: "sqlite", path: join(dir, "artifact-store.db") } as const)
      : ({ kind: "postgres", url } as const);
  return { objects: join(dir, "objects"), database };
}

const totals = { kills: 0, acknowledged: 0, files: 0, images: 0, staged: 0, orphans: 0, scratch: 0 };
const problems: string[] = [];
let next: Worker = hire();

/** One life of a worker, from start to SIGKILL. */
async function live(place: Place, oracle: Oracle, random: Random, whileOpening: boolean): Promise<void> {
  const worker = next;
  const load = {
    seed: random.int(2 ** 31),
    clients: 1 + random.int(6),
    pause: random.pick([0, 0, 3, 15]),
    large: random.pick([0, 0.02, 0.1]),
    images: random.pick([0, 0.3, 0.7, 1]),
    patience: 3,
  };
  worker.go({ ...place, load }, oracle);
  if (whileOpening) await sleep(random.next() * 120);
  else {
    await worker.opened;
    const enough = oracle.acknowledged + random.pick([0, 1, 5, 30]);
    await sleep(random.next() * random.pick([50, 200, 600]));
    // On a busy machine nothing may have been acknowledged by now, and nothing could be lost.
    for (let left = 3000; left > 0 && oracle.acknowledged < enough; left -= 5) await sleep(5);
    await sleep(random.next() * 10);
  }
  await worker.kill();
  // Started while this one is looked at.
  next = hire();
  totals.kills += 1;
  if (worker.complaints() !== "") problems.push(`a worker complained: ${worker.complaints()}`);
}

/** The same place on the command line. */
function flagsFor({ database, objects }: Place): string[] {
  const url = database.kind === "sqlite" ? `sqlite://${database.path}` : database.url;
  return ["--database-url", url, "--storage-url", `file://${objects}`];
}

/** The command line instead of a worker: one directory, ingested on one of the runtimes. Answers what it did, for the check. */
async function liveByCommand(place: Place, oracle: Oracle, random: Random, round: number) {
  const tree = join(folder, `tree-${round}`);
  const contents = new Map<string, string>();
  for (let i = 0; i < 40; i++) {
    const content = bytesOf(random.int(1000), random.chance(0.05) ? 3_000_000 : random.int(20_000));
    const path = `${random.pick(["x", "y/z"])}/${i}`;
    mkdirSync(join(tree, path, ".."), { recursive: true });
    writeFileSync(join(tree, path), content);
    contents.set(path, sha256(content));
  }
  const name = `by-command/${round}`;
  const [program = "", ...rest] = random.pick(RUNTIMES);
  const ingest = ["ingest", tree, "--name", name, "--retention-class", "working", "--json", ...flagsFor(place)];
  const child = tracked(
    spawn(program, [...rest, CLI, ...ingest], { cwd: folder, stdio: ["ignore", "pipe", "ignore"] }),
  );
  let printed = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    printed += text;
  });
  const gone = new Promise<void>((resolve) => child.once("close", () => resolve()));
  await Promise.race([gone, sleep(100 + random.next() * 900)]);
  child.kill("SIGKILL");
  await gone;
  rmSync(tree, { recursive: true, force: true });
  totals.kills += 1;
  if (child.exitCode !== null && child.exitCode !== 0)
    problems.push(`ingest on ${program} ended with ${child.exitCode}`);

  return async (registry: Registry) => {
    const { items } = await registry.listPackages(localCaller("oracle"), { name });
    if (child.exitCode === 0 && items.length !== 1) problems.push(`${name} was acknowledged and is lost`);
    for (const found of items) {
      oracle.note({ t: "created", package: found.package_id, name });
      for (const [path, content] of contents) {
        const id = `${name} ${path}`;
        oracle.note({ t: "begin", id, package: found.package_id, path, content });
        // Finalised is a promise by itself: then every file must be there, and as it was.
        if (found.state === "finalized") oracle.note({ t: "ack", id });
      }
      oracle.note({ t: "finalizing", package: found.package_id });
      if (child.exitCode !== 0) continue;
      const manifest = (JSON.parse(printed) as { manifest_digest: string }).manifest_digest;
      oracle.note({ t: "finalized", package: found.package_id, manifest });
    }
  };
}

/** A `replay --check` that is killed, for the databases that it leaves. */
async function checkByCommand(place: Place, random: Random): Promise<void> {
  const child = tracked(spawn(BUN, [CLI, "replay", "--check", ...flagsFor(place)], { stdio: "ignore" }));
  const gone = new Promise<void>((resolve) => child.once("close", () => resolve()));
  await Promise.race([gone, sleep(100 + random.next() * 400)]);
  child.kill("SIGKILL");
  await gone;
  totals.kills += 1;
}

/** `doctor --fix` as people run it. */
const byCommand = (place: Place) => async () => {
  const where = flagsFor(place);
  const ran = spawnSync(BUN, [CLI, "doctor", "--fix", "--grace", "0s", ...where], {
    encoding: "utf8",
  });
  if (ran.status !== 0) problems.push(`doctor --fix ended with ${ran.status}: ${ran.stdout}${ran.stderr}`);
};

function count(label: string, finding: Finding, oracle: Oracle): void {
  totals.files += finding.files;
  totals.images += finding.images;
  totals.staged += finding.staged;
  totals.orphans += finding.orphans;
  totals.scratch += finding.scratch;
  for (const [code, times] of oracle.codes) problems.push(`${label}: refused ${times} x ${code} on a healthy disk`);
  oracle.codes.clear();
  for (const problem of finding.problems) problems.push(`${label}: ${problem}`);
}

const grown = await newPlace();
const oracle = new Oracle(join(folder, "acknowledged"));
const rounds = Number(values.rounds);
let events = 0;
let grownRounds = 0;
for (let round = 0; round < rounds && inTime() && problems.length < 20; round++) {
  const random = createRandom(seed + round * 7919);
  let adopt: Awaited<ReturnType<typeof liveByCommand>> | undefined;
  if (round % 10 === 6) await checkByCommand(grown, random);
  else if (round % 5 === 3) adopt = await liveByCommand(grown, oracle, random, round);
  else await live(grown, oracle, random, round === 0);
  const all = round % 25 === 24 || round === rounds - 1;
  const collect = round % 20 === 10 ? byCommand(grown) : undefined;
  const finding = await check(grown, oracle, { all, ...(collect && { collect }), ...(adopt && { adopt }) });
  count(`round ${round}`, finding, oracle);
  events = finding.events;
  grownRounds += 1;
  if (round % 25 === 24) console.log(`  ${round + 1} kills, ${oracle.acknowledged} promises, ${events} events`);
}
totals.acknowledged += oracle.acknowledged;
oracle.close();

const fresh = Number(values.fresh);
let freshRounds = 0;
for (let round = 0; round < fresh && inTime() && problems.length < 20; round++) {
  const place = await newPlace();
  const oracle = new Oracle(join(folder, `acknowledged-${round}`));
  const random = createRandom(seed + 1 + round * 104729);
  for (const whileOpening of [true, random.chance(0.5)]) await live(place, oracle, random, whileOpening);
  count(`fresh store ${round}`, await check(place, oracle, { all: true }), oracle);
  freshRounds += 1;
  totals.acknowledged += oracle.acknowledged;
  oracle.close();
}
await next.kill();

const seconds = ((performance.now() - started) / 1000).toFixed(0);
console.log(`  ${JSON.stringify({ ...totals, events, seconds })}`);
const tally = new Tally();
const complete = grownRounds === rounds && freshRounds === fresh;
const ran = `${grownRounds} of ${rounds} rounds and ${freshRounds} of ${fresh} fresh stores`;
const short = complete || problems.length > 0 ? "" : ` (out of time: --seconds ${values.seconds}; ${ran})`;
if (totals.kills === 0) problems.push("nothing was killed: this proves nothing");
if (rounds > 0 && grownRounds === 0 && totals.kills > 0) problems.push("no round on the growing store was finished");
if (fresh > 0 && freshRounds === 0 && !inTime()) {
  console.log(`skipped: fresh stores: out of time (--seconds ${values.seconds}) after ${grownRounds} rounds`);
}
tally.record(`${totals.kills} kills on ${values.database}${short}, every promise kept (seed ${seed})`, problems);
if (totals.acknowledged === 0) tally.record("workers got nothing done", ["no operation was ever acknowledged"]);
tally.finish();
process.exit();
