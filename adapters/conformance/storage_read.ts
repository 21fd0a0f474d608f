/** Cases about reading: ranges, early ends, deletion under a reader. */
import { check, checkBytes, checkEqual, checkRejects } from "./case.ts";
import { pattern, readAll, type StorageCase } from "./storage_context.ts";

const MIB = 1024 * 1024;

export const readCases: readonly StorageCase[] = [
  {
    name: "ranges give exactly their bytes, at every edge",
    async run(context) {
      const size = 2 * MIB + 3;
      const { location, bytes } = await context.put(pattern(size));
      const ranges: readonly (readonly [number, number])[] = [
        [0, size],
        [0, 1],
        [size - 1, size],
        [1, size - 1],
        [MIB - 1, MIB + 1],
        [MIB, 2 * MIB],
        [MIB + 1, MIB + 2],
        [2 * MIB, size],
        [4095, 4097],
      ];
      for (const [start, end] of ranges) {
        const found = await readAll(context.backend, location.key, { start, end });
        checkBytes(found, bytes.subarray(start, end), `range ${start}-${end}`);
      }
    },
  },
  {
    name: "an empty range gives nothing, an empty object too",
    async run(context) {
      const { location } = await context.put(pattern(10));
      for (const at of [0, 5, 10]) {
        const found = await readAll(context.backend, location.key, { start: at, end: at });
        checkEqual(found.length, 0, `bytes in range ${at}-${at}`);
      }
      const empty = await context.put([]);
      const found = await readAll(context.backend, empty.location.key, { start: 0, end: 0 });
      checkEqual(found.length, 0, "bytes in an empty object");
    },
  },
  {
    name: "a range outside of the object is refused",
    async run(context) {
      const { location } = await context.put(pattern(10));
      const bad: readonly (readonly [number, number])[] = [
        [0, 11],
        [10, 11],
        [11, 11],
        [-1, 5],
        [5, 4],
        [0.5, 2],
        [0, 2.5],
        [Number.NaN, 5],
        [0, Number.NaN],
        [0, Number.POSITIVE_INFINITY],
        [0, 2 ** 53],
      ];
      for (const [start, end] of bad) {
        const read = () => readAll(context.backend, location.key, { start, end });
        await checkRejects(read, "invalid_argument", `range ${start}-${end} of 10 bytes`);
      }
    },
  },
  {
    name: "a missing object is missing for whole reads, ranges and stat",
    async run(context) {
      const { backend } = context;
      const { key } = (await context.put(pattern(100))).location;
      await backend.delete(key);
      await checkRejects(() => readAll(backend, key), "object_missing", "whole read");
      await checkRejects(() => readAll(backend, key, { start: 0, end: 1 }), "object_missing", "range");
      checkEqual(await backend.stat(key), undefined, "stat");
    },
  },
  {
    name: "a reader may stop early, often, and the object stays readable",
    async run(context) {
      const { backend } = context;
      const { location, bytes } = await context.put(pattern(6 * MIB));
      for (let i = 0; i < 50; i++) {
        for await (const chunk of backend.read(location.key)) {
          check(chunk.length > 0, "a chunk holds bytes");
          break;
        }
      }
      checkBytes(await readAll(backend, location.key), bytes, "content");
    },
  },
  {
    name: "chunks are lazy: a reader that takes one of a large object gets a part of it",
    async run(context) {
      const { location } = await context.put(pattern(20 * MIB));
      const reader = context.backend.read(location.key)[Symbol.asyncIterator]();
      const first = await reader.next();
      await reader.return?.();
      check(first.done !== true && first.value.length <= 8 * MIB, "the first chunk is at most 8 MiB");
    },
  },
  {
    name: "readers of one object at the same time do not disturb each other",
    async run(context) {
      const { location, bytes } = await context.put(pattern(3 * MIB));
      await Promise.all(
        Array.from({ length: 8 }, async (_, i) => {
          const range = { start: i * 1000, end: bytes.length - i * 333 };
          const found = await readAll(context.backend, location.key, range);
          checkBytes(found, bytes.subarray(range.start, range.end), `reader ${i}`);
        }),
      );
    },
  },
  {
    name: "what a reader is given is its own",
    async run(context) {
      const { location, bytes } = await context.put(pattern(100_000));
      for await (const chunk of context.backend.read(location.key)) chunk.fill(0);
      checkBytes(await readAll(context.backend, location.key), bytes, "content after a reader wrote over its chunks");
    },
  },
  {
    name: "an object deleted under a reader ends whole or with an error, never short",
    async run(context) {
      const { backend } = context;
      const { location, bytes } = await context.put(pattern(8 * MIB));
      const found: Uint8Array[] = [];
      let length = 0;
      try {
        for await (const chunk of backend.read(location.key)) {
          if (length === 0) await backend.delete(location.key);
          found.push(chunk);
          length += chunk.length;
        }
      } catch {
        return; // an honest error is allowed: only some stores keep the bytes for readers
      }
      checkEqual(length, bytes.length, "bytes of a read that ended well");
    },
  },
];
