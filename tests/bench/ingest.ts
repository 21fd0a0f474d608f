/**
 * How fast a directory becomes a package, as whole processes from start to durable end, beside what the machine and
 * other programs need for the same bytes. Debian packages: openssl, borgbackup, restic (left out if missing).
 *
 *   bun tests/bench/ingest.ts large  [--rounds 5] [--megabytes 1024]
 *   bun tests/bench/ingest.ts small  [--rounds 5] [--files 10000]
 *   bun tests/bench/ingest.ts memory [--gigabytes 16]
 *
 * Rounds are paired: each runs every program once, in an order that changes from round to round. Caches are warm;
 * repositories are made outside of the timed part; all data is on one file system (`BENCH_DIR`).
 */
import { randomFillSync } from "node:crypto";
import { closeSync, mkdirSync, openSync, rmSync, truncateSync, writeSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { conditions, median, printTable, spread, workspace } from "./support.ts";

const { values: given, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string", default: "5" },
    megabytes: { type: "string", default: "1024" },
    files: { type: "string", default: "10000" },
    gigabytes: { type: "string", default: "16" },
  },
});
const place = workspace();
const root = resolve(import.meta.dirname, "../..");
const cli = [process.execPath, join(root, "cli/main.ts")];

interface Run {
  /** Milliseconds. */
  readonly time: number;
  /** MiB, of the largest process. */
  readonly memory: number;
  readonly output: string;
}

function execute(command: readonly string[], env: Readonly<Record<string, string>> = {}): Run {
  const began = performance.now();
  const run = Bun.spawnSync([...command], { env: { ...process.env, ...env }, stdout: "pipe", stderr: "pipe" });
  const time = performance.now() - began;
  if (run.exitCode !== 0) throw new Error(`${command.join(" ")} failed (${run.exitCode}): ${run.stderr.toString()}`);
  return { time, memory: (run.resourceUsage?.maxRSS ?? 0) / 1024 / 1024, output: run.stdout.toString() };
}

interface Program {
  readonly name: string;
  readonly needs?: string;
  /** Outside of the timed part. */
  prepare?(scratch: string): void;
  command(scratch: string, source: string): readonly string[];
  env?(scratch: string): Readonly<Record<string, string>>;
}

const ours: Program = {
  name: "artifactstore ingest",
  prepare: (scratch) => void execute([...cli, "migrate", "--data-dir", join(scratch, "data")]),
  command: (scratch, source) => [
    ...[...cli, "ingest", source, "--name", "demo", "--retention-class", "release-evidence"],
    ...["--data-dir", join(scratch, "data")],
  ],
};
const borg: Program = {
  name: "borg create --compression none",
  needs: "borg",
  prepare: (scratch) => void execute(["borg", "init", "--encryption", "none", `${scratch}/repo`], borg.env?.(scratch)),
  command: (scratch, source) => ["borg", "create", "--compression", "none", `${scratch}/repo::one`, source],
  env: (scratch) => ({ BORG_BASE_DIR: `${scratch}/base` }),
};
const restic: Program = {
  name: "restic backup",
  needs: "restic",
  prepare: (scratch) => void execute(["restic", "init"], restic.env?.(scratch)),
  command: (_, source) => ["restic", "backup", source],
  env: (scratch) => ({
    RESTIC_REPOSITORY: `${scratch}/repo`,
    RESTIC_PASSWORD: "benchmark",
    RESTIC_CACHE_DIR: `${scratch}/cache`,
  }),
};

/**
 * Times of each program by name, in order of rounds. `keep` for many files: ext4 searches long for an inode that was
 * not freed within the last five minutes, so a round's clearing up would be paid for by the next one.
 */
function race(programs: readonly Program[], source: string, keep = false): Map<string, Run[]> {
  const present = programs.filter((program) => {
    const found = program.needs === undefined || Bun.which(program.needs) !== null;
    if (!found) console.log(`${program.name}: not installed, left out`);
    return found;
  });
  const runs = new Map<string, Run[]>(present.map((program) => [program.name, []]));
  for (let round = 0; round <= Number(given.rounds); round++) {
    for (let i = 0; i < present.length; i++) {
      const program = present[(i + round) % present.length] as Program;
      const scratch = join(place.dir, `scratch-${round}-${i}`);
      mkdirSync(scratch);
      program.prepare?.(scratch);
      // What others have left to write must not be waited for by this one's fsync.
      execute(["sync"]);
      const run = execute(program.command(scratch, source), program.env?.(scratch));
      // Round 0 warms up.
      if (round > 0) runs.get(program.name)?.push(run);
      if (!keep) rmSync(scratch, { recursive: true, force: true });
    }
  }
  return runs;
}

