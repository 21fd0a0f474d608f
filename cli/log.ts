/** The log of the server: one line an entry, on stderr. */
import type { Sink } from "./output.ts";

const LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof LEVELS)[number];

export interface Log {
  /** `text` for people, `data` for machines; which of them is written is a setting. Neither may hold a secret. */
  (level: LogLevel, text: string, data: Readonly<Record<string, unknown>>): void;
  /** For who says much: whether anything of this level is written at all. */
  writes(level: LogLevel): boolean;
  /** Resolves when everything is written. */
  flush(): Promise<void>;
}

export interface LogOptions {
  readonly level: LogLevel;
  readonly format: "text" | "json";
  readonly sink: Sink;
}

/** Lines are gathered for this many milliseconds: a write each would cost a busy server more than the request. */
const GATHER = 20;

export function createLog({ level: least, format, sink }: LogOptions): Log {
  let gathered: string[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  const write = (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    if (gathered.length === 0) return Promise.resolve();
    const text = `${gathered.join("\n")}\n`;
    gathered = [];
    // Nobody reads: the server goes on.
    return new Promise((resolve) => void sink.write(text, () => resolve()));
  };
  const writes = (level: LogLevel) => LEVELS.indexOf(level) >= LEVELS.indexOf(least);
  const log = (level: LogLevel, text: string, data: Readonly<Record<string, unknown>>) => {
    if (!writes(level)) return;
    const time = new Date().toISOString();
    gathered.push(format === "json" ? JSON.stringify({ time, level, ...data }) : `${time} ${level} ${text}`);
    timer ??= setTimeout(write, GATHER);
  };
  return Object.assign(log, { flush: write, writes });
}
