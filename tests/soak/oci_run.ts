/** One store, from its beginning to its end: phases of work, and after each a look at everything. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { RuntimeName } from "../cli/support.ts";
import { type Server, serve, sqlitePlace } from "../e2e/bad_days.ts";
import { check } from "./check.ts";
import { memoryOf } from "./memory_of.ts";
import { work } from "./oci_client.ts";
import { Contents, image } from "./oci_content.ts";
import { Door } from "./oci_door.ts";
import { Log } from "./oci_log.ts";
import { Model } from "./oci_model.ts";
import { compare } from "./oci_quiet.ts";
import { REPOSITORIES, type Scene, TAGS } from "./oci_scene.ts";
import { lookBeside, putPackage } from "./oci_store.ts";
import { Oracle } from "./oracle.ts";
import { createRandom, sleep, workspace } from "./rig.ts";
import { expireUploads, openUploads } from "./sessions.ts";

export interface RunOptions {
  readonly seed: number;
  readonly clients: number;
  readonly runtime: RuntimeName;
  readonly seconds: number;
  /** Seconds between two quiet points, about. */
  readonly quiet: number;
  /** The server is killed at the end of each phase, so many times. 0: the clients end what they are doing. */
  readonly kills: number;
  /** Ends after so many problems. */
  readonly patience: number;
  /** A tree of the program other than this one; ends with "/". */
  readonly root?: string;
}

export interface Outcome {
  readonly problems: readonly string[];
  readonly requests: number;
  readonly kills: number;
  /** Comparisons of everything. */
  readonly quiet: number;
  readonly events: number;
  readonly staged: number;
  readonly orphans: number;
  /** Most memory that the server had, bytes. */
  readonly memory: number;
  /** What it had at each quiet point, bytes: a leak would show. */
  readonly resident: readonly number[];
  readonly counts: Readonly<Record<string, number>>;
}

export async function runImages(options: RunOptions): Promise<Outcome> {
  const { seed, clients, runtime, kills, root } = options;
  const end = performance.now() + options.seconds * 1000;
  const folder = workspace("oci");
  const place = sqlitePlace(join(folder, "objects"), folder);
  mkdirSync(place.objects);
  const random = createRandom(seed);
  const contents = new Contents(createRandom(seed + 1));
  const hot = Array.from({ length: 12 }, () => {
    const layers = Array.from({ length: 1 + random.int(3) }, () => contents.small(random));
    return image(layers, "");
  });
  const problems: string[] = [];
  const resident: number[] = [];
  const totals = { requests: 0, kills: 0, quiet: 0, events: 0, staged: 0, orphans: 0, memory: 0 };
  let phase = 0;
  const scene: Scene = {
    model: new Model(REPOSITORIES, TAGS),
    contents,
    hot,
    known: new Map(hot.flatMap((one) => [one.sha256, one.sha512].map((digest) => [digest, one] as const))),
    left: new Set(),
    tagged: new Set(),
    counts: {},
    complain: (what) => void problems.push(`phase ${phase}: ${what}`),
  };
  const log = new Log();
  const more = () =>
    performance.now() < end && problems.length < options.patience && (kills === 0 || totals.kills < kills);
  const start = () => serve(place, runtime, ["--set", "log.level=error"], root);

  async function watch(server: Server, over: () => boolean): Promise<void> {
    while (!over() && server.alive()) {
      totals.memory = Math.max(totals.memory, memoryOf(server.pid, "VmHWM"));
      await sleep(250);
    }
  }

  /** Clients at work until the time is over, or the server is dead. */
  async function play(server: Server, door: Door): Promise<void> {
    let over = false;
    const working = Array.from({ length: clients }, (_, i) =>
      work(scene, door, createRandom(seed + phase * 7919 + i * 104729), () => over),
    );
    const watching = watch(server, () => over);
    if (kills === 0) {
      const until = Math.min(end, performance.now() + options.quiet * 1000 * (0.5 + random.next()));
      while (performance.now() < until && problems.length < options.patience) await sleep(100);
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

  async function phases(): Promise<void> {
    let server = await start();
    const oracle = new Oracle(join(folder, "acknowledged"));
    // A mutant may not come so far.
    if (root === undefined) {
      const layers = hot.flatMap(({ blobs }) => blobs);
      await putPackage(server.url, oracle, layers);
    }
    for (let last = false; !last; ) {
      phase += 1;
      await play(server, new Door(server.url));
      if (kills > 0) server = await start();
      last = !more();
      const door = new Door(server.url);
      await compare(scene, door, log, random, last);
      totals.quiet += 1;
      resident.push(memoryOf(server.pid, "VmRSS"));
      totals.requests += door.requests;
      // By this program, whichever one the server is.
      if (last || kills === 0 || phase % 10 === 0) problems.push(...(await lookBeside(place, runtime)));
      last ||= problems.length >= options.patience;
      if (phase % 10 === 0) console.log(`  ${phase} phases, ${totals.requests} requests, ${log.events} events`);
    }
    totals.memory = Math.max(totals.memory, memoryOf(server.pid, "VmHWM"));
    const code = await server.stop();
    if (code !== 0) problems.push(`the server ended with ${code}`);
    await lookThrough(oracle);
  }

  /** The log, the views, the leftovers, the package. */
  async function lookThrough(oracle: Oracle): Promise<void> {
    const [open] = await openUploads(place);
    if (kills === 0 && open !== undefined) problems.push(`every upload was ended, and ${open} is open`);
    // After a kill, creations that nobody heard of.
    await expireUploads(place);
    const finding = await check(place, oracle, { all: true });
    problems.push(...finding.problems);
    const { staged, orphans, events } = finding;
    if (kills === 0 && staged + orphans > 0) {
      problems.push(`${staged} staged files and ${orphans} objects without a name are left`);
    }
    Object.assign(totals, { staged, orphans, events });
    oracle.close();
  }

  try {
    await phases();
  } catch (error) {
    problems.push(`phase ${phase} came to no end: ${error instanceof Error ? error.stack : error}`);
  }
  return { problems, resident, ...totals, counts: scene.counts };
}
