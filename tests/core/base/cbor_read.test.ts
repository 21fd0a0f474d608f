import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { fromHex } from "../../../core/base/bytes.ts";
import { decodeCbor, decodeTrustedCbor, encodeCbor } from "../../../core/base/cbor.ts";
import vectors from "../../vectors/cbor.json" with { type: "json" };
import { cborValue, codeOf, same } from "./values.ts";

describe("decodeTrustedCbor()", () => {
  test("reads every golden vector as the strict decoder does", () => {
    for (const { hex } of vectors.cases) {
      expect(same(decodeTrustedCbor(fromHex(hex)), decodeCbor(fromHex(hex)))).toBe(true);
    }
  });

  test("reads whatever was written as the strict decoder does", () => {
    fc.assert(
      fc.property(cborValue, (value) => {
        const bytes = encodeCbor(value);
        expect(same(decodeTrustedCbor(bytes), decodeCbor(bytes))).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  test("keeps byte strings apart from the bytes that it read", () => {
    const bytes = encodeCbor([Uint8Array.of(1, 2, 3)]);
    const [read] = decodeTrustedCbor(bytes) as [Uint8Array];
    bytes.fill(0);
    expect(read).toEqual(Uint8Array.of(1, 2, 3));
  });

  test("reads inside its array's window", () => {
    const inner = encodeCbor({ a: [1.5, -70_000, "x"] });
    const outer = new Uint8Array(inner.length + 20).fill(0xff);
    outer.set(inner, 7);
    expect(decodeTrustedCbor(outer.subarray(7, 7 + inner.length))).toEqual({ a: [1.5, -70_000, "x"] });
  });

  test("refuses every cut of a value, and a trailing byte", () => {
    const bytes = encodeCbor({ text: "abc", bytes: new Uint8Array(40), list: [1, 1000, 2 ** 40, 1.1, null, true] });
    for (let end = 0; end < bytes.length; end++) {
      expect(codeOf(() => decodeTrustedCbor(bytes.subarray(0, end)))).toBe("non_canonical");
    }
    expect(codeOf(() => decodeTrustedCbor(new Uint8Array([...bytes, 0])))).toBe("non_canonical");
  });

  test("never reads out of bounds or allocates by a claimed length, whatever the bytes", () => {
    for (const bomb of ["9affffffff", "bbffffffffffffffff", "5bffffffffffffffff", "7affffffff61"]) {
      expect(codeOf(() => decodeTrustedCbor(fromHex(bomb)))).toBe("non_canonical");
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        try {
          decodeTrustedCbor(bytes);
        } catch (error) {
          // Invalid UTF-8 is the platform's own TypeError.
          expect(error instanceof TypeError || codeOf(() => decodeTrustedCbor(bytes)) === "non_canonical").toBe(true);
        }
      }),
      { numRuns: 5000 },
    );
  });
});
