import { describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { loadHasher } from "../../../adapters/hasher.ts";
import { fromHex, toHex, utf8 } from "../../../core/base/bytes.ts";
import { RegistryError } from "../../../core/base/errors.ts";
import {
  decodeManifest,
  encodeManifest,
  type Manifest,
  manifestDigest,
  manifestFromJcs,
  manifestToJcs,
} from "../../../core/manifest/mod.ts";
import { codeOf, same } from "../base/values.ts";
import { manifest } from "./arbitrary.ts";

const vectors = join(import.meta.dir, "../../vectors/manifest");
const hasher = await loadHasher();

interface Golden {
  readonly digest: string;
  readonly cbor: string;
  readonly jcs: string;
}
const golden = (name: string): Promise<Golden> => Bun.file(join(vectors, name)).json();
const text = (bytes: Uint8Array) => new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
const typical = fromHex((await golden("typical.json")).cbor);

describe("the golden manifests", () => {
  const names = readdirSync(vectors);

  test("are there", () => {
    expect(names.toSorted()).toEqual(["awkward.json", "minimal.json", "typical.json"]);
  });

  for (const name of names) {
    test(`${name} has the same bytes, JSON and digest as ever`, async () => {
      const wanted = await golden(name);
      const decoded = decodeManifest(fromHex(wanted.cbor));
      expect(toHex(encodeManifest(decoded))).toBe(wanted.cbor);
      expect(text(manifestToJcs(decoded))).toBe(wanted.jcs);
      expect(toHex(encodeManifest(manifestFromJcs(utf8(wanted.jcs))))).toBe(wanted.cbor);
      expect(String(manifestDigest(decoded, hasher))).toBe(wanted.digest);
      expect(String(manifestDigest(fromHex(wanted.cbor), hasher))).toBe(wanted.digest);
    });
  }
});

describe("the codecs", () => {
  test("decodeManifest() gives back what encodeManifest() was given", () => {
    fc.assert(
      fc.property(manifest, (value) => same(decodeManifest(encodeManifest(value)), value)),
      { numRuns: 300 },
    );
  });

  test("the JSON projection leads back to the same bytes", () => {
    fc.assert(
      fc.property(manifest, (value) => {
        expect(toHex(encodeManifest(manifestFromJcs(manifestToJcs(value))))).toBe(toHex(encodeManifest(value)));
      }),
      { numRuns: 300 },
    );
  });

  const flipped = (bytes: Uint8Array, at: number, bit: number) =>
    bytes.map((byte, index) => (index === at ? byte ^ (1 << bit) : byte));

  /** Whether these bytes are refused; if not, checks that they are the one encoding of a manifest unlike `original`. */
  function refusedOrOther(bytes: Uint8Array, original: Manifest): boolean {
    let other: Manifest;
    try {
      other = decodeManifest(bytes);
    } catch (error) {
      if (error instanceof RegistryError) return true;
      throw error;
    }
    expect(same(other, original)).toBe(false);
    expect(toHex(encodeManifest(other))).toBe(toHex(bytes));
    return false;
  }

  test("every flipped bit is refused or makes another manifest, never the same one", async () => {
    const minimal = fromHex((await golden("minimal.json")).cbor);
    let refused = 0;
    for (const [bytes, bits] of [
      [minimal, [0, 1, 2, 3, 4, 5, 6, 7]],
      [typical, [0]],
      [typical, [5]],
    ] as const) {
      const original = decodeManifest(bytes);
      for (let at = 0; at < bytes.length; at++) {
        for (const bit of bits) refused += Number(refusedOrOther(flipped(bytes, at, bit), original));
      }
    }
    expect(refused).toBeGreaterThan(1000);
  }, 30_000);

  test("every cut is refused, and so is every byte added", () => {
    for (let length = 0; length < typical.length; length++) {
      expect(codeOf(() => decodeManifest(typical.subarray(0, length)))).toBe("non_canonical");
    }
    expect(codeOf(() => decodeManifest(Uint8Array.from([...typical, 0])))).toBe("non_canonical");
  });

  test("input above the size limit is refused unread", () => {
    expect(codeOf(() => decodeManifest(typical, { maxBytes: typical.length - 1 }))).toBe("limit_exceeded");
    expect(codeOf(() => manifestFromJcs(utf8("{}"), { maxBytes: 1 }))).toBe("limit_exceeded");
  });
});
