/** Collects what flags, environment and TOML say, without judging the values yet. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { parse, TomlError } from "smol-toml";
import { messageOf } from "../../core/base/errors.ts";
import { ENV_EXEMPT, ENV_EXEMPT_PREFIXES, ENV_PREFIX, findSetting, type SettingKey, settings } from "./schema.ts";
import { nearest } from "./suggest.ts";
import { showValue } from "./values.ts";

export type Rank = "flag" | "environment" | "file" | "default";

/** One value from one place. */
export interface Candidate {
  readonly key: SettingKey;
  readonly value: unknown;
  readonly rank: Rank;
  /** For people: `flag --listen`, `environment variable ARTIFACTSTORE_LISTEN`, `./artifactstore.toml`. */
  readonly from: string;
}

/** What the command line parser hands over. */
export interface ConfigFlags {
  readonly config?: string;
  readonly server?: string;
  readonly listen?: string;
  readonly dataDir?: string;
  readonly databaseUrl?: string;
  readonly storageUrl?: string;
  readonly logLevel?: string;
  /** `section.key=value`, repeatable. */
  readonly set?: readonly string[];
}

/** For the command line parser: the flags that every command takes, in the order in which help shows them. */
export const configFlags = [
  {
    option: "config",
    flags: "--config <file>",
    key: undefined,
    help: "TOML file (default: ./artifactstore.toml if there)",
  },
  {
    option: "server",
    flags: "--server <url>",
    key: "client.server",
    help: "work through this server instead of on this machine's data",
  },
  { option: "listen", flags: "--listen <host:port>", key: "server.listen", help: "address to serve on" },
  { option: "dataDir", flags: "--data-dir <path>", key: "data.dir", help: "directory for everything kept here" },
  {
    option: "databaseUrl",
    flags: "--database-url <url>",
    key: "database.url",
    help: "sqlite:///path or postgres://...",
  },
  { option: "storageUrl", flags: "--storage-url <url>", key: "storage.url", help: "file:///path" },
  { option: "logLevel", flags: "--log-level <level>", key: "log.level", help: "debug, info, warn or error" },
  { option: "set", flags: "--set <section.key=value...>", key: undefined, help: "any other setting; may be repeated" },
] as const satisfies readonly {
  option: keyof ConfigFlags;
  flags: string;
  key: SettingKey | undefined;
  help: string;
}[];

export type Problems = string[];

export function fromFlags(flags: ConfigFlags, problems: Problems): Candidate[] {
  const found: Candidate[] = [];
  for (const { option, flags: usage, key } of configFlags) {
    const value = flags[option];
    if (key !== undefined && value !== undefined) {
      found.push({ key, value, rank: "flag", from: `flag ${usage.split(" ")[0]}` });
    }
  }
  for (const item of flags.set ?? []) {
    const split = item.indexOf("=");
    const name = split < 0 ? item : item.slice(0, split);
    const setting = findSetting(name);
    if (split < 0 || setting === undefined) {
      const hint =
        split < 0 ? "wanted section.key=value" : `there is no setting ${showValue(name)}${suggestion(name, keys)}`;
      problems.push(`flag --set ${showValue(item)}: ${hint}`);
    } else {
      found.push({ key: setting.key, value: item.slice(split + 1), rank: "flag", from: `flag --set ${setting.key}` });
    }
  }
  return found;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** An empty variable counts as not set: compose files and shells often leave them so. */
export function fromEnvironment(env: Environment, problems: Problems): Candidate[] {
  const known = new Map(settings.flatMap(({ key, env: names }) => names.map((name) => [name, key] as const)));
  const found: Candidate[] = [];
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith(ENV_PREFIX) || value === undefined) continue;
    if (ENV_EXEMPT.includes(name) || ENV_EXEMPT_PREFIXES.some((prefix) => name.startsWith(prefix))) continue;
    const key = known.get(name);
    const from = `environment variable ${name}`;
    if (key === undefined) problems.push(`${from}: there is no such setting${suggestion(name, [...known.keys()])}`);
    else if (value !== "") found.push({ key, value, rank: "environment", from });
  }
  return found;
}

export function fromToml(path: string, shown: string, problems: Problems): Candidate[] {
  let document: Record<string, unknown>;
  try {
    document = parse(readFileSync(path, "utf8"));
  } catch (error) {
    problems.push(`${shown}: ${tomlProblem(error)}`);
    return [];
  }
  const found: Candidate[] = [];
  const sections = [...new Set(settings.map(({ section }) => section))];
  for (const [section, table] of Object.entries(document)) {
    if (!sections.includes(section)) {
      // A key without its table is the usual slip: name the whole path that was probably meant.
      problems.push(`${shown}: there is no section [${section}]${suggestion(section, [...sections, ...keys])}`);
    } else if (!isTable(table)) {
      problems.push(`${shown}: ${section} is ${showValue(table)}; wanted a table, written as [${section}]`);
    } else {
      for (const [name, value] of Object.entries(table)) {
        const setting = findSetting(`${section}.${name}`);
        if (setting) found.push({ key: setting.key, value, rank: "file", from: shown });
        else problems.push(`${shown}: there is no setting ${section}.${name}${suggestion(`${section}.${name}`, keys)}`);
      }
    }
  }
  return found;
}

/** The library's message shows the line at fault, which may hold a password: only say where and why. */
function tomlProblem(error: unknown): string {
  if (error instanceof TomlError) {
    const reason = (error.message.split("\n")[0] ?? "").replace(/^Invalid TOML document: /, "");
    return `not valid TOML at line ${error.line}, column ${error.column}: ${reason}`;
  }
  const code = (error as { code?: unknown }).code;
  if (code === "ENOENT") return "there is no such file; wanted the path of a TOML file";
  return `cannot be read: ${messageOf(error)}`;
}

/**
 * `./.env`, as Bun reads it by itself, so that Node and Deno see the same: only our own names, and only those that the
 * real environment does not set.
 */
export function withDotEnv(env: Environment, cwd: string): Environment {
  let text: string;
  try {
    text = readFileSync(resolve(cwd, ".env"), "utf8");
  } catch {
    return env;
  }
  return { ...parseDotEnv(text), ...env };
}

/** `KEY=value` lines; quotes round a value are dropped, and so is a comment after an unquoted one. */
export function parseDotEnv(text: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const line of text.split(/\r?\n/)) {
    const [, name, rest = ""] = /^\s*(?:export\s+)?(ARTIFACTSTORE_\w+)\s*=\s*(.*)$/.exec(line) ?? [];
    if (name === undefined) continue;
    const quoted = /^(["'])(.*?)\1/.exec(rest);
    found[name] = quoted?.[2] ?? rest.replace(/(^|\s)#.*$/, "").trim();
  }
  return found;
}

const keys: readonly string[] = settings.map(({ key }) => key);
const isTable = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);

function suggestion(name: string, among: readonly string[]): string {
  const match = nearest(name, among);
  return match === undefined ? "" : `; did you mean ${match}?`;
}
