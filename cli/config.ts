/**
 * Configuration: flags > environment > TOML file > defaults. One schema (`config/schema.ts`) names every setting;
 * whatever is wrong is reported at once, as one `config_invalid`.
 */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { RegistryError } from "../core/base/errors.ts";
import { type RawSettings, type Setting, type SettingKey, settings } from "./config/schema.ts";
import {
  type Candidate,
  type ConfigFlags,
  type Environment,
  fromEnvironment,
  fromFlags,
  fromToml,
  type Problems,
  type Rank,
  withDotEnv,
} from "./config/sources.ts";
import {
  type DatabaseTarget,
  isLoopback,
  type ListenAddress,
  maskSecrets,
  parseDatabaseUrl,
  parseListen,
  parseStorageUrl,
  type StorageTarget,
  showValue,
  urlOfPath,
} from "./config/values.ts";

export { type SettingKey, settings } from "./config/schema.ts";
export { type ConfigFlags, configFlags, type Environment } from "./config/sources.ts";
export { type DatabaseTarget, type ListenAddress, parseStorageUrl, type StorageTarget } from "./config/values.ts";

/** Where one effective value came from. */
export interface SettingSource {
  readonly key: SettingKey;
  /** The effective value; passwords masked, paths and URLs absolute. */
  readonly value: unknown;
  readonly rank: Rank;
  /** For people: `flag --listen`, `environment variable ARTIFACTSTORE_LISTEN`, a file, `default`. */
  readonly from: string;
}

export interface Config {
  /** Times in seconds, paths absolute. */
  readonly server: Omit<RawSettings["server"], "listen"> & { readonly listen: ListenAddress };
  /** `server`: an http(s) URL without a slash at its end. */
  readonly client: RawSettings["client"];
  /** Absolute path. */
  readonly data: { readonly dir: string };
  readonly database: DatabaseTarget;
  readonly storage: StorageTarget;
  readonly log: RawSettings["log"];
  /** Sizes in bytes. */
  readonly limits: RawSettings["limits"];
  readonly reads: RawSettings["reads"];
  readonly oci: RawSettings["oci"];
  /** The TOML file that was read. */
  readonly file?: string;
  /** Every setting in the order of the schema, for `config show`. */
  readonly sources: readonly SettingSource[];
}

export interface ConfigInput {
  readonly flags?: ConfigFlags;
  readonly env: Environment;
  /** Relative paths, `./artifactstore.toml` and `./.env` are looked up here. Absolute. */
  readonly cwd: string;
}

const RANKS: readonly Rank[] = ["flag", "environment", "file", "default"];

/** A value that passed its own check. `url`s and paths are made absolute, so that equal targets compare equal. */
interface Checked extends Candidate {
  readonly parsed: unknown;
}

/**
 * Reads and checks the configuration. Throws `config_invalid` with every problem in the message, one a line, and in
 * `data.problems`. Touches nothing but the TOML file and `.env`.
 */
export function loadConfig(input: ConfigInput): Config {
  const problems: Problems = [];
  const env = withDotEnv(input.env, input.cwd);
  const file = findFile(input, env);
  const candidates = [
    ...fromFlags(input.flags ?? {}, problems),
    ...fromEnvironment(env, problems),
    ...(file === undefined ? [] : fromToml(file.path, file.shown, problems)),
  ];
  const checked = candidates.flatMap((candidate) => check(candidate, input.cwd, problems));
  rejectDisagreement(checked, problems);
  if (problems.length > 0) throw invalid(problems);

  const chosen = new Map<SettingKey, Checked>();
  for (const setting of settings) chosen.set(setting.key, choose(setting, checked, input.cwd));
  derive(chosen);
  const config = assemble(chosen, file?.path);
  rejectExposure(config, chosen.get("server.listen") as Checked, problems);
  if (problems.length > 0) throw invalid(problems);
  return config;
}

function invalid(problems: Problems): RegistryError {
  return new RegistryError("config_invalid", problems.join("\n"), { problems: [...problems] });
}

/** Half a certificate, and an address that others reach although nothing keeps them out. */
function rejectExposure({ server }: Config, listen: Checked, problems: Problems): void {
  const { tls_cert, tls_key, trust_proxy, insecure } = server;
  if ((tls_cert === undefined) !== (tls_key === undefined)) {
    const [given, missing] = tls_key === undefined ? ["tls_cert", "tls_key"] : ["tls_key", "tls_cert"];
    problems.push(`server.${given} is set and server.${missing} is not; wanted both, or neither`);
  }
  if (isLoopback(server.listen.hostname) || insecure) return;
  const plain = tls_cert === undefined && trust_proxy.length === 0;
  problems.push(
    `server.listen is ${showValue(listen.value)} (${listen.from}), which other machines can reach, and nobody is asked ` +
      `who they are${plain ? ", over plain HTTP" : ""}; wanted a loopback address such as "127.0.0.1:8000" with a proxy ` +
      `before it that asks, or server.insecure = true where the network itself keeps strangers out` +
      (plain ? ", and server.tls_cert and server.tls_key" : ""),
  );
}

function findFile(input: ConfigInput, env: Environment): { path: string; shown: string } | undefined {
  const named = input.flags?.config ?? (env.ARTIFACTSTORE_CONFIG || undefined);
  if (named !== undefined) return { path: resolve(input.cwd, named), shown: named };
  const path = resolve(input.cwd, "artifactstore.toml");
  return existsSync(path) ? { path, shown: "./artifactstore.toml" } : undefined;
}

