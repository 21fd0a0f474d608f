/**
 * Clients that push (in every way), mount, tag, delete and pull images at random over HTTP, and a model beside them. At
 * quiet points everything that can be asked is compared with it. With `--kills`, the server is killed at each of them.
 * Usage: tests/soak/oci --help
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { type Server, serve, sqlitePlace } from "../e2e/bad_days.ts";
import { check } from "./check.ts";
import { memoryOf } from "./memory_of.ts";
import { REPOSITORIES, type Scene, TAGS, work } from "./oci_client.ts";
import { Contents, image } from "./oci_content.ts";
import { Door } from "./oci_door.ts";
import { Log } from "./oci_log.ts";
import { Model } from "./oci_model.ts";
import { compare } from "./oci_quiet.ts";
import { lookBeside, putPackage } from "./oci_store.ts";
import { Oracle } from "./oracle.ts";
import { chooseSeed, commit, createRandom, sleep, Tally, workspace } from "./rig.ts";
import { expireUploads, openUploads } from "./sessions.ts";

const USAGE = `usage: tests/soak/oci [options]
  --minutes <n>       how long (default 30)
  --clients <n>       at once (default 8)
  --runtime <name>    of the server: bun (default), deno or node
  --quiet <n>         seconds between two quiet points, about (default 60)
  --kills <n>         SIGKILL in the middle of the work instead of a quiet point, so many times; ends after the last
  --seed <n>          as printed by the run to repeat (or ARTIFACTSTORE_TEST_SEED)`;
const MIB = 2 ** 20;
const MOST = 256 * MIB;

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "30" },
    clients: { type: "string", default: "8" },
    runtime: { type: "string", default: "bun" },
    quiet: { type: "string", default: "60" },
    kills: { type: "string", default: "0" },
    seed: { type: "string" },
    root: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(USAGE);
  process.exit(0);
}
const runtime = (["bun", "deno", "node"] as const).find((name) => name === values.runtime);
if (runtime === undefined) throw new Error(`--runtime is bun, deno or node, not ${values.runtime}`);
const [kills, clients] = [Number(values.kills), Number(values.clients)];
const seed = chooseSeed(values.seed);
const started = performance.now();
const end = started + Number(values.minutes) * 60_000;
const folder = workspace("oci");
const problems: string[] = [];
console.log(`oci: seed ${seed}, commit ${commit()}, server on ${runtime}`);

const place = sqlitePlace(join(folder, "objects"), folder);
mkdirSync(place.objects);
const random = createRandom(seed);
const contents = new Contents(createRandom(seed + 1));
const hot = Array.from({ length: 12 }, () =>
  image(
    Array.from({ length: 1 + random.int(3) }, () => contents.small(random)),
    "",
  ),
);
const scene: Scene = {
  model: new Model(REPOSITORIES, TAGS),
  contents,
  hot,
  known: new Map(hot.flatMap((one) => [one.sha256, one.sha512].map((digest) => [digest, one] as const))),
  left: new Set(),
  tagged: new Set(),
  counts: {},
  complain: (what) => void problems.push(`phase ${phases}: ${what}`),
};
const log = new Log();
const totals = { requests: 0, kills: 0, quiet: 0, log: 0, staged: 0, orphans: 0 };
let phases = 0;
let most = 0;

const start = () => serve(place, runtime, ["--set", "log.level=error"]);

/** Memory is looked at until it is over. */
async function watch(server: Server, over: () => boolean): Promise<void> {
  while (!over() && server.alive()) {
    most = Math.max(most, memoryOf(server.pid, "VmHWM"));
    await sleep(250);
  }
}

/** Clients at work until the time is over, or the server is dead. */
async function play(server: Server, door: Door): Promise<void> {
  let over = false;
  const working = Array.from({ length: clients }, (_, i) =>
    work(scene, door, createRandom(seed + phases * 7919 + i * 104729), () => over),
  );
  const watching = watch(server, () => over);
  const quiet = Number(values.quiet) * 1000 * (0.5 + random.next());
  const left = Math.max(0, end - performance.now());
  if (kills === 0) {
    for (const until = performance.now() + Math.min(quiet, left); performance.now() < until && problems.length < 20; ) {
      await sleep(100);
    }
    over = true;
  } else {
    await sleep(50 + random.next() * random.pick([400, 1500, 4000]));
    over = true;
    door.dying = true;
    await server.kill();
    totals.kills += 1;
    // Answers that it had given are read before the rest is given up.
    await sleep(30);
    door.close();
  }
  await Promise.all([...working, watching]);
  totals.requests += door.requests;
}

async function run(): Promise<void> {
  let server = await start();
  const oracle = new Oracle(join(folder, "acknowledged"));
  await putPackage(
    server.url,
    oracle,
    hot.flatMap(({ blobs }) => blobs),
  );
  const more = () => performance.now() < end && problems.length < 20 && (kills === 0 || totals.kills < kills);
  for (let last = false; !last; ) {
    phases += 1;
    await play(server, new Door(server.url));
    if (kills > 0) server = await start();
    const door = new Door(server.url);
    last = !more();
    await compare(scene, door, log, random, last);
    totals.quiet += 1;
    totals.requests += door.requests;
    if (last || kills === 0 || phases % 10 === 0) problems.push(...(await lookBeside(place, runtime ?? "bun")));
    if (phases % 10 === 0 || last) {
      const rate = Math.round((totals.requests * 1000) / (performance.now() - started));
      console.log(
        `  ${phases} phases, ${totals.requests} requests (${rate}/s), ${log.events} events, at most ${inMib()}`,
      );
    }
  }
  most = Math.max(most, memoryOf(server.pid, "VmHWM"));
  const code = await server.stop();
  if (code !== 0) problems.push(`the server ended with ${code}`);
  await lookThrough(oracle);
}

const inMib = () => `${Math.round(most / MIB)} MiB`;

/** The log, the views, the leftovers, the package. */
async function lookThrough(oracle: Oracle): Promise<void> {
  const open = await openUploads(place);
  if (kills === 0 && open.length > 0)
    problems.push(`${open.length} uploads are open, and every one was ended: ${open[0]}`);
  // After a kill, creations that nobody heard of.
  await expireUploads(place);
  const finding = await check(place, oracle, { all: true });
  problems.push(...finding.problems);
  if (kills === 0 && finding.staged + finding.orphans > 0) {
    problems.push(`${finding.staged} staged files and ${finding.orphans} objects without a name are left`);
  }
  Object.assign(totals, { log: finding.events, staged: finding.staged, orphans: finding.orphans });
  oracle.close();
}

try {
  await run();
} catch (error) {
  problems.push(`phase ${phases} came to no end: ${error instanceof Error ? error.stack : error}`);
}
const seconds = ((performance.now() - started) / 1000).toFixed(0);
console.log(`  ${JSON.stringify({ ...totals, seconds, memory: inMib() })}`);
console.log(`  ${JSON.stringify(scene.counts)}`);
const tally = new Tally();
const short = kills > 0 && totals.kills < kills && problems.length === 0 ? ` of ${kills} (out of time)` : "";
const what = kills > 0 ? `${totals.kills} kills${short}` : `${seconds} s`;
tally.record(
  `${what} of ${clients} clients, ${totals.requests} requests, ${totals.quiet} times equal to the model (seed ${seed})`,
  problems,
);
if (most >= MOST) tally.record("memory of the server", [`${inMib()}, and ${MOST / MIB} MiB are allowed`]);
else tally.record(`the server took ${inMib()} at most`, []);
tally.finish();
process.exit();
