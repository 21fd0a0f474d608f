import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { fromHex, toHex } from "../../../core/base/bytes.ts";
import {
  ALGORITHMS,
  type Algorithm,
  contentAddress,
  createDigest,
  digestOf,
  parseContentAddress,
  parseDigest,
} from "../../../core/identity/mod.ts";
import { codeOf } from "../base/values.ts";

const HEX = "0123456789abcdef".repeat(4);

describe("parseDigest() and parseContentAddress()", () => {
  test("read back what they write, for every algorithm", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...(Object.keys(ALGORITHMS) as Algorithm[])),
        fc.infiniteStream(fc.nat(255)),
        (algorithm, random) => {
          const bytes = Uint8Array.from(random.take(ALGORITHMS[algorithm].length));
          const digest = createDigest(algorithm, bytes);
          expect(parseDigest(digest.toString()).equals(digest)).toBe(true);
          expect(digestOf(parseContentAddress(contentAddress(digest))).hex).toBe(toHex(bytes));
        },
      ),
    );
  });

  const MALFORMED: readonly [string, string][] = [
    ["nothing", ""],
    ["no algorithm", HEX],
    ["an empty algorithm", `:${HEX}`],
    ["an unknown algorithm", `md5:${HEX.slice(0, 32)}`],
    ["a name from Object.prototype", `constructor:${HEX}`],
    ["an algorithm in capitals", `SHA256:${HEX}`],
    ["capitals in the hex", `sha256:${HEX.toUpperCase()}`],
    ["one digit too few", `sha256:${HEX.slice(1)}`],
    ["one digit too many", `sha256:${HEX}0`],
    ["the length of another algorithm", `sha512:${HEX}`],
    ["a digit that is none", `sha256:${HEX.slice(1)}g`],
    ["a trailing newline", `sha256:${HEX}\n`],
    ["a trailing space", `sha256:${HEX} `],
    ["a path", `sha256:../${HEX.slice(3)}`],
    ["a very long text", `sha256:${"a".repeat(100_000)}`],
  ];
  for (const [what, text] of MALFORMED) {
    test(`refuse ${what}`, () => {
      expect(codeOf(() => parseDigest(text))).toBe("invalid_digest");
      expect(codeOf(() => parseContentAddress(text))).toBe("invalid_digest");
    });
  }
});

describe("Digest", () => {
  test("is frozen, equal by value, and writes itself as text", () => {
    const digest = createDigest("sha256", HEX);
    expect(Object.isFrozen(digest)).toBe(true);
    expect(digest.equals(createDigest("sha256", fromHex(HEX)))).toBe(true);
    expect(digest.equals(createDigest("blake3", HEX))).toBe(false);
    expect(JSON.stringify({ digest })).toBe(`{"digest":"sha256:${HEX}"}`);
  });

  test("names the same thing as a Map key when it is an address", () => {
    const seen = new Map([[parseContentAddress(`blake3:${HEX}`), 1]]);
    expect(seen.get(contentAddress(createDigest("blake3", HEX)))).toBe(1);
  });
});

describe("fromHex()", () => {
  test("is the inverse of toHex()", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => toHex(fromHex(toHex(bytes))) === toHex(bytes)));
    expect(fromHex("00ff7f80")).toEqual(Uint8Array.of(0, 255, 127, 128));
  });
});
