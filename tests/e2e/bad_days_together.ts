/**
 * Several processes on one data directory, from the moment when it does not exist yet: ingests, a server, doctor,
 * doctor --fix, replay --check, events verify, a tail. All succeed or say who holds what; nothing is lost or half there.
 * ARTIFACTSTORE_TEST_ROUNDS sets how often (default 6).
 */
import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { isRegistryError, localCaller } from "../../core/mod.ts";
import { cli, commandLine, difference, environment, json, PATIENCE, RUNTIME_NAMES, temporary } from "../cli/support.ts";
import { tracked } from "../soak/rig.ts";
import { openPlace, type Place } from "../soak/worker.ts";
import { codeOf, lookAtAll, makeTree, seeded, serve, sqlitePlace } from "./bad_days.ts";

setDefaultTimeout(PATIENCE);
const { random } = seeded("many processes on one directory");
const dir = temporary("together");
const rounds = Number(process.env.ARTIFACTSTORE_TEST_ROUNDS ?? 6);
const said = new Map<string, number>();
afterAll(() => console.log(`${rounds} rounds; said besides success: ${JSON.stringify(Object.fromEntries(said))}`));

/** `events tail --follow` until told to stop; answers what it printed. */
function follow(data: string, runtime: (typeof RUNTIME_NAMES)[number]) {
  const [program = "", ...args] = commandLine(["events", "tail", "--follow", "--json"], { data, runtime });
  const child = tracked(spawn(program, args, { env: environment(), stdio: ["ignore", "pipe", "pipe"] }));
  let [printed, errors] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    printed += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors += text;
  });
  const gone = new Promise<number>((resolve) => child.once("close", (code) => resolve(code ?? -1)));
  const sequences = () =>
    printed
      .split("\n")
      .slice(0, -1)
      .map((line) => (JSON.parse(line) as { sequence: number }).sequence);
  return {
    sequences,
    async stop() {
      child.kill("SIGTERM");
      return { code: await gone, errors };
    },
  };
}

/** `doctor --fix --grace 0s` without a pause, in this process; answers how much it took away. */
async function fixAgainAndAgain(place: Place, ended: () => boolean): Promise<number> {
  const { registry } = await openPlace(place);
  let collected = 0;
  try {
    while (!ended()) {
      try {
        const done = await registry.fix(localCaller("doctor"), {
          grace: 0,
          holder: `pid ${process.pid}, again and again`,
        });
        collected += done.removed_staged + done.removed_orphans;
      } catch (error) {
        if (!isRegistryError(error, "maintenance_in_progress")) throw error;
      }
      await Bun.sleep(1);
    }
  } finally {
    await registry.close();
  }
  return collected;
}

for (let round = 0; round < rounds; round++) {
  // Grace 0 takes staged uploads away from under a running ingest: it may then fail, with a code, and lose nothing.
  const reckless = round % 3 === 2;
  test(`round ${round}${reckless ? ", with a doctor that spares nothing" : ""}`, async () => {
    const data = join(dir, `data-${round}`);
    const pick = () => random.pick(RUNTIME_NAMES);
    const place = sqlitePlace(join(data, "objects"), data);
    const trees = [0, 1].map((i) => makeTree(join(dir, `tree-${round}-${i}`), random, 60, i * 6_000_000));
    const ingest = (tree: string, i: number) =>
      cli(["ingest", tree, "--name", `demo-${i}`, "--version", "1", "--retention-class", "working", "--json"], {
        data,
        runtime: pick(),
      });
    const tail = follow(data, pick());
    const fixing = ["doctor", "--fix", "--json", ...(reckless ? ["--grace", "0s"] : [])];
    const started = serve(place, pick());
    const ingesting = trees.map(ingest);
    const others = [
      ["doctor", "--json"],
      fixing,
      fixing,
      ["replay", "--check", "--json"],
      ["events", "verify", "--json"],
      ["health", "--json"],
    ].map(async (args) => {
      // Not all in the same moment: some meet an empty store, some a busy one.
      await Bun.sleep(random.int(600));
      return { args, ...(await cli(args, { data, runtime: pick() })) };
    });
    const server = await started;
    let ingestsEnded = false;
    const sparesNothing = reckless ? fixAgainAndAgain(place, () => ingestsEnded) : Promise.resolve(0);
    const ingested = await Promise.all(ingesting).finally(() => {
      ingestsEnded = true;
    });
    if (reckless) {
      const collected = await sparesNothing;
      said.set(
        "leftovers collected from under an ingest",
        collected + (said.get("leftovers collected from under an ingest") ?? 0),
      );
    }
    for (const { args, code, stderr, stdout } of await Promise.all(others)) {
      if (code === 0) continue;
      const name = `${args.join(" ")} -> ${code} ${codeOf({ code, stderr, stdout })}`;
      said.set(name, (said.get(name) ?? 0) + 1);
      // Two that need the maintenance lock may meet: the second one is told who holds it, and since when.
      expect({ name, stderr }).toEqual({ name: `${fixing.join(" ")} -> 6 maintenance_in_progress`, stderr });
      expect(stderr).toMatch(/pid \d+.*doctor --fix.*since/);
    }
    expect(await server.health()).toMatchObject({ http: 200 });

    for (const [i, result] of ingested.entries()) {
      let outcome = result;
      if (reckless && outcome.code !== 0) {
        const name = `ingest under --grace 0s -> ${outcome.code} ${codeOf(outcome)}`;
        said.set(name, (said.get(name) ?? 0) + 1);
        expect(["storage_failed", "conflict", "object_missing"]).toContain(codeOf(outcome) ?? outcome.stderr);
        outcome = await ingest(trees[i] as string, i);
      }
      expect({ code: outcome.code, stderr: outcome.code === 0 ? "" : outcome.stderr }).toEqual({ code: 0, stderr: "" });
      const target = join(dir, `fetched-${round}-${i}`);
      expect((await cli(["fetch", `demo-${i}@1`, target], { data, runtime: pick() })).code).toBe(0);
      expect(difference(trees[i] as string, target)).toBe("");
      rmSync(target, { recursive: true });
    }

    // The tail has seen every event once, in order, whoever appended it.
    const { sequence } = (await json(["events", "head"], { data })) as { sequence: number };
    while (tail.sequences().length < sequence) await Bun.sleep(20);
    expect(tail.sequences()).toEqual(Array.from({ length: sequence }, (_, i) => i + 1));
    expect((await tail.stop()).errors).toBe("");
    expect(await server.stop()).toBe(0);
    expect((await lookAtAll(place)).problems).toEqual([]);
    rmSync(data, { recursive: true });
  });
}
