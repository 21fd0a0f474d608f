/**
 * JSON beside CBOR: a projection that loses nothing, and its canonical bytes (RFC 8785, JCS).
 *
 * JSON has neither byte strings nor exact large integers, so these become objects with one reserved key; a map key that
 * would look like one is escaped. Each JSON document of this form stands for exactly one CBOR value and back:
 *
 *   byte string                        {"$bytes": "<base64url, RFC 4648 section 5, no padding>"}
 *   integer beyond ±(2^53-1)           {"$int": "<decimal>"}
 *   map key that begins with "$"       one more "$" in front
 *   everything else                    itself
 */
import canonicalize from "canonicalize";
import { equalBytes, utf8 } from "./bytes.ts";
import { type CborMap, type CborValue, checkValue, isPlainObject, MAX_DEPTH } from "./cbor.ts";
import { messageOf, RegistryError } from "./errors.ts";

/** @throws {RegistryError} `invalid_argument` for what `encodeCbor` refuses. */
export function toJson(value: CborValue): unknown {
  checkValue(value, 0);
  return project(value);
}

function project(value: CborValue): unknown {
  if (typeof value === "bigint") {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : { $int: value.toString() };
  }
  if (value === null || typeof value !== "object") return value;
  if (value instanceof Uint8Array) return { $bytes: toBase64Url(value) };
  if (isArray(value)) return value.map(project);
  const out = {};
  for (const key of Object.keys(value)) {
    setOwn(out, key.startsWith("$") ? `$${key}` : key, project(value[key] as CborValue));
  }
  return out;
}

/**
 * Inverse of {@link toJson}, over what `JSON.parse` returns.
 * @throws {RegistryError} `invalid_argument` for what {@link toJson} never returns: an unknown reserved key, another
 * spelling of bytes or integers, a number that JSON has rounded, more than `MAX_DEPTH` levels.
 */
export function fromJson(json: unknown): CborValue {
  const value = restore(json, 0);
  checkValue(value, 0);
  return value;
}

function restore(json: unknown, depth: number): CborValue {
  if (json === null || typeof json !== "object") return Object.is(json, -0) ? 0 : (json as CborValue);
  // One level more than CBOR has: the object around bytes or an integer.
  if (depth > MAX_DEPTH) throw malformed(`more than ${MAX_DEPTH} levels`);
  if (Array.isArray(json)) return json.map((item) => restore(item, depth + 1));
  if (!isPlainObject(json)) throw malformed("an instance of a class");
  const keys = Object.keys(json);
  const entry = json as Readonly<Record<string, unknown>>;
  if (keys.length === 1 && keys[0] === "$bytes") return fromBase64Url(entry.$bytes);
  if (keys.length === 1 && keys[0] === "$int") return fromDecimal(entry.$int);
  const out = {};
  for (const key of keys) {
    if (key.startsWith("$") && !key.startsWith("$$")) throw malformed(`the reserved key ${JSON.stringify(key)}`);
    setOwn(out, key.startsWith("$") ? key.slice(1) : key, restore(entry[key], depth + 1));
  }
  return out;
}

/** The canonical JSON text. @throws {RegistryError} as {@link toJson} */
export function jcsText(value: CborValue): string {
  return canonicalize(toJson(value)) as string;
}

/** The canonical JSON text, as UTF-8. @throws {RegistryError} as {@link toJson} */
export function jcs(value: CborValue): Uint8Array<ArrayBuffer> {
  return utf8(jcsText(value));
}

/** Reads back text that {@link jcsText} wrote and that nobody else could have changed; {@link parseJcs} is for the rest. */
export function parseJcsText(text: string): CborValue {
  return fromJson(JSON.parse(text));
}

/**
 * Decodes exactly what {@link jcs} writes: parse, write again, compare. So duplicate keys, other spellings of numbers
 * or strings, white space and unsorted keys are all refused.
 * @throws {RegistryError} `limit_exceeded` above `maxBytes`, `non_canonical` for everything else.
 */
export function parseJcs(bytes: Uint8Array, limits: { readonly maxBytes?: number } = {}): CborValue {
  if (limits.maxBytes !== undefined && bytes.length > limits.maxBytes) {
    throw new RegistryError(
      "limit_exceeded",
      `JSON of ${bytes.length} bytes; at most ${limits.maxBytes} are accepted`,
      {
        size: bytes.length,
        limit: limits.maxBytes,
      },
    );
  }
  let value: CborValue;
  let again: Uint8Array;
  try {
    // JSON.parse takes any depth on V8 and JavaScriptCore; fromJson() counts before it recurses.
    value = fromJson(JSON.parse(strictUtf8.decode(bytes)));
    again = jcs(value);
  } catch (error) {
    throw nonCanonical(messageOf(error));
  }
  if (!equalBytes(again, bytes)) {
    throw nonCanonical("white space, duplicate or unsorted keys, or another spelling of a number or a string");
  }
  return value;
}

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Plain assignment to `__proto__` would set the prototype instead. */
function setOwn(target: object, key: string, value: unknown): void {
  if (key === "__proto__") {
    Object.defineProperty(target, key, { value, configurable: true, enumerable: true, writable: true });
  } else (target as Record<string, unknown>)[key] = value;
}

function isArray(value: readonly CborValue[] | CborMap): value is readonly CborValue[] {
  return Array.isArray(value);
}

function toBase64Url(bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

function fromBase64Url(text: unknown): Uint8Array {
  if (typeof text !== "string" || !/^[A-Za-z0-9_-]*$/.test(text) || text.length % 4 === 1) {
    throw malformed("$bytes that are not base64url without padding");
  }
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  const bytes = Uint8Array.from(binary, (unit) => unit.charCodeAt(0));
  // The last digit may carry bits that no byte holds; only zeros there are canonical.
  if (toBase64Url(bytes) !== text) throw malformed("$bytes with stray bits at the end");
  return bytes;
}

function fromDecimal(text: unknown): bigint {
  // 20 digits hold 64 bits; longer ones are not worth converting.
  if (typeof text !== "string" || !/^-?[1-9][0-9]{15,19}$/.test(text)) throw malformed("$int that is not a decimal");
  const integer = BigInt(text);
  if (Number.isSafeInteger(Number(integer))) throw malformed("$int for an integer that JSON can write");
  return integer;
}

function malformed(what: string): RegistryError {
  return new RegistryError("invalid_argument", `This JSON does not stand for a stored value: ${what}`, { what });
}

function nonCanonical(why: string): RegistryError {
  return new RegistryError("non_canonical", `Not canonical JSON (RFC 8785): ${why}`);
}
