import { RegistryError } from "./errors.ts";

const UNITS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Milliseconds of a duration such as `0s`, `90m`, `24h`, `7d`. @throws {RegistryError} `invalid_argument` */
export function parseDuration(text: string): number {
  const [, count, unit] = /^([0-9]{1,9})([smhd])$/.exec(text) ?? [];
  if (count !== undefined) return Number(count) * UNITS[unit as keyof typeof UNITS];
  throw new RegistryError("invalid_argument", `A duration reads 90s, 30m, 24h or 7d, not ${JSON.stringify(text)}`);
}
