/**
 * Every command, in the order of help. A command's module is loaded when it is asked for: to load all of them, with
 * what they import, takes longer than most of them take to do their work.
 */
import type { CommandSpec } from "./context.ts";

/** A command, or a word with commands below it. */
export type Entry =
  | { readonly name: string; readonly alias?: string; load(): Promise<CommandSpec> }
  | { readonly name: string; readonly summary: string; readonly of: readonly Entry[] };

export const COMMANDS: readonly Entry[] = [
  { name: "ingest", load: async () => (await import("./commands/ingest.ts")).ingest },
  { name: "push", load: async () => (await import("./commands/push.ts")).pushCommand },
  { name: "show", load: async () => (await import("./commands/inspect.ts")).show },
  { name: "ls", load: async () => (await import("./commands/inspect.ts")).ls },
  { name: "manifest", load: async () => (await import("./commands/inspect.ts")).manifest },
  { name: "fetch", load: async () => (await import("./commands/fetch.ts")).fetchPackage },
  { name: "verify", load: async () => (await import("./commands/verify.ts")).verify },
  { name: "import-oci", load: async () => (await import("./commands/import_oci.ts")).importOci },
  { name: "export-oci", load: async () => (await import("./commands/export_oci.ts")).exportOci },
  {
    name: "events",
    summary: "the event log",
    of: [
      { name: "tail", load: async () => (await import("./commands/events.ts")).eventsTail },
      { name: "verify", load: async () => (await import("./commands/events.ts")).eventsVerify },
      { name: "head", load: async () => (await import("./commands/events.ts")).eventsHead },
    ],
  },
  { name: "replay", load: async () => (await import("./commands/replay.ts")).replay },
  { name: "doctor", load: async () => (await import("./commands/doctor.ts")).doctor },
  { name: "migrate", load: async () => (await import("./commands/migrate.ts")).migrateCommand },
  { name: "serve", alias: "server", load: async () => (await import("./commands/serve.ts")).serve },
  { name: "health", load: async () => (await import("./commands/health.ts")).health },
  {
    name: "repo",
    summary: "repositories of images and artifacts",
    of: [
      { name: "list", load: async () => (await import("./commands/repo.ts")).repoList },
      { name: "show", load: async () => (await import("./commands/repo.ts")).repoShow },
      { name: "delete", load: async () => (await import("./commands/repo.ts")).repoDelete },
      {
        name: "tag",
        summary: "what tags point at, and pointed at",
        of: [
          { name: "history", load: async () => (await import("./commands/repo_tag.ts")).tagHistory },
          { name: "restore", load: async () => (await import("./commands/repo_tag.ts")).tagRestore },
        ],
      },
      {
        name: "rules",
        summary: "which tags are immutable",
        of: [
          { name: "show", load: async () => (await import("./commands/repo_rules.ts")).rulesShow },
          { name: "set", load: async () => (await import("./commands/repo_rules.ts")).rulesSet },
          { name: "test", load: async () => (await import("./commands/repo_rules.ts")).rulesTest },
        ],
      },
    ],
  },
  {
    name: "adapter",
    summary: "storage adapters",
    of: [{ name: "verify", load: async () => (await import("./commands/adapter.ts")).adapterVerify }],
  },
  {
    name: "config",
    summary: "the effective configuration",
    of: [{ name: "show", load: async () => (await import("./commands/config.ts")).configShow }],
  },
  { name: "version", load: async () => (await import("./commands/version.ts")).versionCommand },
];

/** The one that the command line begins with; all of them for help, and for a word that is nearly one of them. */
export function findEntries([first]: readonly string[]): readonly Entry[] {
  const found = COMMANDS.find((entry) => entry.name === first || ("alias" in entry && entry.alias === first));
  return found === undefined ? COMMANDS : [found];
}
