/**
 * How fast the log is: append through the registry with many concurrent callers, `replay --check`, `events verify`.
 *
 *   bun tests/bench/events.ts --database sqlite|postgres [--events 1000000] [--callers 256] [--rounds 5]
 *
 * Each caller creates packages one after another: two events and two rows of views a call. On SQLite, rounds of
 * 100,000 events are first paired with bare statements (`bare_events.ts`) in alternating order. PostgreSQL is a server
 * of its own with its default, durable settings; `ARTIFACTSTORE_TEST_POSTGRES_URL` names another one.
 */
import { join } from "node:path";
import { openPostgresDatabase } from "../../adapters/database-postgres/mod.ts";
import { openSqliteDatabase } from "../../adapters/database-sqlite/mod.ts";
import { loadHasher } from "../../adapters/hasher.ts";
import { assembleRegistry } from "../../adapters/local.ts";
import { createMemoryStorage } from "../../adapters/storage-memory/mod.ts";
import { type Caller, localCaller, type Registry } from "../../core/mod.ts";
import { startPostgres } from "../support/postgres.ts";
import { appendBare, nameOf } from "./bare_events.ts";
import {
  conditions,
  cpuMilliseconds,
  median,
  options,
  peakMiB,
  printTable,
  rate,
  resetPeak,
  spread,
  workspace,
} from "./support.ts";

const given = options({ database: "sqlite", events: "1000000", callers: "256", rounds: "5", work: "create" });
const events = Number(given.events);
const callers = Number(given.callers);
const PAIRED_EVENTS = 100_000;
/** What a durable server has by default; the server of the tests has them off. */
const DURABLE = [
  "fsync=on",
  "full_page_writes=on",
  "wal_level=replica",
  "max_wal_senders=10",
  "shared_buffers=128MB",
  "max_connections=100",
];

const caller = localCaller("bench");
const hasher = await loadHasher();

/** Runs `count` calls, `callers` at a time; answers milliseconds. */
async function run(count: number, call: (index: number) => Promise<unknown>): Promise<number> {
  let next = 0;
  const worker = async () => {
    while (next < count) await call(next++);
  };
  const began = performance.now();
  await Promise.all(Array.from({ length: callers }, worker));
  return performance.now() - began;
}

/** Appends about `count` events; answers milliseconds. */
async function append(registry: Registry, who: Caller, count: number): Promise<number> {
  if (given.work === "create") {
    return run(count / 2, (i) => registry.createPackage(who, { name: nameOf(i), retentionClass: "working" }));
  }
  const owner = await registry.createPackage(who, { name: "bench", retentionClass: "working" });
  const packageId = owner.package_id;
  if (given.work === "directories") {
    return run(count, (i) => registry.addDirectory(who, { packageId, path: `d${i >> 10}/e${i}` }));
  }
  const bytes = new TextEncoder();
  return run(count / 2, (i) => {
    const content = bytes.encode(`file ${i}`);
    return registry.ingestFile(who, { packageId, path: `d${i >> 10}/f${i}`, source: new Blob([content]).stream() });
  });
}

async function openSqlite(path: string): Promise<Registry> {
  const database = await openSqliteDatabase({ path });
  return assembleRegistry({ database, storage: createMemoryStorage(), hasher });
}

/** Paired rounds on SQLite: the registry beside bare statements. */
async function compare(dir: string): Promise<void> {
  const ratios: number[] = [];
  const [ours, bares]: [number[], number[]] = [[], []];
  for (let round = 0; round <= Number(given.rounds); round++) {
    const times = { registry: 0, bare: 0 };
    const order = round % 2 === 0 ? (["bare", "registry"] as const) : (["registry", "bare"] as const);
    for (const side of order) {
      const path = join(dir, `${side}-${round}.db`);
      const registry = await openSqlite(path);
      if (side === "registry") times.registry = await append(registry, caller, PAIRED_EVENTS);
      await registry.close();
      if (side === "bare") times.bare = appendBare(path, hasher, PAIRED_EVENTS / 2, 256);
    }
    // The first round warms up.
    if (round === 0) continue;
    ours.push(times.registry);
    bares.push(times.bare);
    ratios.push(times.bare / times.registry);
  }
  console.log(
    `append, ${given.rounds} paired rounds of ${PAIRED_EVENTS} events: registry ${rate(PAIRED_EVENTS, median(ours))}, ` +
      `bare statements ${rate(PAIRED_EVENTS, median(bares))}, registry/bare ${median(ratios).toFixed(2)} (${spread(ratios)})`,
  );
}

/** Wall and CPU time since it was made, ms. */
function stopwatch(): () => { readonly wall: number; readonly cpu: number } {
  resetPeak();
  const [began, used] = [performance.now(), cpuMilliseconds()];
  return () => ({ wall: performance.now() - began, cpu: cpuMilliseconds() - used });
}

async function measure(registry: Registry): Promise<string[][]> {
  const rows: string[][] = [];
  const row = (what: string, count: number, time: { wall: number; cpu: number }) => {
    const cpu = `${((time.cpu / count) * 1000).toFixed(1)} us`;
    const wall = `${(time.wall / 1000).toFixed(1)} s`;
    rows.push([what, String(count), wall, rate(count, time.wall), cpu, `${Math.round(peakMiB())} MiB`]);
  };
  const appending = stopwatch();
  await append(registry, caller, events);
  const { sequence } = await registry.head(caller);
  row(`append, ${callers} callers`, sequence, appending());

  const verifying = stopwatch();
  const verdict = await registry.verifyEvents(caller);
  row("events verify", sequence, verifying());
  if (!verdict.ok || verdict.events !== sequence) throw new Error("the log does not verify");

  const checking = stopwatch();
  let replayed = { wall: 0, cpu: 0 };
  const onProgress = () => {
    replayed = checking();
  };
  const check = await registry.checkReplay(caller, { onProgress });
  row("replay with hash check, into scratch", sequence, replayed);
  row("replay --check, whole (with two digests of all views)", sequence, checking());
  if (!check.ok || check.events !== sequence) throw new Error("the replayed views differ");
  return rows;
}

const place = workspace();
const server =
  given.database === "postgres" && !process.env.ARTIFACTSTORE_TEST_POSTGRES_URL
    ? await startPostgres(DURABLE)
    : undefined;
try {
  console.log(`${given.database}, ${given.work}; ${conditions()}; hash kernel ${hasher.name}`);
  if (given.database === "sqlite" && given.work === "create") await compare(place.dir);
  const url = server?.url ?? process.env.ARTIFACTSTORE_TEST_POSTGRES_URL ?? "";
  const registry =
    given.database === "sqlite"
      ? await openSqlite(join(place.dir, "registry.db"))
      : await assembleRegistry({
          database: await openPostgresDatabase({ url }),
          storage: createMemoryStorage(),
          hasher,
        });
  const rows = await measure(registry);
  await registry.close();
  printTable(["what", "events", "time", "rate", "CPU an event", "peak memory"], rows);
} finally {
  await server?.stop();
  place.dispose();
}
