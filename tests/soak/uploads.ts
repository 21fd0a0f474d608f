/**
 * SIGKILL of a server in the middle of 64 concurrent uploads, again and again; after each restart every upload stands at
 * a true offset, is resumed to its end (at times through another kill), and reads back as it was meant.
 * Usage: tests/soak/uploads --help
 */
import { rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { type Server, serve, sqlitePlace } from "../e2e/bad_days.ts";
import { check } from "./check.ts";
import { sha256 } from "./load.ts";
import { Oracle } from "./oracle.ts";
import { chooseSeed, commit, createRandom, type Random, sleep, Tally, workspace } from "./rig.ts";
import { expireUploads } from "./sessions.ts";
import { ask, createClients, type Life, push, type UploadClient } from "./uploads_client.ts";
import type { Place } from "./worker.ts";

const USAGE = `usage: tests/soak/uploads [options]
  --rounds <n>        rounds of 64 uploads with a kill or two each (default 100)
  --runtime <name>    of the server: bun (default), deno or node
  --seconds <n>       end early, after so many seconds
  --seed <n>          as printed by the run to repeat (or ARTIFACTSTORE_TEST_SEED)`;
const UPLOADS = 64;
/** A store is looked through and thrown away after so many rounds: some 1.5 GB. */
const ROUNDS_A_STORE = 10;

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "100" },
    runtime: { type: "string", default: "bun" },
    seconds: { type: "string", default: "86400" },
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
const started = performance.now();
const inTime = () => performance.now() - started < Number(values.seconds) * 1000;
const folder = workspace("uploads");
console.log(`uploads: seed ${seed}, commit ${commit()}, server on ${runtime}`);

/**
 * `cut`: uploads that a kill found unfinished; `kept`: bytes that these still had; `unheard`: creations unanswered;
 * `resumed`: uploads without a final answer that were found again; `midway`: those of them that had some bytes, not all.
 */
const totals = {
  kills: 0,
  cut: 0,
  midway: 0,
  unheard: 0,
  kept: 0,
  resumed: 0,
  files: 0,
  events: 0,
  staged: 0,
  orphans: 0,
};
const problems: string[] = [];

interface Store {
  readonly place: Place;
  readonly oracle: Oracle;
  server: Server;
}

/** Lets the clients work and kills the server at a random moment. */
async function untilKilled(store: Store, packageId: string, clients: UploadClient[], random: Random, label: string) {
  const aborter = new AbortController();
  let bytes = 0;
  const life = lifeOf(store.server, packageId, label, aborter.signal, (count) => {
    bytes += count;
  });
  const todo = clients.filter(({ done }) => !done);
  const total = todo.reduce((sum, { content, promised }) => sum + content.length - promised, 0);
  let finished = false;
  const working = Promise.all(todo.map((client) => push(client, life))).then(() => {
    finished = true;
  });
  const far = random.next();
  const how = random.pick(["time", "bytes", "bytes", "bytes", "finished", "finished", "finished"] as const);
  const reached = () => (how === "finished" ? todo.filter(({ done }) => done).length / todo.length : bytes / total);
  if (how === "time") await sleep(far * 300);
  else while (reached() < far && !finished) await sleep(1);
  await sleep(random.next() * 10);
  life.dying = true;
  await store.server.kill();
  // Answers that it had given are read before the rest is given up.
  await sleep(30);
  aborter.abort();
  await working;
  totals.kills += 1;
  for (const { done, id } of todo) {
    if (!done) totals.cut += 1;
    if (!done && id === undefined) totals.unheard += 1;
  }
}

function lifeOf(
  { url }: Server,
  packageId: string,
  label: string,
  signal = new AbortController().signal,
  onBytes: Life["onBytes"] = () => {},
): Life {
  const complain = (what: string) => void problems.push(`${label}: ${what}`);
  return { url, packageId, signal, dying: false, onBytes, complain };
}

/** The server again, on the same directory; and every upload asked where it is. */
async function restart(store: Store, packageId: string, clients: UploadClient[], label: string) {
  store.server = await serve(store.place, runtime);
  const life = lifeOf(store.server, packageId, label);
  const open = clients.filter(({ id, done }) => id !== undefined && !done);
  await Promise.all(clients.map((client) => ask(client, life)));
  for (const { promised, content } of open) {
    totals.kept += promised;
    totals.resumed += 1;
    if (promised > 0 && promised < content.length) totals.midway += 1;
  }
  if (clients.some(({ id }) => id === undefined)) await expireUploads(store.place, knownOf(clients));
  return life;
}

