/**
 * Power cuts under load: objects and database on disks of their own, cut apart and together, and a disk that is as
 * strict as POSIX allows. After each: no acknowledged write is lost, none is torn. And the proof that this harness would
 * notice: each sync left out on purpose must be caught. Usage: tests/soak/powercut --help
 */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { check } from "./check.ts";
import { hire, type Worker } from "./crew.ts";
import { type Disk, makeDisk, whyNoDisks } from "./disk.ts";
import { Oracle } from "./oracle.ts";
import { chooseSeed, commit, createRandom, type Random, sleep, Tally, workspace } from "./rig.ts";
import { cutStrictly, tracing, whyNoStrictDisk } from "./strict.ts";
import type { Task } from "./worker.ts";

const USAGE = `usage: tests/soak/powercut [options]     (root; Linux; mkfs.ext4; strace for the mode "strict")
  --cuts <n>        cuts in each mode (default 100)
  --modes <list>    of objects,database,both,strict (default: all)
  --mutants <n>     each mutant must be caught within so many cuts (default 100; 0: no mutants)
  --seconds <n>     end early, after so many seconds
  --seed <n>        as printed by the run to repeat (or ARTIFACTSTORE_TEST_SEED)`;

const { values } = parseArgs({
  options: {
    cuts: { type: "string", default: "100" },
    modes: { type: "string", default: "objects,database,both,strict" },
    mutants: { type: "string", default: "100" },
    seconds: { type: "string", default: "86400" },
    seed: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(USAGE);
  process.exit(0);
}

type Mode = "objects" | "database" | "both" | "strict";
type Mutation = Pick<Task, "durability" | "synchronous">;

/** What is left out, and the cut that can show it. */
const MUTANTS: readonly (readonly [what: string, mode: Mode, Mutation])[] = [
  ["the sync of the object's file", "objects", { durability: { syncFile: false } }],
  // ext4 commits a new name with the sync of its file.
  ["the sync of the leaf directory", "strict", { durability: { syncLeafDirectory: false } }],
  ["the sync of the parent directories", "strict", { durability: { syncParentDirectories: false } }],
  ["synchronous=FULL (NORMAL instead)", "database", { synchronous: "NORMAL" }],
];

const seed = chooseSeed(values.seed);
const started = performance.now();
const inTime = () => performance.now() - started < Number(values.seconds) * 1000;
console.log(`powercut: seed ${seed}, commit ${commit()}, sqlite, bun ${Bun.version}, ${process.platform}`);
const tally = new Tally();
const folder = workspace("powercut");
const without: Partial<Record<Mode, string>> = {};
const noDisks = whyNoDisks();
if (noDisks !== undefined) for (const mode of ["objects", "database", "both"] as const) without[mode] = noDisks;
const noStrict = whyNoStrictDisk();
if (noStrict !== undefined) without.strict = noStrict;
const disks = noDisks === undefined ? [makeDisk("objects", 512), makeDisk("database", 128)] : [];
const trace = join(folder, "trace");

let next: { readonly strict: boolean; readonly worker: Worker } | undefined;

/** A worker that has started already, if the last one who asked was right about what comes next. */
async function nextWorker(strict: boolean): Promise<Worker> {
  if (next !== undefined && next.strict !== strict) {
    await next.worker.kill();
    next = undefined;
  }
  const { worker } = next ?? { worker: hire(strict ? tracing(trace) : []) };
  next = undefined;
  return worker;
}

let sites = 0;

/** A store that is cut again and again; a new one now and then, since new directories are where syncs are forgotten. */
class Site {
  readonly mode: Mode;
  objects = "";
  database = "";

  constructor(mode: Mode) {
    this.mode = mode;
  }

  renew(): void {
    const [objects, database] = this.mode === "strict" ? [{ path: folder }, { path: folder }] : disks;
    if (objects === undefined || database === undefined) throw new Error("no disks");
    this.remove();
    // Never the name of another: a mutant would be caught by what the one before it has left.
    const name = `${this.mode}-${sites++}-${process.pid}`;
    this.objects = join(objects.path, name, "objects");
    this.database = join(database.path, `${name}-db`, "artifact-store.db");
    // The strict disk begins where the trace begins: its root is there.
    if (this.mode === "strict") mkdirSync(this.objects, { recursive: true });
  }

  remove(): void {
    for (const old of [this.objects, this.database])
      if (old !== "") rmSync(join(old, ".."), { recursive: true, force: true });
  }

  get place() {
    return { objects: this.objects, database: { kind: "sqlite", path: this.database } as const };
  }
}

interface Outcome {
  readonly cuts: number;
  readonly acknowledged: number;
  readonly problems: string[];
  readonly codes: Record<string, number>;
  readonly lost: number;
}

const RENEW = 12;

/** `images`: of a mutant, how often its one client pushes an image where it would fill a package. */
async function cutAgainAndAgain(
  mode: Mode,
  cuts: number,
  random: Random,
  mutation: Mutation = {},
  images = 0,
): Promise<Outcome> {
  const site = new Site(mode);
  const cut: readonly Disk[] = mode === "objects" ? disks.slice(0, 1) : mode === "database" ? disks.slice(1) : disks;
  const problems: string[] = [];
  const codes: Record<string, number> = {};
  const mutant = mutation.durability !== undefined || mutation.synchronous !== undefined;
  let oracle: Oracle | undefined;
  let [done, acknowledged, lost] = [0, 0, 0];
  while (done < cuts && inTime() && problems.length === 0) {
    if (oracle === undefined || done % RENEW === 0) {
      acknowledged += oracle?.acknowledged ?? 0;
      oracle?.close();
      oracle = new Oracle(join(folder, `acknowledged-${mode}-${mutant}-${done}`));
      site.renew();
    }
    const worker = await nextWorker(mode === "strict");
    const load = {
      seed: random.int(2 ** 31),
      clients: mutant ? 1 : random.pick([1, 1, 2, 5]),
      pause: mutant ? 12 : random.pick([0, 3, 12]),
      large: mutant ? 0 : random.pick([0, 0.03]),
      images: mutant ? images : random.pick([0, 0.5, 1]),
      patience: 4,
    };
    worker.go({ ...site.place, ...mutation, load }, oracle);
    if (!mutant && random.chance(0.1)) await sleep(random.next() * 60);
    else {
      await worker.opened;
      const enough = oracle.acknowledged + random.pick([1, 3, 10]);
      await sleep(20 + random.next() * random.pick([40, 150]));
      // On a busy machine nothing may have been acknowledged by now, and nothing could be lost.
      for (let left = 3000; left > 0 && oracle.acknowledged < enough; left -= 5) await sleep(5);
    }
    if (mode === "strict") {
      await worker.kill();
      const { names, files } = cutStrictly(site.objects, trace);
      lost += names + files;
    } else {
      await fail(worker, oracle, cut, random);
      for (const disk of cut) disk.restart();
    }
    done += 1;
    next = { strict: mode === "strict", worker: hire(mode === "strict" ? tracing(trace) : []) };
    for (const [code, times] of oracle.codes) codes[code] = (codes[code] ?? 0) + times;
    oracle.codes.clear();
    const finding = await check(site.place, oracle, { all: done % RENEW === 0 || done === cuts, powerCut: true });
    problems.push(...finding.problems.map((problem) => `cut ${done}: ${problem}`));
  }
  acknowledged += oracle?.acknowledged ?? 0;
  oracle?.close();
  site.remove();
  return { cuts: done, acknowledged, problems, codes, lost };
}

/** The cut itself, in one of the ways in which a disk can go. */
async function fail(worker: Worker, oracle: Oracle, cut: readonly Disk[], random: Random): Promise<void> {
  const inMidCall = random.chance(0.4);
  if (inMidCall) oracle.deaf = true;
  else await worker.freeze();
  for (const disk of random.chance(0.5) ? cut : [...cut].reverse()) disk.cut();
  // A disk gone and the process alive: what it acknowledges from now on must be true all the same.
  if (!inMidCall && random.chance(0.7)) {
    worker.thaw();
    await sleep(random.next() * 20);
  }
  await worker.kill();
}

let tooLate = false;
for (const mode of values.modes.split(",") as Mode[]) {
  const reason = without[mode];
  if (reason !== undefined) {
    console.log(`skipped: cuts of ${mode}: ${reason}`);
    continue;
  }
  const begun = performance.now();
  const outcome = await cutAgainAndAgain(mode, Number(values.cuts), createRandom(seed));
  const { cuts, acknowledged, problems, codes, lost } = outcome;
  if (acknowledged === 0 && problems.length === 0) {
    // No cut, or none that could have lost anything: not a success, and out of time not a failure of the store either.
    if (!inTime()) {
      tooLate = true;
      console.log(
        `skipped: cuts of ${mode}: out of time (--seconds ${values.seconds}) after ${cuts} cuts, nothing acknowledged`,
      );
      continue;
    }
    problems.push("nothing was ever acknowledged: this proves nothing");
  }
  const pace = `${((performance.now() - begun) / 1000 / Math.max(1, cuts)).toFixed(2)} s each`;
  console.log(`  ${JSON.stringify({ mode, cuts, acknowledged, taken_away: lost, codes })} ${pace}`);
  const short = problems.length === 0 && cuts < Number(values.cuts);
  const asked = short ? ` of the ${values.cuts} asked for (out of time: --seconds ${values.seconds})` : "";
  tally.record(`${cuts} cuts of ${mode}${asked}, every promise kept (seed ${seed})`, problems);
}

const patience = Number(values.mutants);
const caught = MUTANTS.flatMap((mutant) => [0, 1].map((images) => [...mutant, images] as const));
for (const [what, mode, mutation, images] of patience > 0 ? caught : []) {
  const reason = without[mode];
  if (reason !== undefined) {
    console.log(`skipped: mutant without ${what}: ${reason}`);
    continue;
  }
  const { cuts, problems } = await cutAgainAndAgain(mode, patience, createRandom(seed + 1), mutation, images);
  if (problems.length > 0) console.log(`  after ${cuts} cuts of ${mode}: ${problems[0]}`);
  else if (!inTime()) {
    console.log(`skipped: mutant without ${what}: out of time`);
    continue;
  }
  const by = images === 0 ? "packages" : "images";
  tally.record(
    `a store without ${what} is caught by ${by}`,
    problems.length > 0 ? [] : [`${cuts} cuts did not show it`],
  );
}
await next?.worker.kill();
if (tally.passed + tally.failed === 0 && tooLate) {
  tally.record("something was cut", [`not one mode was proven within --seconds ${values.seconds}`]);
}
console.log(`  ${((performance.now() - started) / 1000).toFixed(0)} s`);
tally.finish();
process.exit();
