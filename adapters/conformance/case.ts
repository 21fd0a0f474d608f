/**
 * What a conformance case is: a named function that throws when a promise is broken. No test runner is imported, so the
 * kit runs inside any of them, and inside none (`artifactstore adapter verify`).
 */
import { type ErrorCode, isRegistryError, messageOf } from "../../core/base/errors.ts";

export interface Case<Context, Capabilities> {
  /** A sentence about the adapter under test; unique in its kit. */
  readonly name: string;
  /** Why the case does not apply to an adapter of these capabilities, or `undefined` if it does. */
  needs?(capabilities: Capabilities): string | undefined;
  run(context: Context): Promise<void>;
}

/** A broken promise, as opposed to an adapter that crashed in some other way. */
export class ConformanceFailure extends Error {
  override readonly name = "ConformanceFailure";
}

export function check(condition: boolean, promise: string): asserts condition {
  if (!condition) throw new ConformanceFailure(promise);
}

/** Compares numbers, strings, booleans and arrays or plain objects of them. */
export function checkEqual(found: unknown, wanted: unknown, what: string): void {
  const [a, b] = [JSON.stringify(found), JSON.stringify(wanted)];
  if (a !== b) throw new ConformanceFailure(`${what}: wanted ${b}, found ${a}`);
}

export function checkBytes(found: Uint8Array, wanted: Uint8Array, what: string): void {
  check(found.length === wanted.length, `${what}: wanted ${wanted.length} bytes, found ${found.length}`);
  let at = 0;
  while (at < wanted.length && found[at] === wanted[at]) at++;
  check(at === wanted.length, `${what}: byte ${at} differs`);
}

/** `work` must reject with a RegistryError of one of the codes. */
export async function checkRejects(
  work: () => Promise<unknown>,
  codes: ErrorCode | readonly ErrorCode[],
  what: string,
) {
  const wanted: readonly ErrorCode[] = typeof codes === "string" ? [codes] : codes;
  let outcome: string;
  try {
    await work();
    outcome = "it succeeded";
  } catch (error) {
    if (isRegistryError(error) && wanted.includes(error.code)) return;
    outcome = isRegistryError(error) ? `code ${error.code}` : `not a RegistryError: ${messageOf(error)}`;
  }
  throw new ConformanceFailure(`${what}: wanted code ${wanted.join(" or ")}, found ${outcome}`);
}