const definitions = new Map(settings.map((setting) => [setting.key, setting]));
const definition = (key: SettingKey): Setting => definitions.get(key) as Setting;

/** Values that a higher rank overrides are checked too: a wrong line is wrong wherever it stands. */
function check(candidate: Candidate, cwd: string, problems: Problems): Checked[] {
  const { read, wanted } = definition(candidate.key);
  const value = read(candidate.value);
  const parsed = value === undefined ? undefined : absolute(candidate.key, value, cwd);
  if (parsed !== undefined) return [{ ...candidate, parsed }];
  problems.push(`${candidate.key} is ${showValue(candidate.value)} (${candidate.from}); wanted ${wanted}`);
  return [];
}

const PATHS: ReadonlySet<SettingKey> = new Set(["data.dir", "storage.local_root", "server.tls_cert", "server.tls_key"]);

function absolute(key: SettingKey, value: unknown, cwd: string): unknown {
  if (PATHS.has(key)) return resolve(cwd, value as string);
  if (key === "storage.url") {
    const target = parseStorageUrl(value as string, cwd);
    return target && urlOfPath("file", target.root);
  }
  if (key === "database.url") {
    const target = parseDatabaseUrl(value as string, cwd);
    return target?.kind === "sqlite" ? urlOfPath("sqlite", target.path) : target?.url;
  }
  return value;
}

/** Settings that say the same thing twice (an alias, `storage.local_root`) must say the same thing within one rank. */
function rejectDisagreement(checked: readonly Checked[], problems: Problems): void {
  const said = new Map<string, Checked>();
  for (const candidate of checked) {
    const meaning = storageMeaning(candidate);
    const slot = `${candidate.rank} ${meaning.key}`;
    const other = said.get(slot);
    if (other === undefined) said.set(slot, candidate);
    else if (JSON.stringify(storageMeaning(other).value) !== JSON.stringify(meaning.value)) {
      const one = `${other.key} = ${showValue(other.value)} (${other.from})`;
      const two = `${candidate.key} = ${showValue(candidate.value)} (${candidate.from})`;
      problems.push(`${one} and ${two} disagree; wanted one of them`);
    }
  }
}

function storageMeaning({ key, parsed }: Checked): { key: SettingKey; value: unknown } {
  return key === "storage.local_root"
    ? { key: "storage.url", value: urlOfPath("file", parsed as string) }
    : { key, value: parsed };
}

function choose(setting: Setting, checked: readonly Checked[], cwd: string): Checked {
  for (const rank of RANKS) {
    const found = checked.find((candidate) => candidate.rank === rank && candidate.key === setting.key);
    if (found) return found;
  }
  const { key, defaultValue: value } = setting;
  const parsed = value === undefined ? undefined : absolute(key, value, cwd);
  return { key, value, parsed, rank: "default", from: "default" };
}

/** Fills in what follows from `data.dir`, and makes `storage.url` and `storage.local_root` two names of one value. */
function derive(chosen: Map<SettingKey, Checked>): void {
  const get = (key: SettingKey) => chosen.get(key) as Checked;
  const set = (from: Checked, key: SettingKey, parsed: unknown) => chosen.set(key, { ...from, key, parsed });
  const dir = get("data.dir").parsed as string;
  const url = get("database.url");
  if (url.parsed === undefined) set(url, "database.url", urlOfPath("sqlite", resolve(dir, "artifact-store.db")));

  const [byUrl, byPath] = [get("storage.url"), get("storage.local_root")];
  if (byPath.parsed !== undefined && RANKS.indexOf(byPath.rank) <= RANKS.indexOf(byUrl.rank)) {
    set(byPath, "storage.url", urlOfPath("file", byPath.parsed as string));
  } else {
    const root = byUrl.parsed === undefined ? resolve(dir, "objects") : storageRoot(byUrl);
    set(byUrl, "storage.local_root", root);
    set(byUrl, "storage.url", urlOfPath("file", root));
  }
}

const storageRoot = (url: Checked): string => (parseStorageUrl(url.parsed as string, "/") as StorageTarget).root;

function assemble(chosen: ReadonlyMap<SettingKey, Checked>, file: string | undefined): Config {
  const nested: Record<string, Record<string, unknown>> = {};
  for (const { key, section, name } of settings) {
    nested[section] ??= {};
    nested[section][name] = chosen.get(key)?.parsed;
  }
  // Each was read by its own setting, or is its default.
  const raw = nested as unknown as RawSettings;
  const sources = [...chosen.values()].map(
    ({ key, parsed, rank, from }): SettingSource => ({
      key,
      value: typeof parsed === "string" ? maskSecrets(parsed) : parsed,
      rank,
      from,
    }),
  );
  return {
    server: { ...raw.server, listen: parseListen(raw.server.listen) as ListenAddress },
    client: raw.client,
    data: raw.data,
    database: parseDatabaseUrl(raw.database.url as string, "/") as DatabaseTarget,
    storage: { kind: "fs", root: raw.storage.local_root as string },
    log: raw.log,
    limits: raw.limits,
    reads: raw.reads,
    oci: raw.oci,
    ...(file === undefined ? {} : { file }),
    sources,
  };
}
