/** Reads what the conformance suite writes: `results.yaml` (the summary) and `junit.xml` (each test). */
import { readFileSync } from "node:fs";
import { join } from "node:path";

export interface Row {
  readonly kind: "API" | "data";
  readonly label: string;
  /** `Pass`, `FAIL`, `Skip`, `Disabled` or `Error`. */
  readonly status: string;
}

export interface Test {
  readonly name: string;
  /** `passed`, `skipped` (disabled ones too), `failure` or `error`. */
  readonly status: string;
  /** What it missed. */
  readonly why: string;
  /** The requests and answers. */
  readonly exchange: string;
}

export interface Report {
  readonly rows: readonly Row[];
  readonly tests: readonly Test[];
  readonly seconds: number;
  readonly config: Readonly<Record<string, unknown>>;
}

export function readReport(folder: string): Report {
  const results = Bun.YAML.parse(readFileSync(join(folder, "results.yaml"), "utf8")) as {
    readonly config: Readonly<Record<string, unknown>>;
    readonly apis: Readonly<Record<string, string>> | null;
    readonly data: Readonly<Record<string, string>> | null;
  };
  const rows = (kind: Row["kind"], of: Readonly<Record<string, string>> | null) =>
    Object.entries(of ?? {}).map(([label, status]) => ({ kind, label, status }));
  const junit = readFileSync(join(folder, "junit.xml"), "utf8");
  const seconds = Number(/<testsuites [^>]*\btime="([\d.]+)"/.exec(junit)?.[1] ?? Number.NaN);
  return {
    rows: [...rows("API", results.apis), ...rows("data", results.data)],
    tests: [...junit.matchAll(/<testcase ([^>]*)>([\s\S]*?)<\/testcase>/g)].map(([, attributes = "", body = ""]) => ({
      name: attribute(attributes, "name"),
      status: attribute(attributes, "status"),
      why: element(body, "system-out"),
      exchange: element(body, "system-err"),
    })),
    seconds,
    config: results.config,
  };
}

const attribute = (text: string, name: string) => plain(new RegExp(`\\b${name}="([^"]*)"`).exec(text)?.[1] ?? "");
const element = (text: string, name: string) =>
  plain(new RegExp(`<${name}>([\\s\\S]*?)</${name}>`).exec(text)?.[1] ?? "");

const NAMED: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };
function plain(text: string): string {
  return text.replaceAll(/&(?:#x([0-9a-fA-F]+)|#(\d+)|(\w+));/g, (whole, hex, decimal, name) => {
    if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
    if (decimal !== undefined) return String.fromCodePoint(Number(decimal));
    return NAMED[name] ?? whole;
  });
}

/** What was switched off: a setting that is false, or a version that asks for less. */
export function allOn({ config }: Report): string[] {
  const off = (value: unknown, path: string): string[] => {
    if (value === false) return [`${path} is off`];
    if (value === null || typeof value !== "object") return [];
    return Object.entries(value).flatMap(([key, inner]) => off(inner, `${path}.${key}`));
  };
  const version = config.version === "dev" || config.version === "1.1+dev" ? [] : [`version is ${config.version}`];
  const filter = config.filterTest === undefined ? [] : [`only ${config.filterTest}`];
  return [...version, ...filter, ...off(config.apis, "apis"), ...off(config.data, "data")];
}

const TOLD = /^(Method|URL|Status|Location|Range|Content-\w+|Docker-\w[\w-]*|OCI-[\w-]+|Link|\{"errors")/i;

/** One failed test in few lines: what it missed, and the requests and answers it ended with, without bodies. */
export function short({ name, status, why, exchange }: Test): string {
  const lines = exchange.split(/\r?\n/).map((line) => line.trim());
  const told = lines.filter((line) => TOLD.test(line)).slice(-14);
  const about = [...why.split("\n").slice(0, 4), ...told].map((line) => `    ${line.slice(0, 200)}`);
  return [`  ${status}: ${name}`, ...about].join("\n");
}
