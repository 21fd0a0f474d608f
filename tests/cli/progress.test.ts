import { describe, expect, test } from "bun:test";
import { fileURLToPath } from "node:url";
import { createOutput, type Sink } from "../../cli/output.ts";
import { createMeter, type Reading } from "../../cli/progress/meter.ts";
import { barLine, describe as describeReading, startProgress } from "../../cli/progress.ts";

const FIXTURE = fileURLToPath(new URL("./progress_fixture.ts", import.meta.url));
const MIB = 2 ** 20;

describe("the meter", () => {
  test("tells rate and remaining time from the last ten seconds", () => {
    let now = 0;
    const meter = createMeter(() => now);
    expect(meter.read()).toEqual({
      files: 0,
      files_total: null,
      bytes: 0,
      bytes_total: null,
      fraction: null,
      bytes_per_second: null,
      eta_seconds: null,
    });
    meter.expect({ files: 100, bytes: 1000 * MIB });
    for (let second = 1; second <= 20; second++) {
      now = second * 1000;
      meter.advance({ files: 1, bytes: second <= 10 ? 1 * MIB : 19 * MIB });
    }
    expect(meter.read()).toEqual({
      files: 20,
      files_total: 100,
      bytes: 200 * MIB,
      bytes_total: 1000 * MIB,
      fraction: 0.2,
      bytes_per_second: 19 * MIB,
      eta_seconds: Math.ceil(800 / 19),
    });
  });

  test("counts files where there are no bytes, and stays within 100%", () => {
    let now = 0;
    const meter = createMeter(() => now);
    meter.expect({ files: 4, bytes: 0 });
    now = 1000;
    meter.advance({ files: 2 });
    expect(meter.read()).toMatchObject({ fraction: 0.5, eta_seconds: 1 });
    meter.advance({ files: 3 });
    expect(meter.read()).toMatchObject({ fraction: 1, eta_seconds: 0 });
  });
});

describe("its text", () => {
  const reading: Reading = {
    files: 1234,
    files_total: 5000,
    bytes: 1.5 * 2 ** 30,
    bytes_total: 3 * 2 ** 30,
    fraction: 0.5,
    bytes_per_second: 512 * MIB,
    eta_seconds: 12,
  };

  test("names files, bytes, rate and remaining time", () => {
    expect(describeReading("ingest", reading)).toBe(
      "ingest 50%  1,234/5,000 files  1.5 GiB of 3.0 GiB  512 MiB/s  ETA 0:12",
    );
  });

  test.each([1, 20, 60, 79, 200])("fits into %i columns", (width) => {
    expect(barLine("ingest", reading, width).length).toBeLessThanOrEqual(width);
  });

  test("draws half a bar at 50%", () => {
    expect(barLine("ingest", reading, 120)).toStartWith(`[${"=".repeat(15)}${" ".repeat(15)}] ingest 50%`);
  });
});

/** Waits for what the timer writes, not for a time. */
function nextLine(json: boolean): Promise<string> {
  return new Promise((resolve) => {
    const stderr: Sink = {
      isTTY: json,
      write(data, done) {
        done();
        progress.finish();
        resolve(String(data));
      },
    };
    const output = createOutput({ json, stdout: stderr, stderr });
    const progress = startProgress(output, { label: "ingest", interval: 1, now: () => 0 });
    progress.expect({ files: 2 });
    progress.advance({ files: 1, bytes: 10 });
  });
}

test("progress writes plain lines when stderr is no terminal", async () => {
  expect(await nextLine(false)).toBe("ingest 50%  1/2 files  10 B\n");
});

test("progress writes JSON lines with --json, on a terminal too", async () => {
  expect(JSON.parse(await nextLine(true))).toEqual({
    progress: {
      label: "ingest",
      files: 1,
      files_total: 2,
      bytes: 10,
      bytes_total: null,
      fraction: 0.5,
      bytes_per_second: null,
      eta_seconds: null,
    },
  });
});

test("on a terminal the bar leaves notes and the result untouched, and nothing of itself", async () => {
  let seen = "";
  const decoder = new TextDecoder();
  const child = Bun.spawn([process.execPath, FIXTURE], {
    terminal: { cols: 100, rows: 10, data: (_terminal, data) => (seen += decoder.decode(data, { stream: true })) },
  });
  expect(await child.exited).toBe(0);
  child.terminal?.close();
  expect(seen).toMatch(/\[=+ +\] ingest \d+%/);
  // Only what stays within the line: no cursor saved, hidden or moved up, no wrapping switched off.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what this looks for
  const sequences = new Set(seen.match(/\x1b\[?\??[0-9;]*[a-zA-Z78]/g));
  expect([...sequences].filter((sequence) => !["\x1b[K", "\x1b[2K"].includes(sequence))).toEqual([]);
  expect(screen(seen)).toEqual(["skipped a", "skipped b", "result 1", "result 2", ""]);
});

/** What a terminal shows after carriage returns, line feeds and erasures. */
function screen(text: string): string[] {
  const lines = [""];
  let column = 0;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what this reads
  for (const [token] of text.matchAll(/\x1b\[2?K|[^\x1b]/g)) {
    const line = lines.at(-1) ?? "";
    if (token === "\r") column = 0;
    else if (token === "\n") lines.push("");
    else if (token === "\x1b[2K") lines[lines.length - 1] = "";
    else if (token === "\x1b[K") lines[lines.length - 1] = line.slice(0, column);
    else {
      lines[lines.length - 1] = line.slice(0, column).padEnd(column) + token + line.slice(column + 1);
      column++;
    }
  }
  return lines.map((line) => line.trimEnd());
}
