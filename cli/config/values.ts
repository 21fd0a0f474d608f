/** How single values are written in flags, environment and TOML, and how they are shown in messages. */
import { isAbsolute, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseRange } from "../../server/http/address.ts";

/** A value as it stands in TOML, or as text from elsewhere. `undefined`: that is not what is wanted. */
export type Read<T> = (value: unknown) => T | undefined;

export const text: Read<string> = (value) => (typeof value === "string" && value !== "" ? value : undefined);

export const listen: Read<string> = (value) =>
  typeof value === "string" && parseListen(value) !== undefined ? value : undefined;

export const oneOf =
  <Word extends string>(...words: readonly Word[]): Read<Word> =>
  (value) =>
    words.find((word) => word === value);

const FLAGS: Readonly<Record<string, boolean>> = {
  ...{ true: true, yes: true, on: true, 1: true },
  ...{ false: false, no: false, off: false, 0: false },
};

export const flag: Read<boolean> = (value) => {
  if (typeof value === "boolean") return value;
  const word = typeof value === "string" ? value.toLowerCase() : "";
  return Object.hasOwn(FLAGS, word) ? FLAGS[word] : undefined;
};

const positive = (value: unknown): number | undefined =>
  Number.isSafeInteger(value) && (value as number) > 0 ? (value as number) : undefined;

export const count: Read<number> = (value) =>
  positive(typeof value === "string" && /^\d+$/.test(value) ? Number(value) : value);

const UNITS: Readonly<Record<string, number>> = { "": 1, b: 1, kib: 2 ** 10, mib: 2 ** 20, gib: 2 ** 30, tib: 2 ** 40 };

/** A size in bytes: `1048576` or `1MiB`. Decimal units are left out on purpose: `MB` means two things. */
export const byteSize: Read<number> = (value) => {
  if (typeof value !== "string") return positive(value);
  const [, digits, unit = ""] = /^(\d+) ?(B|KiB|MiB|GiB|TiB)?$/i.exec(value) ?? [];
  return positive(Number(digits) * (UNITS[unit.toLowerCase()] as number));
};

const SECONDS: Readonly<Record<string, number>> = { "": 1, ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400 };

/** A time in seconds: `30`, `30s`, `500ms`, `2m`, `14d`. 0 means never, or none. */
export const seconds =
  (most = 86_400): Read<number> =>
  (value) => {
    let time = value;
    if (typeof value === "string") {
      const [, digits, unit = ""] = /^(\d{1,8})(ms|s|m|h|d)?$/.exec(value) ?? [];
      time = Number(digits) * (SECONDS[unit] as number);
    }
    return typeof time === "number" && time >= 0 && time <= most ? time : undefined;
  };

/** What clients know the server by: `https://artifacts.example.org`, perhaps with a path. No slash at its end. */
export const publicUrl: Read<string> = (value) => {
  const isUrl = typeof value === "string" && /^https?:\/\/[^/?#@\s]+(\/[^?#\s]*)?$/.test(value) && URL.canParse(value);
  return isUrl ? new URL(value).href.replace(/\/+$/, "") : undefined;
};

/** A list in TOML, words with commas between them elsewhere. */
const list =
  (isItem: (item: string) => boolean): Read<readonly string[]> =>
  (value) => {
    let items = value;
    if (typeof value === "string") {
      items = value
        .split(",")
        .map((part) => part.trim())
        .filter((part) => part !== "");
    }
    const all = Array.isArray(items) && items.every((item) => typeof item === "string" && isItem(item));
    return all ? (items as string[]) : undefined;
  };

export const hostNames = list((name) => /^([A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])$/.test(name));

export const addressRanges = list((range) => parseRange(range) !== undefined);

export interface ListenAddress {
  /** Without brackets: `127.0.0.1`, `::1`, `localhost`. */
  readonly hostname: string;
  /** 0 lets the system choose. */
  readonly port: number;
}

export function parseListen(text: string): ListenAddress | undefined {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9][A-Za-z0-9._-]*)):(\d{1,5})$/.exec(text);
  const hostname = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  return hostname === undefined || port > 65535 ? undefined : { hostname, port };
}

export function isLoopback(hostname: string): boolean {
  const name = hostname.toLowerCase();
  if (name === "localhost" || name === "::1") return true;
  const parts = name.split(".");
  return (
    parts.length === 4 && parts[0] === "127" && parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256)
  );
}

export type DatabaseTarget =
  | { readonly kind: "sqlite"; readonly path: string }
  | { readonly kind: "postgres"; readonly url: string };

/**
 * `sqlite:///var/lib/a.db` is the file /var/lib/a.db, as in any URL; `sqlite:///./a.db` and `sqlite:///../a.db` are
 * relative to the working directory.
 */
export function parseDatabaseUrl(text: string, cwd: string): DatabaseTarget | undefined {
  if (text.startsWith("sqlite:")) {
    const path = pathOfUrl(text, "sqlite", cwd);
    return path === undefined ? undefined : { kind: "sqlite", path };
  }
  if (!/^postgres(ql)?:\/\/./.test(text) || !URL.canParse(text)) return undefined;
  return { kind: "postgres", url: text };
}

export interface StorageTarget {
  readonly kind: "fs";
  /** Absolute path. */
  readonly root: string;
}

export function parseStorageUrl(text: string, cwd: string): StorageTarget | undefined {
  const root = pathOfUrl(text, "file", cwd);
  return root === undefined ? undefined : { kind: "fs", root };
}

/** The way back: `scheme:///...` with everything percent-encoded that a URL needs encoded. */
export function urlOfPath(scheme: "sqlite" | "file", path: string): string {
  return scheme + pathToFileURL(path).href.slice("file".length);
}

function pathOfUrl(text: string, scheme: string, cwd: string): string | undefined {
  const rest = text.startsWith(`${scheme}:///`) ? text.slice(scheme.length + 3) : undefined;
  // A query, a fragment or a NUL would be dropped or would cut the path short without a word.
  if (rest === undefined || /[?#]|%00|\0|%2f/i.test(rest)) return undefined;
  try {
    if (/^\/\.\.?\//.test(rest)) return resolve(cwd, decodeURIComponent(rest.slice(1)));
    const path = fileURLToPath(`file://${rest}`);
    return isAbsolute(path) && path !== "/" ? resolve(path) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Replaces whatever may be a password: up to the last `@`, because a password that was not percent-encoded may hold
 * any character, and in a `password` query parameter. Rather too much than too little.
 */
export function maskSecrets(text: string): string {
  const user = text.includes("://") ? /(:\/\/[^:]*):.*@/s : /^([^:]*):.*@/s;
  return (
    text
      .replace(user, "$1:***@")
      // A user alone may be a token.
      .replace(/^(https?:\/\/)[^:/?#@]+@/i, "$1***@")
      .replace(/([?&](?:password|sslpassword)=)[^&#]*/gi, "$1***")
  );
}

/** A value for an error message: masked, quoted, and no longer than a line. */
export function showValue(value: unknown): string {
  if (typeof value === "string") {
    const text = JSON.stringify(maskSecrets(value));
    return text.length > 120 ? `${text.slice(0, 117)}..."` : text;
  }
  if (value instanceof Date) return value.toISOString();
  const text = typeof value === "object" && value !== null ? maskSecrets(JSON.stringify(value)) : String(value);
  return text.length > 120 ? `${text.slice(0, 117)}...` : text;
}
