/** Tars by hand, byte by byte, for tests that send what no program writes. */
import { concatBytes } from "../../core/base/bytes.ts";
import { text } from "./registry_fixture.ts";

export interface Header {
  readonly name?: string | Uint8Array;
  readonly type?: string;
  /** As it stands in the field when it is text; 12 bytes when it is bytes. */
  readonly size?: number | string | Uint8Array;
  readonly mode?: number;
  readonly link?: string;
  readonly prefix?: string;
  readonly magic?: string;
  /** Added to the right sum. */
  readonly checksumOff?: number;
}

export const END = new Uint8Array(1024);

export function header(fields: Header = {}): Uint8Array {
  const { name = "f", type = "0", size = 0, mode = 0o644, link = "", prefix = "", magic = "ustar\u000000" } = fields;
  const block = new Uint8Array(512);
  const put = (value: string | Uint8Array, at: number) =>
    block.set(typeof value === "string" ? text(value) : value, at);
  put(name, 0);
  put(mode.toString(8).padStart(7, "0"), 100);
  put(typeof size === "number" ? size.toString(8).padStart(11, "0") : size, 124);
  put("0".repeat(11), 136);
  put(type, 156);
  put(link, 157);
  put(magic, 257);
  put(prefix, 345);
  const sum = block.reduce((a, b) => a + b, 8 * 32) + (fields.checksumOff ?? 0);
  put(`${sum.toString(8).padStart(6, "0")}\u0000 `, 148);
  return block;
}

export function padded(content: Uint8Array | string): Uint8Array {
  const bytes = typeof content === "string" ? text(content) : content;
  return concatBytes([bytes, new Uint8Array(-bytes.length & 511)]);
}

/** A header and its body. */
export function member(fields: Header, content: Uint8Array | string = ""): Uint8Array {
  const bytes = typeof content === "string" ? text(content) : content;
  return concatBytes([header({ size: bytes.length, ...fields }), padded(bytes)]);
}

/** A pax header with these records, each right in its length. */
export function pax(records: Readonly<Record<string, string>>, type = "x"): Uint8Array {
  return member(
    { name: "pax", type },
    Object.entries(records)
      .map(([key, value]) => record(key, value))
      .join(""),
  );
}

export function record(key: string, value: string): string {
  const rest = text(` ${key}=${value}\n`).length;
  let length = rest;
  while (length !== rest + String(length).length) length = rest + String(length).length;
  return `${length} ${key}=${value}\n`;
}

export function tar(...members: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return concatBytes([...members, END]);
}
