import { describe, expect, test } from "bun:test";
import { createChunkPool } from "../../../core/base/chunk_pool.ts";

describe("createChunkPool()", () => {
  test("memory that is given back is handed out again, at any length up to its size", () => {
    const pool = createChunkPool(100);
    const first = pool.take(100);
    expect(pool.take(100).buffer).not.toBe(first.buffer);
    pool.giveBack(first);
    const again = pool.take(7);
    expect([again.buffer === first.buffer, again.length]).toEqual([true, 7]);
  });

  test("nothing is handed out twice that was given back twice", () => {
    const pool = createChunkPool(100);
    const chunk = pool.take(100);
    pool.giveBack(chunk);
    pool.giveBack(chunk);
    expect(pool.take(100).buffer).not.toBe(pool.take(100).buffer);
  });

  test("what is not its own, or only a part of it, is passed over", () => {
    const pool = createChunkPool(100);
    const [stranger, chunk] = [new Uint8Array(100), pool.take(100)];
    pool.giveBack(stranger);
    pool.giveBack(chunk.subarray(0, 50));
    pool.giveBack(new Uint8Array(chunk.buffer));
    const next = [pool.take(100).buffer, pool.take(100).buffer];
    expect(next).not.toContain(stranger.buffer);
    expect(next).not.toContain(chunk.buffer);
  });

  test("larger chunks are fresh, and no more is kept than allowed", () => {
    const pool = createChunkPool(100, 250);
    const large = pool.take(101);
    pool.giveBack(large);
    expect(pool.take(101).buffer).not.toBe(large.buffer);
    const lent = [pool.take(100), pool.take(100), pool.take(100)];
    for (const chunk of lent) pool.giveBack(chunk);
    const taken = lent.map(() => pool.take(100).buffer);
    expect(lent.filter(({ buffer }) => taken.includes(buffer))).toHaveLength(2);
  });

  test("adopted memory is freed when it is given back, unless somebody else has a part of it", () => {
    const pool = createChunkPool(100);
    const [whole, part] = [new Uint8Array(50), new Uint8Array(50).subarray(10)];
    for (const chunk of [whole, part]) {
      pool.adopt(chunk);
      pool.giveBack(chunk);
    }
    expect([whole.length, part.length]).toEqual([0, 40]);
    expect(pool.take(50).buffer).not.toBe(part.buffer);
  });
});
