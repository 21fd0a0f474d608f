/**
 * Time and randomness are passed in, never taken: tests fix them, and replay never meets them.
 */
import { v7 as uuidv7 } from "uuid";
import { RegistryError } from "./errors.ts";

export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
}

export interface Ids {
  /** A fresh UUIDv7 (RFC 9562, section 5.7), lower case. */
  uuid(): string;
  /** `length` bytes from a cryptographic source. */
  random(length: number): Uint8Array<ArrayBuffer>;
}

export const systemClock: Clock = { now: () => Date.now() };

/** Web Crypto hands out at most 65,536 bytes a call and each call costs; one pool serves many small requests. */
const POOL_SIZE = 16384;

export function createSystemIds(): Ids {
  let pool = new Uint8Array(0);
  let used = 0;
  return {
    uuid: () => uuidv7(),
    random(length) {
      if (length > POOL_SIZE) return crypto.getRandomValues(new Uint8Array(length));
      if (used + length > pool.length) {
        pool = crypto.getRandomValues(new Uint8Array(POOL_SIZE));
        used = 0;
      }
      // A copy: a view would keep the whole pool alive and let a caller see its neighbours' bytes.
      const start = used;
      used += length;
      return pool.slice(start, used);
    },
  };
}

/** RFC 3339, UTC, milliseconds: `2026-11-21T10:40:00.000Z`. The only form in which time is stored. */
export function toTimestamp(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}

/**
 * A time that somebody wrote, in the form in which time is stored; parts of a millisecond are cut off.
 * @throws {RegistryError} `invalid_argument`
 */
export function parseTimestamp(text: string): string {
  const [, year, month, day] =
    /^(\d{4})-(\d\d)-(\d\d)T\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/i.exec(text) ?? [];
  // Date.parse() takes the 30th of February for the 2nd of March.
  const isDay = Number(day) <= new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate();
  const time = isDay ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(time)) return toTimestamp(time);
  throw new RegistryError("invalid_argument", "A time reads as in RFC 3339: 2026-11-21T10:40:00Z", {
    time: text.slice(0, 60),
  });
}
