import { describe, expect, test } from "bun:test";
import { abortable, collect, limit, toIterable, toStream } from "../../../core/base/stream.ts";
import { codeOfAsync } from "./values.ts";

/** A source that counts what was taken from it and says when it was let go. */
function counting(chunks: number) {
  const seen = { taken: 0, released: false };
  async function* source() {
    try {
      for (let i = 0; i < chunks; i++) {
        seen.taken++;
        yield Uint8Array.of(i);
      }
    } finally {
      seen.released = true;
    }
  }
  return { seen, source: source() };
}

function countingStream(chunks: number) {
  const seen = { taken: 0, cancelled: false };
  const stream = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (seen.taken === chunks) controller.close();
        else controller.enqueue(Uint8Array.of(seen.taken++));
      },
      cancel() {
        seen.cancelled = true;
      },
    },
    { highWaterMark: 0 },
  );
  return { seen, stream };
}

describe("toIterable()", () => {
  test("hands out every chunk of a stream and unlocks it", async () => {
    const { stream } = countingStream(5);
    expect(await collect(stream, 100)).toEqual(Uint8Array.of(0, 1, 2, 3, 4));
    expect(stream.locked).toBe(false);
  });

  test("takes a chunk only when asked, and cancels the stream when left early", async () => {
    const { seen, stream } = countingStream(1000);
    for await (const chunk of toIterable(stream)) if (chunk[0] === 2) break;
    expect(seen).toEqual({ taken: 3, cancelled: true });
    expect(stream.locked).toBe(false);
  });

  test("passes the stream's own error through", async () => {
    const stream = new ReadableStream<Uint8Array>({
      pull() {
        throw new Error("cable cut");
      },
    });
    await expect(collect(stream, 100)).rejects.toThrow("cable cut");
  });
});

describe("toStream()", () => {
  test("reads nothing ahead, and releases the source when cancelled", async () => {
    const { seen, source } = counting(1000);
    const reader = toStream(source).getReader();
    await reader.read();
    await reader.read();
    await Bun.sleep(5);
    expect(seen.taken).toBe(2);
    await reader.cancel();
    expect(seen.released).toBe(true);
  });

  test("passes over empty chunks and ends", async () => {
    async function* source() {
      yield new Uint8Array(0);
      yield Uint8Array.of(1);
      yield new Uint8Array(0);
    }
    expect(await collect(toStream(source()), 10)).toEqual(Uint8Array.of(1));
  });

  test("fails as its source fails", async () => {
    async function* source(): AsyncGenerator<Uint8Array> {
      yield Uint8Array.of(1);
      throw new Error("disk gone");
    }
    await expect(collect(toStream(source()), 10)).rejects.toThrow("disk gone");
  });
});

describe("limit() and collect()", () => {
  test("let exactly the limit pass", async () => {
    expect((await collect(counting(4).source, 4)).length).toBe(4);
  });

  test("refuse the first chunk beyond it and release the source", async () => {
    const { seen, source } = counting(1000);
    expect(await codeOfAsync(collect(limit(source, 4), 100))).toBe("limit_exceeded");
    expect(seen).toEqual({ taken: 5, released: true });
  });
});

describe("abortable()", () => {
  test("ends a stalled stream at once and cancels it", async () => {
    let cancelled = false;
    const stalled = new ReadableStream<Uint8Array>({
      cancel() {
        cancelled = true;
      },
    });
    const controller = new AbortController();
    const run = codeOfAsync(Array.fromAsync(abortable(toIterable(stalled), controller.signal)));
    setTimeout(() => controller.abort(), 5);
    expect(await run).toBe("cancelled");
    expect(cancelled).toBe(true);
  });

  test("ends while a generator is stalled, without waiting for it", async () => {
    async function* source(): AsyncGenerator<Uint8Array> {
      yield Uint8Array.of(1);
      await new Promise(() => {});
    }
    const controller = new AbortController();
    const run = codeOfAsync(Array.fromAsync(abortable(source(), controller.signal)));
    setTimeout(() => controller.abort(), 5);
    expect(await run).toBe("cancelled");
  });

  test("takes nothing when the signal has already fired", async () => {
    const { seen, source } = counting(10);
    expect(await codeOfAsync(Array.fromAsync(abortable(source, AbortSignal.abort())))).toBe("cancelled");
    expect(seen.taken).toBe(0);
  });

  test("waits for the source to be released when its reader leaves early", async () => {
    const { seen, source } = counting(10);
    for await (const chunk of abortable(source, new AbortController().signal)) if (chunk[0] === 1) break;
    expect(seen).toEqual({ taken: 2, released: true });
  });
});