const timesOf = (runs: Map<string, Run[]>, name: string) => (runs.get(name) ?? []).map((run) => run.time);

/** Median of the ratios of the pairs. */
function ratio(ours: readonly number[], theirs: readonly number[]): string {
  const ratios = ours.map((time, round) => time / (theirs[round] ?? Number.NaN));
  return `${median(ratios).toFixed(2)} (${spread(ratios)})`;
}

function report(runs: Map<string, Run[]>, limits: Readonly<Record<string, readonly number[]>>): void {
  const mine = timesOf(runs, ours.name);
  const rows = [...runs].map(([name, all]) => [
    name,
    `${(median(all.map((run) => run.time)) / 1000).toFixed(2)} s`,
    spread(all.map((run) => run.time / 1000)),
    `${Math.round(Math.max(...all.map((run) => run.memory)))} MiB`,
    name === ours.name ? "1" : ratio(mine, timesOf(runs, name)),
  ]);
  printTable(["program", "median", "range, s", "peak memory", "artifactstore / it"], rows);
  for (const [name, times] of Object.entries(limits)) console.log(`artifactstore / ${name}: ${ratio(mine, times)}`);
}

function large(): void {
  const source = join(place.dir, "source");
  const file = join(source, "random.bin");
  mkdirSync(source);
  writeRandom(file, Number(given.megabytes));
  const openssl: Program = {
    name: "openssl dgst -sha256",
    needs: "openssl",
    command: () => ["openssl", "dgst", "-sha256", file],
  };
  const copy: Program = {
    name: "cp && sync -f",
    command: (scratch) => ["sh", "-c", 'cp "$1" "$2" && sync -f "$2"', "copy", file, scratch],
  };
  const runs = race([openssl, copy, ours, borg, restic], source);
  const copies = timesOf(runs, copy.name);
  const slower = timesOf(runs, openssl.name).map((time, round) => Math.max(time, copies[round] ?? 0));
  console.log(`one file of ${given.megabytes} MiB, random, ${given.rounds} paired rounds`);
  report(runs, { "the slower of openssl and cp && sync": slower });
}

function small(): void {
  const source = join(place.dir, "source");
  const count = Number(given.files);
  const bytes = new Uint8Array(4096);
  for (let i = 0; i < count; i++) {
    const directory = join(source, `directory-${i % 100}`);
    if (i < 100) mkdirSync(directory, { recursive: true });
    const fd = openSync(join(directory, `file-${i}`), "wx");
    writeSync(fd, randomFillSync(bytes));
    closeSync(fd);
  }
  const bareOf = (concurrency: number): Program => ({
    name: `bare script, ${concurrency} at once`,
    command: (scratch, from) => [
      ...[process.execPath, join(import.meta.dirname, "bare_write.ts"), from, `${scratch}/bare`],
      ...["--concurrency", String(concurrency)],
    ],
  });
  const runs = race([bareOf(64), bareOf(1), ours, borg, restic], source, true);
  console.log(`${count} files of 4 KiB in 100 directories, ${given.rounds} paired rounds`);
  report(runs, {});
}

function memory(): void {
  const source = join(place.dir, "source");
  mkdirSync(source);
  const file = join(source, "sparse.bin");
  closeSync(openSync(file, "wx"));
  truncateSync(file, Number(given.gigabytes) * 1024 ** 3);
  const data = ["--data-dir", join(place.dir, "data")];
  const ingested = execute([...ours.command(place.dir, source), "--json"]);
  const { package_id } = JSON.parse(ingested.output);
  const fetched = execute([...cli, "fetch", package_id, join(place.dir, "out"), ...data]);
  const row = (name: string, run: Run) => [name, `${(run.time / 1000).toFixed(1)} s`, `${Math.round(run.memory)} MiB`];
  console.log(`one sparse file of ${given.gigabytes} GiB`);
  printTable(["command", "time", "peak memory"], [row("ingest", ingested), row("fetch", fetched)]);
}

function writeRandom(path: string, megabytes: number): void {
  const fd = openSync(path, "wx");
  const block = new Uint8Array(1024 * 1024);
  for (let i = 0; i < megabytes; i++) writeSync(fd, randomFillSync(block));
  closeSync(fd);
}

const parts: Readonly<Record<string, () => void>> = { large, small, memory };
try {
  const part = parts[positionals[0] ?? ""];
  console.log(conditions());
  if (part === undefined) throw new Error("say what to measure: large, small or memory");
  part();
} finally {
  place.dispose();
}
