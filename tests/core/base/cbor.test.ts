import { describe, expect, test } from "bun:test";
import { encode, rfc8949EncodeOptions } from "cborg";
import fc from "fast-check";
import { fromHex, toHex } from "../../../core/base/bytes.ts";
import { type CborValue, decodeCbor, encodeCbor, MAX_DEPTH } from "../../../core/base/cbor.ts";
import { fromJson } from "../../../core/base/jcs.ts";
import vectors from "../../vectors/cbor.json" with { type: "json" };
import { cborValue, codeOf, same } from "./values.ts";

const hex = (value: unknown) => toHex(encodeCbor(value as CborValue));
const unhex = (text: string) => decodeCbor(fromHex(text));
const nested = (levels: number, inner: CborValue = null): CborValue =>
  levels === 0 ? inner : [nested(levels - 1, inner)];

describe("the golden vectors", () => {
  for (const { hex: wanted, json } of vectors.cases) {
    test(`${wanted.length > 40 ? `${wanted.slice(0, 40)}...` : wanted} is written and read`, () => {
      const value = fromJson(json);
      expect(hex(value)).toBe(wanted);
      expect(same(unhex(wanted), value)).toBe(true);
    });
  }
});

describe("encodeCbor()", () => {
  test("agrees with cborg's own RFC 8949 mode on every value", () => {
    fc.assert(
      fc.property(cborValue, (value) => {
        expect(hex(value)).toBe(toHex(encode(value, rfc8949EncodeOptions)));
      }),
      { numRuns: 2000 },
    );
  });

  test("sorts keys by their encoded bytes, not by UTF-16 units", () => {
    expect(hex({ "\u{1f600}": 1, "\uff5e": 2, b: 3, aa: 4, a: 5 })).toBe(
      "a5616105616203626161" + "0463efbd9e0264f09f988001",
    );
  });

  test("does not care in which order keys were set", () => {
    expect(hex({ a: 1, b: { c: 2, d: 3 } })).toBe(hex({ b: { d: 3, c: 2 }, a: 1 }));
  });

  test("turns -0 into 0", () => {
    expect(hex(-0)).toBe("00");
  });

  test("writes a bigint like the equal number, and reads it back as the number", () => {
    for (const integer of [0n, 23n, 24n, -1n, -256n, 65536n, 2n ** 53n - 1n, -(2n ** 53n) + 1n]) {
      expect(hex(integer)).toBe(hex(Number(integer)));
      expect(unhex(hex(integer))).toBe(Number(integer));
    }
  });

  test("hands out an array of its own, whatever the size", () => {
    for (const size of [0, 10, 100, 30_000, 100_000]) {
      const first = encodeCbor("x".repeat(size));
      const copy = first.slice();
      encodeCbor("y".repeat(size));
      expect(first).toEqual(copy);
      expect(first.constructor).toBe(Uint8Array);
      expect(first.buffer.byteLength).toBe(first.length);
    }
  });

  test("finds room for text of any width at any size", () => {
    for (const [unit, width] of [
      ["a", 1],
      ["\u00fc", 2],
      ["\u6c34", 3],
      ["\u{1f600}", 4],
    ] as const) {
      for (const count of [1, 16_380, 21_840, 32_768, 65_530, 70_000]) {
        expect(encodeCbor(unit.repeat(count)).length).toBe(
          width * count + (width * count < 24 ? 1 : width * count < 65_536 ? 3 : 5),
        );
      }
    }
  });

  const REFUSED: readonly [string, unknown][] = [
    ["undefined", undefined],
    ["undefined in a map", { a: undefined }],
    ["a hole in an array", new Array(1)],
    ["NaN", Number.NaN],
    ["Infinity", [Number.POSITIVE_INFINITY]],
    ["-Infinity", { a: Number.NEGATIVE_INFINITY }],
    ["2^53 as a number", 2 ** 53],
    ["-(2^53) as a number", -(2 ** 53)],
    ["1e300, an integer that was rounded", 1e300],
    ["a bigint above 64 bits", 2n ** 64n],
    ["a bigint below 64 bits", -(2n ** 64n) - 1n],
    ["a lone high surrogate", "a\ud800"],
    ["a lone low surrogate", ["\udc00a"]],
    ["a lone surrogate in a key", { "\ud800": 1 }],
    ["a Date", new Date(0)],
    ["a Map", new Map([["a", 1]])],
    ["a Set", new Set()],
    ["a class instance", new (class Odd {})()],
    ["another typed array", new Uint16Array(2)],
    ["an ArrayBuffer", new ArrayBuffer(2)],
    ["a boxed number", Object(1)],
    ["a function", () => 1],
    ["a symbol", Symbol("x")],
    ["too many levels", nested(MAX_DEPTH + 1)],
  ];
  for (const [what, value] of REFUSED) {
    test(`refuses ${what}`, () => {
      expect(codeOf(() => encodeCbor(value as CborValue))).toBe("invalid_argument");
    });
  }

  test("refuses a cycle", () => {
    const cycle: Record<string, unknown> = {};
    cycle.self = cycle;
    expect(codeOf(() => encodeCbor(cycle as CborValue))).toBe("invalid_argument");
  });

  test("takes objects without a prototype and Node Buffers for what they hold", () => {
    expect(hex(Object.assign(Object.create(null), { a: 1 }))).toBe("a1616101");
    expect(hex(Buffer.from("01ff", "hex"))).toBe("4201ff");
  });
});

