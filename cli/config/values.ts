/** How single values are written in flags, environment and TOML, and how they are shown in messages. */
import { isAbsolute, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { z } from "zod";
import { parseRange } from "../../server/http/address.ts";

/** What an error message tells the reader to write. Zod's own messages never reach a user. */
export interface SettingMeta {
  readonly wanted: string;
  readonly summary: string;
}

/** `z.coerce.boolean()` would read the environment's "false" as true. */
export const flag = () =>
  z.union([
    z.boolean(),
    z.stringbool({ truthy: ["true", "yes", "on", "1"], falsy: ["false", "no", "off", "0"], error: "boolean" }),
  ]);

export const count = () =>
  z.union([z.int().positive(), z.string().regex(/^\d+$/).transform(Number).pipe(z.int().positive())]);

const UNITS: Readonly<Record<string, number>> = { "": 1, b: 1, kib: 2 ** 10, mib: 2 ** 20, gib: 2 ** 30, tib: 2 ** 40 };

/** A size in bytes: `1048576` or `1MiB`. Decimal units are left out on purpose: `MB` means two things. */
export const byteSize = () =>
  z.union([
    z.int().positive(),
    z
      .string()
      .regex(/^\d+ ?(B|KiB|MiB|GiB|TiB)?$/i)
      .transform((text) => {
        const [, digits, unit] = /^(\d+) ?(\D*)$/.exec(text) ?? [];
        return Number(digits) * (UNITS[(unit ?? "").toLowerCase()] ?? Number.NaN);
      })
      .pipe(z.int().positive()),
  ]);

const SECONDS: Readonly<Record<string, number>> = { "": 1, ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400 };

/** A time in seconds: `30`, `30s`, `500ms`, `2m`, `14d`. 0 means never, or none. */
export const seconds = (most = 86_400) =>
  z.union([
    z.number().nonnegative().max(most),
    z
      .string()
      .regex(/^\d{1,8}(ms|s|m|h|d)?$/)
      .transform((text) => {
        const [, digits, unit] = /^(\d+)(\D*)$/.exec(text) ?? [];
        return Number(digits) * (SECONDS[unit ?? ""] ?? Number.NaN);
      })
      .pipe(z.number().max(most)),
  ]);

/** What clients know the server by: `https://artifacts.example.org`, perhaps with a path. No slash at its end. */
export const publicUrl = () =>
  z
    .string()
    .refine((text) => /^https?:\/\/[^/?#@\s]+(\/[^?#\s]*)?$/.test(text) && URL.canParse(text))
    .transform((text) => new URL(text).href.replace(/\/+$/, ""));

const hostName = z.string().regex(/^([A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])$/);

/** A list in TOML, words with commas between them elsewhere. */
const list = (item: z.ZodType<string, string>) =>
  z.union([
    z.array(item),
    z
      .string()
      .transform((text) =>
        text
          .split(",")
          .map((part) => part.trim())
          .filter((part) => part !== ""),
      )
      .pipe(z.array(item)),
  ]);

export const hostNames = () => list(hostName);

export const addressRanges = () => list(z.string().refine((text) => parseRange(text) !== undefined));

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
