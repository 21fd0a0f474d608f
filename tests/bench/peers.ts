/** Servers side by side: Debian's `docker-registry` and zot as peers, rounds in which each is started anew, and the table. */
import { spawn } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { sleep, tracked } from "../soak/rig.ts";
import { conditions, median, printTable, spread } from "./support.ts";

export interface Peer<R> {
  readonly name: string;
  /** On an empty directory. */
  start(scratch: string): Promise<R>;
}

export interface Stoppable {
  stop(): Promise<unknown>;
}

/** A registry of others. */
interface Program {
  readonly name: string;
  readonly command: string;
  /** Arguments, its configuration written to `scratch`. */
  configure(address: URL, scratch: string): readonly string[];
}

export const DOCKER_REGISTRY: Program = {
  name: "docker-registry",
  command: "docker-registry",
  configure({ host }, scratch) {
    const storage = { filesystem: { rootdirectory: join(scratch, "registry") } };
    const config = { version: 0.1, log: { level: "error" }, storage, http: { addr: host } };
    return ["serve", written(scratch, config)];
  },
};

const zot = (name: string, commit: boolean): Program => ({
  name,
  command: "zot",
  configure({ hostname, port }, scratch) {
    const http = { address: hostname, port };
    const config = { storage: { rootDirectory: join(scratch, "zot"), commit }, http, log: { level: "error" } };
    return ["serve", written(scratch, config)];
  },
});
/** As it is unless told otherwise, which is without a sync; and with them, as ours is. */
export const ZOT = zot("zot", false);
export const ZOT_SYNCED = zot("zot, synced", true);

function written(scratch: string, config: object): string {
  const path = join(scratch, "config.json");
  writeFileSync(path, JSON.stringify(config));
  return path;
}

/** Whether it is on the path. */
export function isHere({ name, command }: Program): boolean {
  if (Bun.which(command) !== null) return true;
  console.log(`${name}: not installed, left out`);
  return false;
}

export async function startProgram(
  program: Program,
  scratch: string,
): Promise<Stoppable & { readonly url: string; readonly pid: number }> {
  // Any free port: it cannot be asked which one it took.
  const probe = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response() });
  const url = `http://127.0.0.1:${probe.port}`;
  await probe.stop(true);
  const { name, command } = program;
  const child = tracked(spawn(command, program.configure(new URL(url), scratch), { stdio: "ignore" }));
  const gone = new Promise<void>((resolve) => child.once("close", () => resolve()));
  for (let tries = 0; !(await answers(`${url}/v2/`)); tries++) {
    if (tries === 200) throw new Error(`${name} does not answer`);
    await sleep(50);
  }
  return {
    url,
    pid: child.pid as number,
    stop() {
      child.kill();
      return gone;
    },
  };
}

const answers = (url: string) =>
  fetch(url).then(
    ({ ok }) => ok,
    () => false,
  );

/** What each peer measured, by measure, in order of rounds. */
export type Figures = Map<string, Map<string, number[]>>;

/** `rounds`, and one before them that warms up; the order changes from round to round. */
export async function race<R extends Stoppable>(
  peers: readonly Peer<R>[],
  { rounds, dir }: { readonly rounds: number; readonly dir: string },
  measure: (peer: R) => Promise<Record<string, number>>,
): Promise<Figures> {
  const figures: Figures = new Map();
  for (let round = 0; round <= rounds; round++) {
    for (let i = 0; i < peers.length; i++) {
      const peer = peers[(i + round) % peers.length] as Peer<R>;
      const scratch = join(dir, `scratch-${round}-${i}`);
      mkdirSync(scratch);
      const running = await peer.start(scratch);
      Bun.spawnSync(["sync"]);
      const seen = await measure(running);
      await running.stop();
      rmSync(scratch, { recursive: true, force: true });
      if (round === 0) continue;
      for (const [name, value] of Object.entries(seen)) {
        const byPeer = figures.get(name) ?? new Map<string, number[]>();
        figures.set(name, byPeer.set(peer.name, [...(byPeer.get(peer.name) ?? []), value]));
      }
    }
  }
  return figures;
}

/** All figures are rates: more is better, and the ratio says how many times as much `first` does. */
export function report(figures: Figures, first: string, unit = ""): void {
  console.log(conditions());
  for (const [name, byPeer] of figures) {
    const ours = byPeer.get(first) ?? [];
    const rows = [...byPeer].map(([peer, rates]) => {
      const ratios = ours.map((rate, round) => rate / (rates[round] ?? Number.NaN));
      return [
        peer,
        `${median(rates).toFixed(0)} ${unit}`.trimEnd(),
        spread(rates, 0),
        `${median(ratios).toFixed(2)} (${spread(ratios)})`,
      ];
    });
    console.log(`\n${name}`);
    printTable(["server", "median", "range", "first / it"], rows);
  }
}
