/**
 * Clients that push (in every way), mount, tag, delete and pull images at random over HTTP, and a model beside them. At
 * quiet points everything that can be asked is compared with it. With `--kills`, the server is killed at each of them.
 * Usage: tests/soak/oci --help
 */
import process from "node:process";
import { parseArgs } from "node:util";
import { MUTATIONS, type Mutation, makeMutant } from "./oci_mutants.ts";
import { type RunOptions, runImages } from "./oci_run.ts";
import { chooseSeed, commit, Tally } from "./rig.ts";

const USAGE = `usage: tests/soak/oci [options]
  --minutes <n>       how long (default 30; 0: just the mutants)
  --clients <n>       at once (default 8)
  --runtime <name>    of the server: bun (default), deno or node
  --quiet <n>         seconds between two quiet points, about (default 60)
  --kills <n>         SIGKILL in the middle of the work instead of a quiet point, so many times; ends after the last
  --mutants           besides, servers that do something wrong: each must be caught within a minute
  --seed <n>          as printed by the run to repeat (or ARTIFACTSTORE_TEST_SEED)`;
const MIB = 2 ** 20;
/** What a server should have at most, and misses: told. */
const WANTED = 256 * MIB;
/** Above this it holds what it should not, rather than garbage that nobody has collected yet. */
const MOST = 512 * MIB;

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "30" },
    clients: { type: "string", default: "8" },
    runtime: { type: "string", default: "bun" },
    quiet: { type: "string", default: "60" },
    kills: { type: "string", default: "0" },
    mutants: { type: "boolean", default: false },
    seed: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(USAGE);
  process.exit(0);
}
const runtime = (["bun", "deno", "node"] as const).find((name) => name === values.runtime);
if (runtime === undefined) throw new Error(`--runtime is bun, deno or node, not ${values.runtime}`);
const seed = chooseSeed(values.seed);
console.log(`oci: seed ${seed}, commit ${commit()}, server on ${runtime}`);
const tally = new Tally();
const options: RunOptions = {
  ...{ seed, runtime, patience: 20 },
  clients: Number(values.clients),
  kills: Number(values.kills),
  seconds: Number(values.minutes) * 60,
  quiet: Number(values.quiet),
};

async function soak(): Promise<void> {
  const started = performance.now();
  const { problems, counts, memory, resident, ...totals } = await runImages(options);
  const seconds = Math.round((performance.now() - started) / 1000);
  const most = `${Math.round(memory / MIB)} MiB`;
  console.log(`  ${JSON.stringify({ ...totals, seconds, memory: most })}`);
  if (options.kills === 0) console.log(`  MiB at quiet points: ${resident.map((bytes) => Math.round(bytes / MIB))}`);
  console.log(`  ${JSON.stringify(counts)}`);
  const short = totals.kills < options.kills && problems.length === 0 ? ` of ${options.kills} (out of time)` : "";
  const what = options.kills > 0 ? `${totals.kills} kills${short}` : `${seconds} s`;
  const told = `${what} of ${options.clients} clients, ${totals.requests} requests`;
  tally.record(`${told}, ${totals.quiet} times equal to the model (seed ${seed})`, problems);
  if (memory >= WANTED) console.log(`  missed: ${most} of memory, ${WANTED / MIB} MiB are wanted`);
  const over = memory >= MOST ? [`${MOST / MIB} MiB are allowed`] : [];
  const unread = [memory, ...resident].includes(0) ? ["once nothing told it: no /proc, or it had gone"] : [];
  tally.record(`the server took ${most} at most`, [...over, ...unread]);
}

async function mutate(mutation: Mutation): Promise<void> {
  const root = makeMutant(mutation);
  const kills = mutation.killed ? 100 : 0;
  const { problems } = await runImages({ ...options, root, kills, seconds: 60, quiet: 5, patience: 1 });
  if (problems.length > 0) console.log(`  ${problems[0]?.slice(0, 300)}`);
  const caught = problems.some((problem) => mutation.shows.test(problem));
  tally.record(`a server that ${mutation.what} is caught`, caught ? [] : [`seen was: ${problems[0] ?? "nothing"}`]);
}

if (options.seconds > 0) await soak();
if (values.mutants) for (const mutation of MUTATIONS) await mutate(mutation);
tally.finish();
process.exit();
