/**
 * Types, closed field sets and order of a manifest: the same check before writing and after reading. Whether paths are
 * legal and digests true is not decided here.
 */
import { compareUtf8 } from "../base/bytes.ts";
import { type CborValue, isPlainObject } from "../base/cbor.ts";
import { RegistryError } from "../base/errors.ts";
import { Pace } from "../base/turn.ts";
import { isAlgorithm, PRIMARY_ALGORITHM } from "../identity/algorithms.ts";
import { parseContentAddress } from "../identity/content_address.ts";
import { createDigest } from "../identity/digest.ts";
import { MANIFEST_VERSION, type Manifest } from "./types.ts";

/** Throws unless `value` is what it should be; `at` names the place, such as `files[3].size`. */
type Check = (value: CborValue | undefined, at: string) => void;

/**
 * @throws {RegistryError} `unsupported` for another `manifest_version`, `invalid_argument` naming the place otherwise.
 */
export function checkManifest(value: CborValue): Manifest {
  const version = isMap(value) ? value.manifest_version : undefined;
  if (Number.isSafeInteger(version) && version !== MANIFEST_VERSION) {
    throw new RegistryError(
      "unsupported",
      `Manifest version ${version} is not known to this program, which reads version ${MANIFEST_VERSION}; use a newer one`,
      { manifest_version: version },
    );
  }
  manifest(value, "");
  return value as unknown as Manifest;
}

/** As {@link checkManifest}, for a million entries: others get their turns. Nobody may change the manifest meanwhile. */
export async function checkManifestInTurns(value: Manifest): Promise<Manifest> {
  checkManifest({ ...value, files: [], storage_receipts: [] });
  const pace = new Pace();
  for (const name of ["files", "storage_receipts"] as const) {
    const items: readonly CborValue[] = value[name];
    for (let at = 0; at < items.length; at += SLICE) {
      LONG_LISTS[name](items.slice(Math.max(at - 1, 0), at + SLICE), name);
      if (pace.due()) await pace.turn();
    }
  }
  return value;
}

/** Items checked between two looks at the clock, with the last one of those before, for the order. */
const SLICE = 256;

const text: Check = (value, at) => {
  if (typeof value !== "string") throw wrong(at, "text");
};

const flag: Check = (value, at) => {
  if (typeof value !== "boolean") throw wrong(at, "true or false");
};

const byteCount: Check = (value, at) => {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw wrong(at, "a number of bytes");
};

const timestamp: Check = (value, at) => {
  // The pattern first: `Date` reads many other spellings. Then the round trip, for 30 February and the like.
  const well = typeof value === "string" && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(value);
  const time = well ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(time) || new Date(time).toISOString() !== value) {
    throw wrong(at, "a time such as 2026-11-21T10:40:00.000Z");
  }
};

const address: Check = (value, at) => {
  if (typeof value !== "string" || !value.startsWith(`${PRIMARY_ALGORITHM}:`)) {
    throw wrong(at, `a ${PRIMARY_ALGORITHM} content address`);
  }
  parseContentAddress(value);
};

const digests: Check = (value, at) => {
  if (!isMap(value) || !Object.hasOwn(value, "sha256")) throw wrong(at, "digests by algorithm, with sha256");
  for (const algorithm of Object.keys(value)) {
    const hex = value[algorithm];
    if (!isAlgorithm(algorithm) || algorithm === PRIMARY_ALGORITHM || typeof hex !== "string") {
      throw wrong(`${at}.${algorithm}`, "the hex digest of a known algorithm other than the primary one");
    }
    createDigest(algorithm, hex);
  }
};

const anyMap: Check = (value, at) => {
  if (!isMap(value)) throw wrong(at, "a map");
};

function exactly(wanted: string | number): Check {
  return (value, at) => {
    if (value !== wanted) throw wrong(at, JSON.stringify(wanted));
  };
}

