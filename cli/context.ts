/** What every command works with, and how a command becomes one of commander's. */
import { Command, Option } from "commander";
import { parseDuration } from "../core/base/duration.ts";
import { isRegistryError, messageOf, RegistryError } from "../core/base/errors.ts";
import type { Runtime } from "../core/spi/runtime.ts";
import { type Composed, type ComposeOptions, compose } from "./compose.ts";
import { type Config, type ConfigFlags, configFlags, loadConfig } from "./config.ts";
import type { Opened } from "./door.ts";
import { createOutput, EXIT, type ExitCode, type Output } from "./output.ts";

export interface CommandContext {
  readonly runtime: Runtime;
  readonly output: Output;
  readonly config: Config;
  /** Aborted by Ctrl-C or SIGTERM. */
  readonly signal: AbortSignal;
  /**
   * Opens the registry, of this machine or behind the server that is named; closed when the command ends, however it
   * ends.
   */
  open(): Promise<Opened>;
  /** Opens this machine's, whatever server is named. */
  openHere(options?: Pick<ComposeOptions, "hashBeside">): Promise<Composed>;
}

/** For `--concurrency` and the like. @throws {RegistryError} `invalid_argument` */
export function wholeNumber(flag: string, given: unknown, least: number, most: number): number {
  const value = /^[0-9]{1,15}$/.test(String(given)) ? Number(given) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new RegistryError(
    "invalid_argument",
    `${flag} takes a whole number from ${least} to ${most}, not ${JSON.stringify(given)}`,
  );
}

/** For `--grace` and the like, in milliseconds. @throws {RegistryError} `invalid_argument` */
export function duration(flag: string, given: unknown): number {
  try {
    return parseDuration(String(given));
  } catch (error) {
    throw new RegistryError("invalid_argument", `${flag}: ${messageOf(error)}`);
  }
}

type Options = Readonly<Record<string, unknown>>;

/** One command: its words, its own options, and what it does. Answers the exit code. */
export interface CommandSpec {
  /** `ingest <directory>`, as commander writes it. */
  readonly usage: string;
  readonly summary: string;
  readonly alias?: string;
  readonly options?: readonly Option[];
  /**
   * It works on the database, the files or the processes of the machine itself. `--server` is refused then; a server
   * that the environment or the file names is for other commands and passed over.
   */
  readonly here?: true;
  run(context: CommandContext, args: readonly string[], options: Options): Promise<ExitCode | undefined>;
}

export function option(flags: string, description: string, fallback?: unknown): Option {
  const made = new Option(flags, description);
  return fallback === undefined ? made : made.default(fallback);
}

/** An option that may be given many times; always a list. */
export function repeated(flags: string, description: string): Option {
  return new Option(flags, description).default([], "none").argParser((value, list: string[]) => [...list, value]);
}

export interface Launch {
  readonly runtime: Runtime;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  setExitCode(code: ExitCode): void;
}

export function toCommand(spec: CommandSpec, launch: Launch): Command {
  const command = new Command().name(spec.usage.split(" ")[0] as string).description(spec.summary);
  for (const argument of spec.usage.split(" ").slice(1)) command.argument(argument);
  if (spec.alias !== undefined) command.alias(spec.alias);
  for (const own of spec.options ?? []) command.addOption(own);
  command.option("--json", "machine-readable: results as JSON on stdout, the rest as JSON lines on stderr");
  for (const { flags, help } of configFlags) command.optionsGroup("Settings:").option(flags, help);
  command.action(async (...given: unknown[]) => {
    const options = command.opts() as Options;
    launch.setExitCode(
      await runCommand(spec, launch, command.processedArgs.filter((a) => a !== undefined) as string[], options),
    );
    void given;
  });
  return command;
}

/** @throws {RegistryError} `invalid_argument` */
function refuseServer(config: Config): void {
  const named = config.sources.find(({ key }) => key === "client.server");
  if (named?.rank !== "flag") return;
  throw new RegistryError(
    "invalid_argument",
    "This command works on the machine that it runs on: run it where the server runs, without --server",
    { server: named.value },
  );
}

/** Milliseconds within which a signal is the first one again: on a busy machine npm takes its time to pass it on. */
const SAME_SIGNAL = 1000;

async function runCommand(
  spec: CommandSpec,
  launch: Launch,
  args: readonly string[],
  options: Options,
): Promise<ExitCode> {
  const abort = new AbortController();
  let unread = false;
  const output = createOutput({
    json: options.json === true,
    stdout: launch.stdout,
    stderr: launch.stderr,
    onClosed() {
      unread = true;
      abort.abort(new RegistryError("cancelled", "Nobody reads the output any more"));
    },
  });
  // The first signal asks, the second one insists. Below npm one Ctrl-C comes twice: from the terminal and from npm.
  let told: number | undefined;
  const stopListening = launch.runtime.onSignal(() => {
    const now = performance.now();
    told ??= now;
    if (now - told > SAME_SIGNAL) launch.runtime.exit(EXIT.interrupted);
    abort.abort(new RegistryError("cancelled", "interrupted"));
  });
  const opened: Opened[] = [];
  let trace = false;
  let code: ExitCode;
  try {
    const { runtime } = launch;
    const config = loadConfig({ flags: options as ConfigFlags, env: runtime.env, cwd: runtime.cwd() });
    trace = config.log.level === "debug";
    if (spec.here === true) refuseServer(config);
    const openHere: CommandContext["openHere"] = async (how) => {
      const composed = await compose(config, runtime, { ...how, signal: abort.signal });
      opened.push(composed);
      return composed;
    };
    const context: CommandContext = {
      runtime,
      output,
      config,
      signal: abort.signal,
      openHere,
      async open() {
        const { server } = config.client;
        if (server === undefined) return await openHere();
        // Loaded when it is wanted, as drivers are.
        const { openRemote } = await import("./remote/mod.ts");
        const remote = await openRemote(server, abort.signal);
        opened.push(remote);
        return remote;
      },
    };
    code = (await spec.run(context, args, options)) ?? EXIT.success;
  } catch (error) {
    // `artifactstore ls | head`: whoever asked has what they wanted.
    const cancelled = abort.signal.aborted && isRegistryError(error, "cancelled");
    code = unread && cancelled ? EXIT.success : output.error(cancelled ? abort.signal.reason : error, { trace });
  } finally {
    for (const composed of opened) await composed.close().catch(() => {});
    await output.flush();
    // Last: a signal that comes again while the database is being closed must not kill.
    stopListening();
  }
  // Whoever is told to end ends, whatever still runs: `bun --watch` for one waits for the next edit.
  if (told !== undefined) launch.runtime.exit(code);
  return code;
}
