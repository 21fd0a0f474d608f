import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { utf8 } from "../../../core/base/bytes.ts";
import { type CborValue, encodeCbor, MAX_DEPTH } from "../../../core/base/cbor.ts";
import { fromJson, jcs, parseJcs, toJson } from "../../../core/base/jcs.ts";
import { cborValue, codeOf, same } from "./values.ts";

const text = (value: unknown) => new TextDecoder("utf-8", { ignoreBOM: true }).decode(jcs(value as CborValue));
const nested = (levels: number, inner: CborValue): CborValue => (levels === 0 ? inner : [nested(levels - 1, inner)]);

describe("toJson()", () => {
  test("writes bytes, large integers and dollar keys as documented", () => {
    const value = { data: Uint8Array.of(0xfb, 0xff, 0), big: 2n ** 53n, small: 5n, $x: 1, $$y: 2, $bytes: "no" };
    expect(toJson(value)).toEqual({
      data: { $bytes: "-_8A" },
      big: { $int: "9007199254740992" },
      small: 5,
      $$x: 1,
      $$$y: 2,
      $$bytes: "no",
    });
  });

  test("refuses what encodeCbor() refuses", () => {
    for (const value of [undefined, Number.NaN, 2 ** 53, "\ud800", { "\ud800": 1 }, new Date(0), [() => 1]]) {
      expect(codeOf(() => toJson(value as CborValue))).toBe("invalid_argument");
      expect(codeOf(() => jcs(value as CborValue))).toBe("invalid_argument");
    }
  });
});

describe("fromJson()", () => {
  test("is the inverse of toJson()", () => {
    fc.assert(
      fc.property(cborValue, (value) => same(fromJson(toJson(value)), value)),
      { numRuns: 2000 },
    );
  });

  const REFUSED: readonly [string, unknown][] = [
    ["an unknown reserved key", { $date: "x" }],
    ["a reserved key beside another", { $bytes: "AA", other: 1 }],
    ["a bare dollar", { $: 1 }],
    ["base64 with padding", { $bytes: "AA==" }],
    ["base64 of the other alphabet", { $bytes: "+/8A" }],
    ["base64 with stray bits", { $bytes: "AB" }],
    ["base64 of an impossible length", { $bytes: "A" }],
    ["bytes that are not text", { $bytes: 1 }],
    ["$int for a small integer", { $int: "5" }],
    ["$int at the border of the safe integers", { $int: "9007199254740991" }],
    ["$int with a leading zero", { $int: "09007199254740992" }],
    ["$int with a plus", { $int: "+9007199254740992" }],
    ["$int beyond 64 bits", { $int: "18446744073709551616" }],
    ["a rounded number", JSON.parse("9007199254740993")],
    ["a class instance", new Date(0)],
    ["a byte array, which JSON does not have", new Uint8Array(1)],
    ["undefined", [undefined]],
    ["too many levels", nested(MAX_DEPTH + 1, null)],
    ["enough levels to overflow a stack", JSON.parse("[".repeat(200_000) + "]".repeat(200_000))],
  ];
  for (const [what, json] of REFUSED) {
    test(`refuses ${what}`, () => {
      expect(codeOf(() => fromJson(json))).toBe("invalid_argument");
    });
  }
});

describe("jcs()", () => {
  test("writes the example of RFC 8785, section 3.2.2, byte for byte", () => {
    const value = JSON.parse(
      '{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],' +
        '"string":"\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/","literals":[null,true,false]}',
    );
    value.numbers.splice(1, 1); // 1e30 is an integer beyond 2^53: refused as a number
    expect(text(value)).toBe(
      '{"literals":[null,true,false],"numbers":[333333333.3333333,4.5,0.002,1e-27],' +
        '"string":"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    );
  });

  test("sorts keys by UTF-16 units, as RFC 8785, section 3.2.3 shows", () => {
    const keys = ["\u20ac", "\r", "\ufb33", "1", "\u{1f600}", "\u0080", "\u00f6"];
    const sorted = ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\u{1f600}", "\ufb33"];
    const value = Object.fromEntries(keys.map((key) => [key, key]));
    expect(text(value)).toBe(`{${sorted.map((key) => `${JSON.stringify(key)}:${JSON.stringify(key)}`).join(",")}}`);
  });

  test("leads back to the same CBOR", () => {
    fc.assert(
      fc.property(cborValue, (value) => same(encodeCbor(parseJcs(jcs(value))), encodeCbor(value))),
      { numRuns: 2000 },
    );
  });

  test("is different for different values", () => {
    fc.assert(
      fc.property(cborValue, cborValue, (a, b) => same(a, b) === (text(a) === text(b))),
      { numRuns: 2000 },
    );
  });
});

describe("parseJcs()", () => {
  const REFUSED: readonly [string, string][] = [
    ["nothing", ""],
    ["duplicate keys", '{"a":1,"a":2}'],
    ["duplicate keys with equal values", '{"a":1,"a":1}'],
    ["a duplicate key in another spelling", '{"a":1,"\\u0061":1}'],
    ["a duplicate __proto__", '{"__proto__":1,"__proto__":1}'],
    ["unsorted keys", '{"b":1,"a":2}'],
    ["white space", '{"a": 1}'],
    ["a trailing newline", "1\n"],
    ["another spelling of a number", "1.0"],
    ["-0", "-0"],
    ["an exponent that is not needed", "1e3"],
    ["an integer that JSON rounds", "9007199254740993"],
    ["an integer that was rounded", "1e300"],
    ["an escape that is not needed", '"\\u0041"'],
    ["a lone surrogate", '"\\ud800"'],
    ["a byte order mark", "\ufeff1"],
    ["an unknown reserved key", '{"$date":1}'],
    ["cut text", '{"a":'],
    ["two values", "1 2"],
  ];
  for (const [what, json] of REFUSED) {
    test(`refuses ${what}`, () => {
      expect(codeOf(() => parseJcs(utf8(json)))).toBe("non_canonical");
    });
  }

  test("refuses bytes that are not UTF-8", () => {
    expect(codeOf(() => parseJcs(Uint8Array.of(0x22, 0xff, 0x22)))).toBe("non_canonical");
  });

  test("reads the deepest value and refuses deeper ones", () => {
    const deepest = nested(MAX_DEPTH, Uint8Array.of(1));
    expect(same(parseJcs(jcs(deepest)), deepest)).toBe(true);
    expect(codeOf(() => parseJcs(utf8("[".repeat(MAX_DEPTH + 1) + "]".repeat(MAX_DEPTH + 1))))).toBe("non_canonical");
    expect(codeOf(() => parseJcs(utf8("[".repeat(200_000) + "]".repeat(200_000))))).toBe("non_canonical");
  });

  test("refuses input above the size limit", () => {
    expect(codeOf(() => parseJcs(utf8("[1,2]"), { maxBytes: 4 }))).toBe("limit_exceeded");
  });

  test("keeps a leading U+FEFF inside text", () => {
    expect(parseJcs(jcs("\ufeffname"))).toBe("\ufeffname");
  });
});