describe("decodeCbor()", () => {
  test("reads back every value", () => {
    fc.assert(
      fc.property(cborValue, (value) => same(decodeCbor(encodeCbor(value)), value)),
      { numRuns: 2000 },
    );
  });

  const NOT_CANONICAL: readonly [string, string][] = [
    ["nothing", ""],
    ["trailing bytes", "0101"],
    ["an integer in two bytes that fits one", "1817"],
    ["an integer in three bytes", "1900ff"],
    ["an integer in five bytes", "1a0000ffff"],
    ["an integer in nine bytes", "1b00000000ffffffff"],
    ["a negative integer in two bytes", "3800"],
    ["a text length in two bytes", "780161"],
    ["a byte string length in three bytes", "59000101"],
    ["an array length in two bytes", "980101"],
    ["a map length in two bytes", "b801616101"],
    ["an indefinite array", "9f01ff"],
    ["an indefinite map", "bf616101ff"],
    ["indefinite text", "7f6161ff"],
    ["an indefinite byte string", "5f4101ff"],
    ["a lone break", "ff"],
    ["a break inside an array", "81ff"],
    ["a reserved length", "1c"],
    ["unsorted keys", "a2616201616102"],
    ["keys sorted by text rather than by encoding", "a262616101616202"],
    ["duplicate keys", "a2616101616102"],
    ["a duplicate __proto__ key", "a2695f5f70726f746f5f5f01695f5f70726f746f5f5f02"],
    ["an integer key", "a10102"],
    ["a byte string key", "a1416102"],
    ["a null key", "a1f602"],
    ["an array key", "a1806161"],
    ["a float for 1", "f93c00"],
    ["a float for 2^53", "fa5a000000"],
    ["a float for 1e300", "fb7e37e43c8800759c"],
    ["1.5 in four bytes", "fa3fc00000"],
    ["1.5 in eight bytes", "fb3ff8000000000000"],
    ["100000.5 in eight bytes", "fb40f86a0800000000"],
    ["-0.0", "f98000"],
    ["NaN", "f97e00"],
    ["another NaN", "fb7ff8000000000001"],
    ["Infinity", "f97c00"],
    ["undefined", "f7"],
    ["an unassigned simple value", "f0"],
    ["a simple value in two bytes", "f820"],
    ["false in two bytes", "f814"],
    ["a tag", "c11a514b67b0"],
    ["a bignum", "c249010000000000000000"],
    ["a byte that is not UTF-8", "61ff"],
    ["an over-long UTF-8 form", "62c080"],
    ["a surrogate in UTF-8", "63eda080"],
    ["truncated UTF-8", "62e6b0"],
    ["broken UTF-8 after a byte order mark", "64efbbbfff"],
    ["a missing item", "8201"],
    ["a missing value", "a16161"],
    ["a cut length", "19ff"],
    ["text longer than the input", "7a7fffffff61"],
    ["bytes longer than the input", "5bffffffffffffffff00"],
    ["an array longer than the input", "9bffffffffffffffff"],
    ["a map longer than the input", "bb7fffffffffffffff6161"],
  ];
  for (const [what, bytes] of NOT_CANONICAL) {
    test(`refuses ${what}`, () => {
      expect(codeOf(() => unhex(bytes))).toBe("non_canonical");
    });
  }

  test("accepts changed bytes only as the one encoding of another value", () => {
    fc.assert(
      fc.property(cborValue, fc.nat(), fc.integer({ min: 1, max: 255 }), (value, where, flip) => {
        const bytes = encodeCbor(value);
        const at = where % bytes.length;
        bytes[at] = (bytes[at] as number) ^ flip;
        let other: CborValue;
        try {
          other = decodeCbor(bytes);
        } catch (error) {
          return (
            codeOf(() => {
              throw error;
            }) === "non_canonical"
          );
        }
        return !same(other, value) && toHex(encodeCbor(other)) === toHex(bytes);
      }),
      { numRuns: 5000 },
    );
  }, 30_000);

  test("refuses random bytes or reads their one meaning, and never fails otherwise", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        let value: CborValue;
        try {
          value = decodeCbor(bytes);
        } catch (error) {
          return (
            codeOf(() => {
              throw error;
            }) === "non_canonical"
          );
        }
        return toHex(encodeCbor(value)) === toHex(bytes);
      }),
      { numRuns: 5000 },
    );
  });

  test("keeps a leading U+FEFF in values and keys", () => {
    for (const value of ["\ufeff", "\ufeffname.txt", { "\ufeffk": ["\ufeff\ufeff", "plain"], z: "a\ufeff" }]) {
      expect(same(decodeCbor(encodeCbor(value)), value)).toBe(true);
    }
  });

  test("keeps __proto__ an ordinary key", () => {
    const value = decodeCbor(encodeCbor(JSON.parse('{"__proto__":{"admin":true},"a":1}')));
    expect(Object.getOwnPropertyNames(value)).toEqual(["a", "__proto__"]);
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect((value as { admin?: boolean }).admin).toBeUndefined();
  });

  test("reads integers beyond 2^53 as bigint, on both sides of the border", () => {
    expect(unhex("1b001fffffffffffff")).toBe(2 ** 53 - 1);
    expect(unhex("1b0020000000000000")).toBe(2n ** 53n);
    expect(unhex("3b001ffffffffffffe")).toBe(-(2 ** 53) + 1);
    expect(unhex("3b001fffffffffffff")).toBe(-(2n ** 53n));
    expect(unhex("3bffffffffffffffff")).toBe(-(2n ** 64n));
  });

  test("reads what encodeCbor() writes at the deepest level, and nothing deeper", () => {
    const deepest = nested(MAX_DEPTH, new Uint8Array(1));
    expect(same(decodeCbor(encodeCbor(deepest)), deepest)).toBe(true);
    expect(codeOf(() => unhex(`${"81".repeat(MAX_DEPTH + 1)}00`))).toBe("non_canonical");
    expect(codeOf(() => unhex(`${"a16161".repeat(MAX_DEPTH + 1)}00`))).toBe("non_canonical");
    expect(codeOf(() => decodeCbor(fromHex("818100"), { maxDepth: 1 }))).toBe("non_canonical");
    expect(decodeCbor(fromHex("8100"), { maxDepth: 1 })).toEqual([0]);
  });

  test("refuses a million levels without running out of stack", () => {
    expect(codeOf(() => decodeCbor(new Uint8Array(1_000_000).fill(0x81)))).toBe("non_canonical");
  });

  test("refuses input above the size limit unread", () => {
    expect(codeOf(() => decodeCbor(new Uint8Array(11).fill(0xff), { maxBytes: 10 }))).toBe("limit_exceeded");
    expect(decodeCbor(fromHex("8100"), { maxBytes: 2 })).toEqual([0]);
  });

  test("hands out byte strings that do not change with the input", () => {
    const input = fromHex("43010203");
    const value = decodeCbor(input);
    input.fill(0);
    expect(value).toEqual(Uint8Array.of(1, 2, 3));
  });
});