const knownOf = (clients: UploadClient[]) => clients.flatMap(({ id }) => (id === undefined ? [] : [id]));

async function readBack({ url, packageId, complain }: Life, { path, content, sha256: meant }: UploadClient) {
  const response = await fetch(`${url}/packages/${packageId}/files/${encodeURI(path)}`);
  const bytes = new Uint8Array(await response.arrayBuffer());
  const same = response.status === 200 && bytes.length === content.length && sha256(bytes) === meant;
  if (!same)
    complain(`${path} reads as ${response.status}, ${bytes.length} bytes of ${content.length}, not as it was sent`);
  totals.files += 1;
}

async function post(url: string, body?: object): Promise<Record<string, string>> {
  const init = body && { headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  const response = await fetch(url, { method: "POST", ...init });
  if (!response.ok) throw new Error(`POST ${url}: ${response.status} ${await response.text()}`);
  return (await response.json()) as Record<string, string>;
}

async function play(store: Store, round: number): Promise<void> {
  const random = createRandom(seed + round * 7919);
  const label = `round ${round}`;
  const clients = createClients(UPLOADS, random);
  const made = await post(`${store.server.url}/packages`, { name: "uploads", retention_class: "working" });
  const packageId = made.package_id ?? "";
  const { oracle } = store;
  oracle.note({ t: "created", package: packageId, name: "uploads" });
  let life: Life;
  do {
    await untilKilled(store, packageId, clients, random, label);
    life = await restart(store, packageId, clients, label);
  } while (random.chance(0.35));
  await Promise.all(clients.map((client) => push(client, life)));
  await Promise.all(clients.map((client) => readBack(life, client)));
  for (const client of clients) {
    const id = `${packageId} ${client.path}`;
    oracle.note({ t: "begin", id, package: packageId, path: client.path, content: client.sha256 });
    oracle.note({ t: "ack", id });
  }
  oracle.note({ t: "finalizing", package: packageId });
  const { manifest_digest: manifest = "" } = await post(`${life.url}/packages/${packageId}/finalize`);
  oracle.note({ t: "finalized", package: packageId, manifest });
}

/** Everything that was ever acknowledged, the log, the views, the leftovers; then the store goes away. */
async function lookThrough({ place, oracle, server }: Store, label: string): Promise<void> {
  const code = await server.stop();
  if (code !== 0) problems.push(`${label}: the server ended with ${code}`);
  await expireUploads(place);
  const finding = await check(place, oracle, { all: true });
  for (const problem of finding.problems) problems.push(`${label}: ${problem}`);
  totals.events += finding.events;
  totals.staged += finding.staged;
  totals.orphans += finding.orphans;
  oracle.close();
  rmSync(join(place.objects, ".."), { recursive: true, force: true });
}

const rounds = Number(values.rounds);
let played = 0;
while (played < rounds && inTime() && problems.length < 20) {
  const home = join(folder, `store-${played}`);
  const place = sqlitePlace(join(home, "objects"), home);
  const oracle = new Oracle(join(folder, `acknowledged-${played}`));
  const store: Store = { place, oracle, server: await serve(place, runtime) };
  const end = Math.min(rounds, played + ROUNDS_A_STORE);
  try {
    for (; played < end && inTime() && problems.length < 20; played++) await play(store, played);
    await lookThrough(store, `store with rounds up to ${played}`);
  } catch (error) {
    problems.push(`round ${played} came to no end: ${String(error)}`);
    break;
  }
  console.log(`  ${played} rounds, ${totals.kills} kills, ${totals.resumed} uploads resumed`);
}

const seconds = ((performance.now() - started) / 1000).toFixed(0);
console.log(`  ${JSON.stringify({ ...totals, seconds })}`);
const tally = new Tally();
const short = played === rounds || problems.length > 0 ? "" : ` (out of time after ${played} of ${rounds} rounds)`;
if (totals.midway === 0) problems.push("no upload was cut between its first byte and its last: this proves nothing");
tally.record(`${totals.kills} kills, ${totals.resumed} uploads resumed${short}, no byte lost (seed ${seed})`, problems);
tally.finish();
process.exit();