function oneOf(...wanted: readonly string[]): Check {
  return (value, at) => {
    if (typeof value !== "string" || !wanted.includes(value)) throw wrong(at, wanted.join(", "));
  };
}

function orNull(check: Check): Check {
  return (value, at) => {
    if (value !== null) check(value, at);
  };
}

/** Exactly these fields. A field that this version does not know would be lost on the way through: refused. */
function record(fields: Readonly<Record<string, Check>>): Check {
  const names = Object.keys(fields);
  return (value, at) => {
    if (!isMap(value)) throw wrong(at, "a map");
    for (const name of names) {
      if (!Object.hasOwn(value, name)) throw wrong(`${at}.${name}`, "present");
      (fields[name] as Check)(value[name], `${at}.${name}`);
    }
    if (Object.keys(value).length === names.length) return;
    const unknown = Object.keys(value).find((name) => !Object.hasOwn(fields, name));
    throw wrong(`${at}.${unknown}`, "absent: there is no such field");
  };
}

/** @param before Whether the second of two neighbours may follow the first. */
function list(item: Check, before?: (a: CborValue, b: CborValue) => boolean): Check {
  return (value, at) => {
    if (!Array.isArray(value)) throw wrong(at, "a list");
    for (let i = 0; i < value.length; i++) {
      item(value[i], `${at}[${i}]`);
      if (before !== undefined && i > 0 && !before(value[i - 1], value[i])) {
        throw wrong(`${at}[${i}]`, "after its predecessor, in order and without duplicates");
      }
    }
  };
}

const ENTRIES: Readonly<Record<string, Check>> = {
  file: record({
    kind: text,
    path: text,
    content_address: address,
    size: byteCount,
    digests,
    executable: flag,
    media_type: orNull(text),
  }),
  directory: record({ kind: text, path: text }),
  symlink: record({ kind: text, path: text, target: text }),
};

const entry: Check = (value, at) => {
  const kind = isMap(value) ? value.kind : undefined;
  if (typeof kind !== "string" || !Object.hasOwn(ENTRIES, kind)) {
    throw wrong(`${at}.kind`, Object.keys(ENTRIES).join(", "));
  }
  (ENTRIES[kind] as Check)(value, at);
};

type Keyed = { readonly path: string; readonly content_address: string; readonly backend_id: string };

const byPath = (a: CborValue, b: CborValue) => compareUtf8((a as Keyed).path, (b as Keyed).path) < 0;

const byObject = (a: CborValue, b: CborValue) =>
  (compareUtf8((a as Keyed).content_address, (b as Keyed).content_address) ||
    compareUtf8((a as Keyed).backend_id, (b as Keyed).backend_id)) < 0;

/** The lists that may be as long as they like. */
export const LONG_LISTS = {
  files: list(entry, byPath),
  storage_receipts: list(
    record({ backend_id: text, content_address: address, size: byteCount, stored_at: timestamp }),
    byObject,
  ),
} as const;

const manifest: Check = record({
  manifest_version: exactly(MANIFEST_VERSION),
  package: record({
    package_id: text,
    tenant: text,
    name: text,
    version: orNull(text),
    created_at: timestamp,
    retention_class: text,
    metadata: anyMap,
    metadata_schema: orNull(text),
    external_refs: list(record({ system: text, id: text, url: orNull(text) })),
  }),
  ...LONG_LISTS,
  retention_summary: record({
    retention_class: text,
    mode: oneOf("none", "governance", "compliance"),
    expires_at: orNull(timestamp),
  }),
  provenance: record({ created_by: text, finalized_by: text, finalized_at: timestamp }),
});

function isMap(value: unknown): value is Readonly<Record<string, CborValue>> {
  return typeof value === "object" && value !== null && isPlainObject(value);
}

function wrong(at: string, wanted: string): RegistryError {
  const place = at.replace(/^\./, "");
  return new RegistryError("invalid_argument", `Not a manifest: ${place || "it"} must be ${wanted}`, {
    at: place,
    wanted,
  });
}
