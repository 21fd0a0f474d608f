/**
 * Progress on stderr: a bar on a terminal, plain lines otherwise, JSON lines with --json. What the command prints in
 * between appears above the bar, and nothing of the bar is left when it ends.
 */
import cliProgress from "cli-progress";
import { formatBytes, formatCount, formatDuration, type Output, type Sink } from "./output.ts";
import { createMeter, type Meter, type Reading, type Step } from "./progress/meter.ts";

export interface Progress {
  /** What is expected; may be called again when more is known. Bytes decide the percentage where there are any. */
  expect(total: { readonly files?: number; readonly bytes?: number }): void;
  advance(done: Step): void;
  /** Call it in `finally`: the bar keeps the process alive until then. */
  finish(): void;
}

export interface ProgressOptions {
  /** What is going on, one word: `ingest`. */
  readonly label: string;
  /** Milliseconds between lines where there is no terminal. */
  readonly interval?: number;
  /** Milliseconds, never going back. */
  readonly now?: () => number;
}

export function startProgress(
  output: Output,
  { label, interval = 5000, now = () => performance.now() }: ProgressOptions,
): Progress {
  const meter = createMeter(now);
  const finish =
    output.stderr.isTTY === true && !output.json
      ? drawBar(output, label, meter)
      : writeLines(output, label, meter, interval);
  return { expect: meter.expect, advance: meter.advance, finish };
}

function writeLines(output: Output, label: string, meter: Meter, interval: number): () => void {
  const timer = setInterval(() => {
    const reading = meter.read();
    if (output.json) output.status({ progress: { label, ...reading } });
    else output.note(describe(label, reading));
  }, interval);
  timer.unref?.();
  return () => clearInterval(timer);
}

function drawBar(output: Output, label: string, meter: Meter): () => void {
  const terminal = new BarTerminal(output.stderr);
  const options: cliProgress.Options & { terminal: BarTerminal } = {
    terminal,
    format: (_options, { maxWidth }) => barLine(label, meter.read(), maxWidth),
    forceRedraw: true,
    clearOnComplete: true,
  };
  const bar = new cliProgress.SingleBar(options);
  output.interruptWith((write) => {
    terminal.clearAll();
    write();
    bar.render();
  });
  bar.start(1, 0);
  return () => {
    output.interruptWith(undefined);
    bar.stop();
  };
}

/**
 * cli-progress's own one jumps back to where the bar began, over lines that were printed meanwhile, and hides the cursor
 * and switches wrapping off, which nobody undoes after a kill -9.
 */
class BarTerminal {
  readonly #sink: Sink;
  constructor(sink: Sink) {
    this.#sink = sink;
  }
  isTTY(): boolean {
    return true;
  }
  /** One less than there is: a full line makes some terminals scroll. */
  getWidth(): number {
    return Math.max(1, (this.#sink.columns || 80) - 1);
  }
  write(text: string): void {
    this.#sink.write(text, () => {});
  }
  cursorTo(): void {
    this.write("\r");
  }
  clearRight(): void {
    this.write("\x1b[K");
  }
  clearLine(): void {
    this.write("\x1b[2K");
  }
  clearAll(): void {
    this.write("\r\x1b[2K");
  }
  newline(): void {
    this.write("\n");
  }
  cursorSave(): void {}
  cursorRestore(): void {}
  cursor(): void {}
  lineWrapping(): void {}
}

/** `ingest 45%  1,234/5,000 files  1.2/3.4 GiB  512 MiB/s  ETA 0:12` */
export function describe(label: string, reading: Reading): string {
  const { fraction, files, files_total, bytes, bytes_total, bytes_per_second, eta_seconds } = reading;
  return [
    fraction === null ? label : `${label} ${Math.floor(fraction * 100)}%`,
    `${formatCount(files)}${files_total === null ? "" : `/${formatCount(files_total)}`} files`,
    bytes_total === null ? formatBytes(bytes) : `${formatBytes(bytes)} of ${formatBytes(bytes_total)}`,
    ...(bytes_per_second === null ? [] : [`${formatBytes(bytes_per_second)}/s`]),
    ...(eta_seconds === null ? [] : [`ETA ${formatDuration(eta_seconds)}`]),
  ].join("  ");
}

export function barLine(label: string, reading: Reading, width: number): string {
  const text = describe(label, reading);
  const room = Math.min(30, width - text.length - 3);
  if (reading.fraction === null || room < 5) return text.slice(0, width);
  const full = Math.floor(reading.fraction * room);
  return `[${"=".repeat(full)}${" ".repeat(room - full)}] ${text}`;
}
