/** The data model of canonical CBOR and of JCS, and the check that a value is inside it. */
import { RegistryError } from "./errors.ts";

/**
 * What can be encoded. A `bigint` within ±(2^53-1) encodes like the number and comes back as one. Values must be plain
 * data: accessors and proxies are not looked for, and what they answer twice may differ.
 */
export type CborValue = null | boolean | number | bigint | string | Uint8Array | readonly CborValue[] | CborMap;

export interface CborMap {
  readonly [key: string]: CborValue;
}

/** Containers open at once, in both directions: what is written can be read. */
export const MAX_DEPTH = 64;

/** RFC 8949, section 3.1: major types 0 and 1 carry 64 bits. */
const MAX_UINT = 2n ** 64n - 1n;
const MIN_NEGINT = -(2n ** 64n);

/** Checks that `value` is inside the data model; returns an upper bound of its encoded length. */
export function checkValue(value: unknown, depth: number): number {
  switch (typeof value) {
    case "string":
      if (!value.isWellFormed()) throw refuse("a string with a lone surrogate");
      return value.length * 3 + 9;
    case "number":
      if (!Number.isSafeInteger(value)) checkFloat(value);
      return 9;
    case "boolean":
      return 1;
    case "bigint":
      if (value > MAX_UINT || value < MIN_NEGINT) throw refuse("an integer beyond 64 bits");
      return 9;
    case "object":
      if (value === null) return 1;
      if (value instanceof Uint8Array) return value.length + 9;
      if (depth >= MAX_DEPTH) throw refuse(`more than ${MAX_DEPTH} levels (or a cycle)`);
      return Array.isArray(value) ? checkArray(value, depth + 1) : checkMap(value, depth + 1);
    default:
      throw refuse(`a value of type ${typeof value}`);
  }
}

function checkFloat(value: number): void {
  if (!Number.isFinite(value)) throw refuse(String(value));
  // From 2^53 on a number may already have been rounded; a bigint says exactly what is meant.
  if (Number.isInteger(value)) throw refuse(`the unsafe integer ${value} (pass a bigint)`);
}

function checkArray(items: readonly unknown[], depth: number): number {
  let bound = 9;
  for (let i = 0; i < items.length; i++) bound += checkValue(items[i], depth);
  return bound;
}

function checkMap(map: object, depth: number): number {
  if (!isPlainObject(map)) throw refuse("an instance of a class");
  let bound = 9;
  for (const key of Object.keys(map)) {
    if (!key.isWellFormed()) throw refuse("a key with a lone surrogate");
    bound += key.length * 3 + 9 + checkValue((map as Record<string, unknown>)[key], depth);
  }
  return bound;
}

export function isPlainObject(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function refuse(what: string): RegistryError {
  return new RegistryError("invalid_argument", `This cannot be stored: ${what}`, { what });
}
