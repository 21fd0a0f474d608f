import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ByteCache } from "../../../core/base/byte_cache.ts";

const OVERHEAD = 128;
const bytesOf = (length: number, fill = 1) => new Uint8Array(length).fill(fill);

describe("ByteCache", () => {
  test("gives what was put, and nothing else", () => {
    const cache = new ByteCache<string>(10_000);
    cache.put("a", bytesOf(3));
    expect(cache.get("a")).toEqual(bytesOf(3));
    expect(cache.get("b")).toBeUndefined();
  });

  test("keeps its own copy, whatever becomes of what was put and of what it gave", () => {
    const cache = new ByteCache<string>(10_000);
    const given = bytesOf(3);
    cache.put("a", given);
    given.fill(9);
    cache.get("a")?.fill(8);
    expect(cache.get("a")).toEqual(bytesOf(3));
  });

  test("lets go of what was not asked for the longest", () => {
    const cache = new ByteCache<string>(2 * (100 + OVERHEAD));
    cache.put("a", bytesOf(100));
    cache.put("b", bytesOf(100));
    cache.get("a");
    cache.put("c", bytesOf(100));
    expect(["a", "b", "c"].map((key) => cache.get(key) !== undefined)).toEqual([true, false, true]);
  });

  test("does not keep what is larger than its room, nor empties itself for it", () => {
    const cache = new ByteCache<string>(1000);
    cache.put("a", bytesOf(10));
    cache.put("b", bytesOf(1000 - OVERHEAD + 1));
    expect(cache.get("b")).toBeUndefined();
    expect(cache.get("a")).toEqual(bytesOf(10));
    cache.put("c", bytesOf(1000 - OVERHEAD));
    expect(cache.get("c")).toBeDefined();
    expect(cache.get("a")).toBeUndefined();
  });

  test("answers like a list of the last used ones, whatever is done to it", () => {
    const step = fc.record({ key: fc.nat(6), size: fc.option(fc.nat(400)) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const room = 1200;
        const cache = new ByteCache<number>(room);
        let model: { key: number; size: number }[] = [];
        for (const [turn, { key, size }] of steps.entries()) {
          const known = model.find((entry) => entry.key === key);
          if (size === null) {
            expect(cache.get(key)?.length).toBe(known?.size);
            if (known !== undefined) model = [...model.filter((entry) => entry !== known), known];
            continue;
          }
          cache.put(key, bytesOf(size, turn));
          model = [...model.filter((entry) => entry !== known), { key, size }];
          while (model.reduce((sum, entry) => sum + entry.size + OVERHEAD, 0) > room) model.shift();
        }
      }),
    );
  });
});
