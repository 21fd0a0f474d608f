/**
 * How values travel. Every parameter goes out as text of no declared type: postgres.js names prepared statements by
 * text *and* parameter types, so a multi-row insert with NULLs in changing places would be prepared anew each time,
 * and never forgotten by the server.
 */
import { Buffer } from "node:buffer";
import { RegistryError } from "../../core/base/errors.ts";

export function textParameters(parameters: readonly unknown[]): (string | null)[] {
  const values = new Array<string | null>(parameters.length);
  for (let i = 0; i < parameters.length; i++) values[i] = textOf(parameters[i], i);
  return values;
}

function textOf(value: unknown, index: number): string | null {
  switch (typeof value) {
    case "string":
      return value;
    case "number":
      if (Number.isInteger(value) && !Number.isSafeInteger(value)) break;
      return String(value);
    case "bigint":
      return String(value);
    case "boolean":
      // As on SQLite; PostgreSQL reads 1 and 0 as booleans too.
      return value ? "1" : "0";
    case "undefined":
      return null;
    default:
      if (value === null) return null;
      if (value instanceof Uint8Array) return `\\x${hexOf(value)}`;
  }
  throw new RegistryError(
    "invalid_argument",
    `Parameter ${index + 1} cannot be stored: text, bytes, null, booleans, bigints and numbers up to 2^53 can.`,
  );
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
}

const asIs = (text: string) => text;

/** postgres.js's table of types: outgoing text is not touched again; int8 and bytea come back as plain values. */
export const types = {
  int8: { to: 20, from: [20], serialize: asIs, parse: safeInteger },
  bytea: { to: 17, from: [17], serialize: asIs, parse: bytesOf },
  boolean: { to: 16, from: [16], serialize: asIs, parse: (text: string) => text === "t" },
  json: { to: 114, from: [114, 3802], serialize: asIs, parse: asIs },
  date: { to: 1184, from: [1082, 1114, 1184], serialize: asIs, parse: asIs },
};

function safeInteger(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value)) return value;
  throw new RegistryError("database_failed", `The database holds ${text}, beyond 2^53: cast it to text to read it.`);
}

function bytesOf(text: string): Uint8Array {
  // A copy: small Buffers are slices of one shared pool.
  return new Uint8Array(Buffer.from(text.slice(2), "hex"));
}
