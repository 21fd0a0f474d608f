/** What the tests of the codecs share: arbitrary values inside the data model, strict equality, the code of an error. */
import fc from "fast-check";
import { equalBytes } from "../../../core/base/bytes.ts";
import type { CborValue } from "../../../core/base/cbor.ts";
import { RegistryError } from "../../../core/base/errors.ts";

const AWKWARD = ["", "__proto__", "constructor", "toJSON", "hasOwnProperty", "$bytes", "$int", "$", "$$x", "\ufeffx"];
const text = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 40 }),
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.constantFrom(...AWKWARD, "\uff5e", "\u{1f600}", "\u0000"),
);

const largeInteger = fc
  .bigInt({ min: -(2n ** 64n), max: 2n ** 64n - 1n })
  .filter((integer) => !Number.isSafeInteger(Number(integer)));

const number = fc
  .oneof(
    fc.maxSafeInteger(),
    fc.integer({ min: -300, max: 300 }),
    fc.double({ noNaN: true }),
    fc.float({ noNaN: true }),
  )
  .filter((value) => Number.isSafeInteger(value) || (Number.isFinite(value) && !Number.isInteger(value)))
  .map((value) => (value === 0 ? 0 : value));

const bytes = fc.uint8Array({ maxLength: 80 }).map((array) => new Uint8Array(array));

/** Values in the form in which they come back from decoding: no `-0`, no bigint that a number could be. */
export const cborValue: fc.Arbitrary<CborValue> = fc.letrec<{ value: CborValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    fc.oneof(fc.constant(null), fc.boolean(), number, largeInteger, text, bytes),
    fc.array(tie("value"), { maxLength: 6 }),
    fc.array(fc.tuple(text, tie("value")), { maxLength: 8 }).map((entries) => Object.fromEntries(entries)),
  ),
})).value;

/** Equality without mercy: types, own keys (`__proto__` among them), bytes; key order does not count. */
export function same(a: unknown, b: unknown): boolean {
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return Object.is(a, b);
  if (a instanceof Uint8Array || b instanceof Uint8Array) {
    return a instanceof Uint8Array && b instanceof Uint8Array && equalBytes(a, b);
  }
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = Object.getOwnPropertyNames(a);
  const at = (of: object, key: string) => Object.getOwnPropertyDescriptor(of, key)?.value;
  return (
    keys.length === Object.getOwnPropertyNames(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && same(at(a, key), at(b, key)))
  );
}

/** The code of the RegistryError that `work` throws; fails the test for any other error, or none. */
export function codeOf(work: () => unknown): string {
  let result: unknown;
  try {
    result = work();
  } catch (error) {
    if (error instanceof RegistryError) return error.code;
    throw error;
  }
  throw new Error(`Nothing was thrown; the answer was ${String(result)}`);
}

export async function codeOfAsync(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (error instanceof RegistryError) return error.code;
    throw error;
  }
  throw new Error("Nothing was thrown");
}
