/**
 * `node:sqlite` against `bun:sqlite`, both in Bun: is one driver for every runtime fast enough? Run with
 * `bun tests/bench/sqlite_driver.ts`. Same file layout, same pragmas, same statements, paired runs in alternating
 * order; prints the medians and their ratio (below 1: `node:sqlite` is faster).
 */
import { Database as BunDatabase } from "bun:sqlite";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

const ROUNDS = 7;
const GROUPS = 400;
const ROWS = 256;
const SELECTS = 50_000;
const PRAGMAS = ["journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "mmap_size = 0"];
const COLUMNS =
  "id integer primary key, a text, b text, c text, n integer, d text, e text, f text, g blob, h blob, i blob";

type Value = string | number | bigint | Uint8Array | null;
interface Statement {
  run(...values: Value[]): unknown;
  all(...values: Value[]): unknown[];
}
interface Driver {
  exec(sql: string): unknown;
  prepare(sql: string): Statement;
  close(): void;
}

const drivers: Readonly<Record<string, (path: string) => Driver>> = {
  "node:sqlite": (path) => new DatabaseSync(path) as Driver,
  "bun:sqlite": (path) => new BunDatabase(path, { create: true }) as unknown as Driver,
};

/** Milliseconds. */
interface Times {
  readonly insert: number;
  readonly select: number;
}

function measure(open: (path: string) => Driver): Times {
  const dir = mkdtempSync(join(tmpdir(), "artifactstore-bench-"));
  const db = open(join(dir, "bench.db"));
  try {
    for (const pragma of PRAGMAS) db.exec(`PRAGMA ${pragma}`);
    db.exec(`create table event (${COLUMNS})`);
    db.exec("create unique index event_a on event (a)");
    const insert = db.prepare(`insert into event values ${Array(ROWS).fill("(?,?,?,?,?,?,?,?,?,?,?)").join(",")}`);
    const groups = Array.from({ length: GROUPS }, (_, group) => values(group));

    let began = performance.now();
    for (const group of groups) {
      db.exec("begin immediate");
      insert.run(...group);
      db.exec("commit");
    }
    const inserted = performance.now() - began;

    const select = db.prepare("select id, a, b, n, g, h from event where id = ?");
    began = performance.now();
    for (let i = 0; i < SELECTS; i++) {
      const rows = select.all((i * 7919) % (GROUPS * ROWS));
      if (rows.length !== 1) throw new Error("a row is missing");
    }
    return { insert: inserted, select: performance.now() - began };
  } finally {
    db.close();
    rmSync(dir, { recursive: true, force: true });
  }
}

function values(group: number): Value[] {
  const out: Value[] = [];
  for (let row = 0; row < ROWS; row++) {
    const id = group * ROWS + row;
    const unique = `0192f3a4-${id.toString(16).padStart(8, "0")}`;
    const blob = new Uint8Array(32).fill(id);
    out.push(id, unique, "v1.package.file_ingested", "default", id, unique, "local:root", "2026-11-21T10:40:00.000Z");
    out.push(blob, blob, new Uint8Array(200).fill(id));
  }
  return out;
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? Number.NaN;
}

const results = new Map<string, Times[]>(Object.keys(drivers).map((name) => [name, []]));
for (let round = -1; round < ROUNDS; round++) {
  const order = Object.keys(drivers);
  if (round % 2 === 0) order.reverse();
  for (const name of order) {
    const times = measure(drivers[name] as (path: string) => Driver);
    // The first round warms up files and the JIT.
    if (round >= 0) results.get(name)?.push(times);
  }
}

const of = (name: string, what: keyof Times) => median((results.get(name) ?? []).map((times) => times[what]));
console.log(`Bun ${Bun.version}, ${ROUNDS} paired rounds, medians`);
for (const [what, label, units] of [
  ["insert", `insert ${GROUPS} groups of ${ROWS} rows x 11, one commit each`, GROUPS * ROWS],
  ["select", `${SELECTS} point selects`, SELECTS],
] as const) {
  const [node, bun] = [of("node:sqlite", what), of("bun:sqlite", what)];
  const rate = (ms: number) => `${ms.toFixed(0)} ms (${Math.round((units / ms) * 1000).toLocaleString("en")}/s)`;
  console.log(`${label}: node:sqlite ${rate(node)}, bun:sqlite ${rate(bun)}, ratio ${(node / bun).toFixed(2)}`);
}
