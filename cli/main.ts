#!/usr/bin/env bun
/** argv -> command. Runs on Bun, Deno and Node, and compiled into one file. */
import process from "node:process";
import { Command, CommanderError } from "commander";
import { detectRuntime } from "../adapters/runtime.ts";
import { adapterVerify } from "./commands/adapter.ts";
import { configShow } from "./commands/config.ts";
import { doctor } from "./commands/doctor.ts";
import { eventsHead, eventsTail, eventsVerify } from "./commands/events.ts";
import { exportOci } from "./commands/export_oci.ts";
import { fetchPackage } from "./commands/fetch.ts";
import { health } from "./commands/health.ts";
import { importOci } from "./commands/import_oci.ts";
import { ingest } from "./commands/ingest.ts";
import { ls, manifest, show } from "./commands/inspect.ts";
import { migrateCommand } from "./commands/migrate.ts";
import { pushCommand } from "./commands/push.ts";
import { replay } from "./commands/replay.ts";
import { repoDelete, repoList, repoShow } from "./commands/repo.ts";
import { rulesSet, rulesShow, rulesTest } from "./commands/repo_rules.ts";
import { tagHistory, tagRestore } from "./commands/repo_tag.ts";
import { serve } from "./commands/serve.ts";
import { verify } from "./commands/verify.ts";
import { versionCommand, versionText } from "./commands/version.ts";
import { type CommandSpec, type Launch, toCommand } from "./context.ts";
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
const add = (parent: Command, ...specs: readonly CommandSpec[]) => {
  for (const spec of specs) parent.addCommand(toCommand(spec, launch));
};

const program = new Command("artifactstore")
  .description("Keeps what a team ships and what proves it: packages of files under one tamper-evident event log.")
  .version(versionText(), "-V, --version", "version and commit")
  .enablePositionalOptions();
add(program, ingest, pushCommand, show, ls, manifest, fetchPackage, verify, importOci, exportOci);
const events = program.command("events").description("the event log");
add(events, eventsTail, eventsVerify, eventsHead);
add(program, replay, doctor, migrateCommand, serve, health);
const repo = program.command("repo").description("repositories of images and artifacts");
add(repo, repoList, repoShow, repoDelete);
add(repo.command("tag").description("what tags point at, and pointed at"), tagHistory, tagRestore);
add(repo.command("rules").description("which tags are immutable"), rulesShow, rulesSet, rulesTest);
add(program.command("adapter").description("storage adapters"), adapterVerify);
add(program.command("config").description("the effective configuration"), configShow);
add(program, versionCommand);

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
