#!/usr/bin/env bun
/** argv -> command. Runs on Bun, Deno and Node, and compiled into one file. */
import process from "node:process";
import { Command, CommanderError } from "commander";
import { detectRuntime } from "../adapters/runtime.ts";
import { type Entry, findEntries } from "./commands.ts";
import { type Launch, toCommand } from "./context.ts";
import { EXIT } from "./output.ts";

const runtime = await detectRuntime();
const launch: Launch = {
  runtime,
  stdout: process.stdout,
  stderr: process.stderr,
  setExitCode(code) {
    process.exitCode = code;
  },
};
/** Their modules are loaded at once, and added in their order. */
async function add(parent: Command, entries: readonly Entry[]): Promise<void> {
  const specs = await Promise.all(entries.map((entry) => ("load" in entry ? entry.load() : undefined)));
  for (const [i, entry] of entries.entries()) {
    const spec = specs[i];
    if (spec !== undefined) parent.addCommand(toCommand(spec, launch));
    if ("of" in entry) await add(parent.command(entry.name).description(entry.summary), entry.of);
  }
}

const program = new Command("artifactstore")
  .description("Keeps what a team ships and what proves it: packages of files under one tamper-evident event log.")
  .enablePositionalOptions();
const asksVersion = runtime.args[0] === "-V" || runtime.args[0] === "--version";
const { versionText } = asksVersion ? await import("./commands/version.ts") : {};
program.version((await versionText?.()) ?? "", "-V, --version", "version and commit");
await add(program, findEntries(runtime.args));

const everyCommand = (command: Command): Command[] => [command, ...command.commands.flatMap(everyCommand)];
const json = runtime.args.includes("--json");
for (const command of everyCommand(program)) {
  command.exitOverride().showSuggestionAfterError();
  command.configureOutput({ outputError: (text, write) => write(usageError(text.trimEnd())) });
}

/** What is wrong with the command line, as everything else is said. */
function usageError(text: string): string {
  const message = text.replace(/^error: /, "");
  if (!json) return `artifactstore: ${message}\n`;
  return `${JSON.stringify({ error: { code: "invalid_argument", message, data: {} } })}\n`;
}

try {
  await program.parseAsync([...runtime.args], { from: "user" });
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  // commander has printed help, the version, or what is wrong with the command line
  process.exitCode = error.exitCode === 0 ? EXIT.success : EXIT.usage;
}
