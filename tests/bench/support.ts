/** What the benchmarks share: options, medians, memory, places for their files. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

/** `--name value` options, all of them with a default. */
export function options<T extends Readonly<Record<string, string>>>(defaults: T): T {
  const known = Object.fromEntries(
    Object.entries(defaults).map(([n, d]) => [n, { type: "string", default: d }] as const),
  );
  return parseArgs({ options: known }).values as T;
}

export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** `lowest-highest`, to show how noisy the machine was. */
export function spread(numbers: readonly number[], digits = 2): string {
  return `${Math.min(...numbers).toFixed(digits)}-${Math.max(...numbers).toFixed(digits)}`;
}

/** An empty directory that goes away with `dispose()`. `BENCH_DIR` says on which file system. */
export function workspace(): { readonly dir: string; dispose(): void } {
  const dir = mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), "artifactstore-bench-"));
  return { dir, dispose: () => rmSync(dir, { recursive: true, force: true }) };
}

/** What a figure depends on besides the program; other people's load above all. */
export function conditions(): string {
  const [minute = 0, quarter = 0] = loadavg();
  const model = cpus()[0]?.model ?? "unknown processor";
  return `Bun ${Bun.version}, ${cpus().length} x ${model}, load ${minute.toFixed(1)} (1 min) ${quarter.toFixed(1)} (5 min)`;
}

/** CPU time of this process so far, all threads, ms. */
export function cpuMilliseconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Forgets the highest memory so far, so that the next {@link peakMiB} is of what follows. Linux only. */
export function resetPeak(): void {
  try {
    writeFileSync("/proc/self/clear_refs", "5");
  } catch {
    // Elsewhere the peak is the whole process's.
  }
}

/** Highest resident memory since {@link resetPeak}, MiB. */
export function peakMiB(): number {
  try {
    const line = /VmHWM:\s*(\d+) kB/.exec(readFileSync("/proc/self/status", "utf8"));
    if (line !== null) return Number(line[1]) / 1024;
  } catch {
    // Not Linux.
  }
  return process.resourceUsage().maxRSS / 1024;
}

export function rate(count: number, milliseconds: number): string {
  return `${Math.round((count / milliseconds) * 1000).toLocaleString("en")}/s`;
}

/** Rows as a Markdown table, so that a run can be pasted into docs/performance.md. */
export function printTable(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  console.log([line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n"));
}
