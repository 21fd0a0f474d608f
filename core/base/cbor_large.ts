/** Writing canonical CBOR of hundreds of megabytes without holding up the event loop, or twice the memory. */
import { encodeCbor } from "./cbor.ts";
import { type CborMap, type CborValue, checkValue } from "./cbor_value.ts";
import { compareKeys, writeHead, writeItem } from "./cbor_write.ts";
import { RegistryError } from "./errors.ts";
import { Pace } from "./turn.ts";

/** Items of a list that are written together. */
const SLICE = 256;

/**
 * What `encodeCbor(map)` gives, in turns: lists that are values of the map may have millions of items. Nobody may change
 * the map meanwhile.
 * @throws {RegistryError} `limit_exceeded` as soon as there are more than `maxBytes`, and as `encodeCbor()`
 */
export async function encodeCborInTurns(map: CborMap, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const pace = new Pace();
  const parts: Uint8Array[] = [];
  let length = 0;
  const add = (part: Uint8Array) => {
    length += part.length;
    if (length > maxBytes) throw tooLong(maxBytes);
    parts.push(part);
  };
  const keys = Object.keys(map).sort(compareKeys);
  add(headOf(0xa0, keys.length));
  for (const key of keys) {
    add(encodeCbor(key));
    const value = map[key] as CborValue;
    if (!Array.isArray(value)) {
      add(encodeCbor(value));
      continue;
    }
    add(headOf(0x80, value.length));
    for (let at = 0; at < value.length; at += SLICE) {
      add(encodeItems(value.slice(at, at + SLICE)));
      if (pace.due()) await pace.turn();
    }
  }
  return await joined(parts, length, pace);
}

/** One after the other, as they stand in a list of a map. */
function encodeItems(items: readonly CborValue[]): Uint8Array {
  const bound = items.reduce((sum: number, item) => sum + checkValue(item, 2), 0);
  const target = new Uint8Array(bound);
  const end = items.reduce((at: number, item) => writeItem(item, target, at), 0);
  // A copy: the bound is up to three times as long, and would be kept.
  return target.slice(0, end);
}

function headOf(major: number, argument: number): Uint8Array {
  const head = new Uint8Array(9);
  return head.slice(0, writeHead(major, argument, head, 0));
}

const NOTHING = new Uint8Array(0);

async function joined(parts: Uint8Array[], length: number, pace: Pace): Promise<Uint8Array<ArrayBuffer>> {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const [i, part] of parts.entries()) {
    whole.set(part, at);
    at += part.length;
    // Not needed any more, and there may be no room for all of it twice.
    parts[i] = NOTHING;
    if (pace.due()) await pace.turn();
  }
  return whole;
}

function tooLong(limit: number): RegistryError {
  return new RegistryError("limit_exceeded", `This would be CBOR of more than ${limit} bytes`, { limit });
}
