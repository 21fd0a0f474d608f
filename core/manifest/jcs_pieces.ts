/**
 * The JSON projection of a manifest of any size, piece by piece from its CBOR: in memory are the CBOR, some hundred
 * entries and one piece. For a worker, whose event loop nobody waits for.
 */
import { concatBytes, equalBytes, utf8 } from "../base/bytes.ts";
import { type CborValue, encodeCbor } from "../base/cbor.ts";
import { CborReader } from "../base/cbor_read.ts";
import { isRegistryError, messageOf, RegistryError } from "../base/errors.ts";
import { jcsText } from "../base/jcs.ts";
import { checkManifest, LONG_LISTS } from "./check.ts";

/** Entries that are read, checked and written together. */
const BATCH = 256;
/** Bytes of a piece, more or less. */
const PIECE = 1024 * 1024;

/** Where a value of the manifest begins and ends. */
type Place = readonly [start: number, end: number];

/**
 * Together what `manifestToJcs(decodeManifest(cbor))` gives.
 * @throws {RegistryError} as `decodeManifest()`; pieces that are out already are of no use then
 */
export function* jcsPieces(cbor: Uint8Array): Generator<Uint8Array<ArrayBuffer>, void, void> {
  try {
    yield* piecesOf(cbor);
  } catch (error) {
    // Invalid UTF-8, and nesting that no stack is enough for.
    throw isRegistryError(error) ? error : malformed(messageOf(error));
  }
}

function* piecesOf(cbor: Uint8Array): Generator<Uint8Array<ArrayBuffer>, void, void> {
  const places = placesOf(cbor);
  const rest = restOf(cbor, places);
  let kept: Uint8Array[] = [];
  let size = 0;
  const keep = (text: string) => {
    const bytes = utf8(text);
    kept.push(bytes);
    size += bytes.length;
  };
  let before = "{";
  // RFC 8785, section 3.2.3: by UTF-16 units, which is what sort() goes by.
  for (const name of [...places.keys()].sort()) {
    keep(`${before}${JSON.stringify(name)}:`);
    before = ",";
    if (!isLong(name)) {
      keep(jcsText(rest[name] as CborValue));
      continue;
    }
    let separator = "[";
    for (const batch of batchesOf(cbor, places.get(name) as Place, name)) {
      keep(separator + jcsText(batch).slice(1, -1));
      separator = ",";
      if (size < PIECE) continue;
      yield concatBytes(kept);
      [kept, size] = [[], 0];
    }
    keep(separator === "[" ? "[]" : "]");
  }
  keep("}");
  yield concatBytes(kept);
}

type LongList = keyof typeof LONG_LISTS;
const isLong = (name: string): name is LongList => Object.hasOwn(LONG_LISTS, name);

function placesOf(cbor: Uint8Array): Map<string, Place> {
  const reader = new CborReader(cbor);
  const places = new Map<string, Place>();
  const fields = reader.enter("map");
  if (fields === undefined) throw malformed("it is no map");
  for (let i = 0; i < fields; i++) {
    const name = reader.item();
    if (typeof name !== "string") throw malformed("a key is not text");
    const start = reader.at;
    reader.skip();
    places.set(name, [start, reader.at]);
  }
  if (!reader.ended) throw malformed("trailing bytes");
  return places;
}

/** The manifest without its long lists, proven to be canonical. */
function restOf(cbor: Uint8Array, places: ReadonlyMap<string, Place>): Readonly<Record<string, CborValue>> {
  const rest: Record<string, CborValue> = {};
  const outside: Uint8Array[] = [];
  let from = 0;
  for (const [name, [start, end]] of places) {
    if (!isLong(name)) {
      rest[name] = new CborReader(cbor.subarray(start, end)).item();
      continue;
    }
    rest[name] = [];
    outside.push(cbor.subarray(from, start), EMPTY_LIST);
    from = end;
  }
  outside.push(cbor.subarray(from));
  checkManifest(rest);
  if (!equalBytes(encodeCbor(rest), concatBytes(outside))) throw malformed("another spelling than its own");
  return rest;
}

const EMPTY_LIST = Uint8Array.of(0x80);

function* batchesOf(cbor: Uint8Array, [start, end]: Place, name: LongList): Generator<readonly CborValue[]> {
  const reader = new CborReader(cbor.subarray(start, end));
  const length = reader.enter("list");
  if (length === undefined || reader.at !== headLength(length)) throw malformed(`${name} is no list`);
  let last: readonly CborValue[] = [];
  for (let at = 0; at < length; at += BATCH) {
    const from = reader.at;
    const batch: CborValue[] = [];
    while (batch.length < BATCH && at + batch.length < length) batch.push(reader.item());
    // With the last one of those before, for the order.
    LONG_LISTS[name]([...last, ...batch], name);
    last = batch.slice(-1);
    const written = encodeCbor(batch).subarray(headLength(batch.length));
    if (!equalBytes(written, cbor.subarray(start + from, start + reader.at))) throw malformed(`an item of ${name}`);
    yield batch;
  }
}

/** RFC 8949, section 4.2.1: of a list, in its shortest form. */
function headLength(items: number): number {
  return items < 24 ? 1 : items < 0x100 ? 2 : items < 0x10000 ? 3 : 5;
}

function malformed(why: string): RegistryError {
  return new RegistryError("non_canonical", `Not a canonical manifest (RFC 8949, section 4.2.1): ${why}`);
}
