import { describe, expect, test } from "bun:test";
import { createChunkPool } from "../../../core/base/chunk_pool.ts";

describe("createChunkPool()", () => {
  test("memory that is given back is handed out again, at any length up to its size", () => {
    const pool = createChunkPool({ small: 100, large: 100 });
    const first = pool.take(100);
    expect(pool.take(100).buffer).not.toBe(first.buffer);
    pool.giveBack(first);
    const again = pool.take(7);
    expect([again.buffer === first.buffer, again.length]).toEqual([true, 7]);
  });

  test("nothing is handed out twice that was given back twice", () => {
    const pool = createChunkPool({ small: 100, large: 100 });
    const chunk = pool.take(100);
    pool.giveBack(chunk);
    pool.giveBack(chunk);
    expect(pool.take(100).buffer).not.toBe(pool.take(100).buffer);
  });

  test("what is not its own, or only a part of it, is passed over", () => {
    const pool = createChunkPool({ small: 100, large: 100 });
    const [stranger, chunk] = [new Uint8Array(100), pool.take(100)];
    pool.giveBack(stranger);
    pool.giveBack(chunk.subarray(0, 50));
    pool.giveBack(new Uint8Array(chunk.buffer));
    const next = [pool.take(100).buffer, pool.take(100).buffer];
    expect(next).not.toContain(stranger.buffer);
    expect(next).not.toContain(chunk.buffer);
  });

  test("larger chunks are fresh, and no more is kept than allowed", () => {
    const pool = createChunkPool({ small: 100, large: 100, keep: 250 });
    const large = pool.take(101);
    pool.giveBack(large);
    expect(pool.take(101).buffer).not.toBe(large.buffer);
    const lent = [pool.take(100), pool.take(100), pool.take(100)];
    for (const chunk of lent) pool.giveBack(chunk);
    const taken = lent.map(() => pool.take(100).buffer);
    expect(lent.filter(({ buffer }) => taken.includes(buffer))).toHaveLength(2);
  });

  test("adopted memory is freed when it is given back, unless somebody else has a part of it", () => {
    const pool = createChunkPool({ small: 100, large: 100 });
    const [whole, part] = [new Uint8Array(50), new Uint8Array(50).subarray(10)];
    for (const chunk of [whole, part]) {
      pool.adopt(chunk);
      pool.giveBack(chunk);
    }
    expect([whole.length, part.length]).toEqual([0, 40]);
    expect(pool.take(50).buffer).not.toBe(part.buffer);
  });

  test("chunks are large while few of them are out", () => {
    const pool = createChunkPool({ small: 10, large: 40, mostLarge: 2 });
    const [first, second] = [pool.take(pool.size), pool.take(pool.size)];
    expect([first.length, second.length, pool.size]).toEqual([40, 40, 10]);
    expect(pool.take(pool.size).buffer.byteLength).toBe(10);
    pool.giveBack(first);
    pool.giveBack(first);
    expect(pool.size).toBe(40);
    // The end of a file is as long as it is, in memory of the size that it needs.
    expect([pool.take(11).buffer === first.buffer, pool.take(9).buffer.byteLength]).toEqual([true, 10]);
    expect(pool.size).toBe(10);
  });

  test("large chunks that nobody gave back are out no longer than the collector takes", async () => {
    const pool = createChunkPool({ small: 10, large: 40, mostLarge: 1 });
    (() => pool.take(40).fill(1))();
    expect(pool.size).toBe(10);
    for (let round = 0; round < 200 && pool.size === 10; round++) {
      Bun.gc(true);
      await Bun.sleep(5);
    }
    expect(pool.size).toBe(40);
  });

  test("shares its large chunks with other threads if told to, and uses them again", () => {
    const pool = createChunkPool({ small: 10, large: 40, mostLarge: 2, shared: true });
    const first = pool.take(40);
    expect(first.buffer).toBeInstanceOf(SharedArrayBuffer);
    expect(pool.take(10).buffer).toBeInstanceOf(ArrayBuffer);
    pool.giveBack(first);
    expect(pool.take(30).buffer).toBe(first.buffer);
    expect(createChunkPool({ small: 10, large: 40 }).take(40).buffer).toBeInstanceOf(ArrayBuffer);
  });
});
