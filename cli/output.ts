/**
 * What a command says. Results go to stdout: text, or with --json one JSON document a line. Everything else (notes,
 * progress, errors) goes to stderr, with --json as one JSON object a line. So `artifactstore ... --json | jq` works.
 */
import { isRegistryError, messageOf } from "../core/base/errors.ts";
import { type ExitCode, exitCodeFor, HINTS } from "./output/exit_codes.ts";

export { EXIT, type ExitCode, exitCodeFor } from "./output/exit_codes.ts";
export { type Column, formatBytes, formatCount, formatDuration, printable, table } from "./output/format.ts";

/** The part of a Node stream that is used; all three runtimes' `process.stdout` have it. */
export interface Sink {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(data: string | Uint8Array, done: (error?: Error | null) => void): unknown;
  on?(event: "error", listener: (error: Error) => void): unknown;
}

export interface OutputOptions {
  readonly json: boolean;
  readonly stdout: Sink;
  readonly stderr: Sink;
  /** The reader of stdout went away (`artifactstore ls | head`). Nothing is wrong; the command may stop. */
  readonly onClosed?: () => void;
}

export interface Output {
  readonly json: boolean;
  readonly stderr: Sink;
  /** A result: `data` with --json, else the lines. Names from outside must have gone through `printable()`. */
  print(data: unknown, lines: () => readonly string[]): void;
  /** Raw bytes to stdout. Resolves when they are handed on: await it, and memory stays bounded. */
  bytes(chunk: Uint8Array): Promise<void>;
  /** A remark for people on stderr. */
  note(message: string, data?: Readonly<Record<string, unknown>>): void;
  /** One JSON line on stderr; nothing without --json. */
  status(data: Readonly<Record<string, unknown>>): void;
  /** Says what went wrong and gives the exit code for it. `trace`: with the stack, for debugging. */
  error(error: unknown, options?: { readonly trace?: boolean }): ExitCode;
  /** Whoever draws on the terminal: its hook clears the drawing, calls `write`, and draws again. */
  interruptWith(hook: ((write: () => void) => void) | undefined): void;
  /** Resolves when everything is written out. Call it before the process ends: pipes are asynchronous in places. */
  flush(): Promise<void>;
}

export function createOutput({ json, stdout, stderr, onClosed = () => {} }: OutputOptions): Output {
  let closed = false;
  let pending = 0;
  let waiting: (() => void)[] = [];
  let interrupt: ((write: () => void) => void) | undefined;
  // A broken pipe also comes as an event, which would end the process if nobody listened.
  stdout.on?.("error", () => {});
  stderr.on?.("error", () => {});

  function write(sink: Sink, data: string | Uint8Array, written: () => void = () => {}): void {
    pending++;
    const start = () =>
      sink.write(data, (error) => {
        if (error && sink === stdout && !closed) {
          closed = true;
          onClosed();
        }
        written();
        if (--pending > 0) return;
        for (const resolve of waiting) resolve();
        waiting = [];
      });
    if (interrupt) interrupt(start);
    else start();
  }
  const lines = (sink: Sink, text: readonly string[]) => {
    if (text.length > 0) write(sink, `${text.join("\n")}\n`);
  };

  return {
    json,
    stderr,
    print: (data, text) => lines(stdout, json ? [toJson(data)] : text()),
    bytes: (chunk) => new Promise((resolve) => write(stdout, chunk, resolve)),
    note: (message, data = {}) => lines(stderr, [json ? toJson({ note: { message, ...data } }) : message]),
    status(data) {
      if (json) lines(stderr, [toJson(data)]);
    },
    error(error, { trace = false } = {}) {
      lines(stderr, json ? [toJson({ error: describe(error, trace) })] : explain(error, trace));
      return exitCodeFor(error);
    },
    interruptWith(hook) {
      interrupt = hook;
    },
    flush: () => (pending === 0 ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve))),
  };
}

interface ErrorDescription {
  readonly code: string;
  readonly message: string;
  readonly data: unknown;
  readonly hint?: string;
  readonly stack?: string;
}

function describe(error: unknown, trace: boolean): ErrorDescription {
  const known = isRegistryError(error) ? error : undefined;
  const hint = known && HINTS[known.code];
  const stack = trace && error instanceof Error ? error.stack : undefined;
  return {
    code: known?.code ?? "internal",
    message: messageOf(error),
    data: known?.data ?? {},
    ...(hint === undefined ? {} : { hint }),
    ...(stack === undefined ? {} : { stack }),
  };
}

function explain(error: unknown, trace: boolean): string[] {
  const { code, message, hint, stack } = describe(error, trace);
  const [first = "", ...more] = message.split("\n");
  return [
    `artifactstore: ${code === "internal" ? "internal error: " : ""}${first}`,
    ...more.map((line) => `  ${line}`),
    ...(hint === undefined ? [] : [`hint: ${hint}`]),
    ...(stack === undefined ? [] : [stack]),
  ];
}

/** Error data may hold anything; an error about an error helps nobody. */
function toJson(data: unknown): string {
  return JSON.stringify(data, (_key, value: unknown) => {
    if (typeof value === "bigint") return value.toString();
    return value instanceof Error ? value.message : value;
  });
}
