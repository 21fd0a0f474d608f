/** Cases about publishing: what is promised when `publish()` resolves, and for keys that exist already. */
import { check, checkBytes, checkEqual, checkRejects } from "./case.ts";
import { checkStored, pattern, readAll, type StorageCase, stagedIds, writePieces } from "./storage_context.ts";

const MIB = 1024 * 1024;

export const publishCases: readonly StorageCase[] = [
  {
    name: "capabilities, id and kind are well formed",
    async run({ backend }) {
      const { durable, min_part_size, conditional_put } = backend.capabilities;
      check(typeof backend.id === "string" && backend.id !== "", "id is a text that is not empty");
      check(typeof backend.kind === "string" && backend.kind !== "", "kind is a text that is not empty");
      check(typeof durable === "boolean" && typeof conditional_put === "boolean", "powers are true or false");
      check(Number.isSafeInteger(min_part_size) && min_part_size >= 1, "min_part_size is an integer from 1");
    },
  },
  {
    name: "an object can be published, looked at, read, listed and deleted",
    async run(context) {
      const { backend } = context;
      const before = Date.now();
      const put = await context.put(pattern(5000));
      const { key } = put.location;
      checkEqual(
        [put.location.backend_id, put.location.offset, put.location.length, put.location.layout],
        [backend.id, 0, 5000, "whole"],
        "location (backend_id, offset, length, layout)",
      );
      await checkStored(backend, put, "content");
      const found = await backend.stat(key);
      checkEqual([found?.key, found?.size], [key, 5000], "stat (key, size)");
      const age = Math.abs((found?.modified_at ?? 0) - before);
      check(
        Number.isInteger(found?.modified_at) && age < 86_400_000,
        "modified_at is in ms since the epoch, about now",
      );
      await backend.delete(key);
      checkEqual(await backend.stat(key), undefined, "stat after delete");
      await checkRejects(() => readAll(backend, key), "object_missing", "read after delete");
    },
  },
  {
    name: "an empty object is an object",
    async run(context) {
      for (const chunks of [[], [new Uint8Array(0)]]) {
        const put = await context.put(chunks);
        checkEqual((await context.backend.stat(put.location.key))?.size, 0, "size");
        await checkStored(context.backend, put, "content");
      }
    },
  },
  {
    name: "objects of sizes around chunk boundaries come back whole",
    async run(context) {
      for (const edge of [4096, 64 * 1024, MIB]) {
        for (const size of [edge - 1, edge, edge + 1]) {
          const put = await context.put(pattern(size, size));
          checkEqual(put.location.length, size, "length");
          await checkStored(context.backend, put, `object of ${size} bytes`);
        }
      }
    },
  },
  {
    name: "a large object arrives in pieces of odd sizes and comes back whole",
    async run(context) {
      const { backend } = context;
      const bytes = pattern(20 * MIB + 7);
      const staged = await backend.stage({ size: bytes.length });
      await writePieces(staged, bytes, [1, 65_535, 65_537, 3 * MIB + 1, 10, MIB]);
      checkEqual(staged.bytes_written, bytes.length, "bytes_written");
      const location = context.track(await staged.publish(context.newAddress(), 0));
      checkBytes(await readAll(backend, location.key), bytes, "content");
      checkEqual((await backend.stat(location.key))?.size, bytes.length, "size");
    },
  },
  {
    name: "many small writes keep their order",
    async run(context) {
      const bytes = pattern(200_000);
      const staged = await context.backend.stage();
      await writePieces(staged, bytes, [1, 7, 300, 4096, 13]);
      const location = context.track(await staged.publish(context.newAddress(), 0));
      checkBytes(await readAll(context.backend, location.key), bytes, "content");
    },
  },
  {
    name: "a written array may be reused at once",
    async run(context) {
      for (const size of [1000, MIB]) {
        const chunk = new Uint8Array(size);
        const staged = await context.backend.stage();
        for (const value of [1, 2, 3]) {
          await staged.write(chunk.fill(value));
        }
        chunk.fill(9);
        const location = context.track(await staged.publish(context.newAddress(), 0));
        const found = await readAll(context.backend, location.key);
        checkEqual([found[0], found[size], found[2 * size]], [1, 2, 3], "first byte of each write");
      }
    },
  },
  {
    name: "publishing the same content twice succeeds and keeps it readable",
    async run(context) {
      const first = await context.put(pattern(3000));
      const second = await context.put(first.bytes, { address: first.address });
      for (const put of [first, second]) await checkStored(context.backend, put, "content");
    },
  },
  {
    name: "with conditional_put the first of two objects under one key stays",
    needs: ({ conditional_put }) => (conditional_put ? undefined : "conditional_put is not claimed"),
    async run(context) {
      const first = await context.put(pattern(1000, 1));
      const second = await context.put(pattern(1000, 2), { address: first.address });
      await checkStored(context.backend, first, "the first object");
      if (second.location.key !== first.location.key) await checkStored(context.backend, second, "the second object");
    },
  },
  {
    name: "generations of one address are separate objects",
    async run(context) {
      const { backend } = context;
      const first = await context.put(pattern(100, 1), { generation: 0 });
      const others = [];
      for (const generation of [1, 2, 10]) {
        others.push(await context.put(pattern(100, generation + 1), { address: first.address, generation }));
      }
      checkEqual(new Set([first, ...others].map(({ location }) => location.key)).size, 4, "number of keys");
      await backend.delete(first.location.key);
      checkEqual(await backend.stat(first.location.key), undefined, "generation 0 after its delete");
      for (const put of others) await checkStored(backend, put, "another generation");
    },
  },
  {
    name: "publishers of one address at the same time all succeed and leave one readable content",
    async run(context) {
      const address = context.newAddress();
      const bytes = pattern(300_000);
      const puts = await Promise.all(Array.from({ length: 8 }, () => context.put(bytes, { address })));
      for (const put of puts) await checkStored(context.backend, put, "content");
    },
  },
  {
    name: "objects published at the same time do not mix",
    async run(context) {
      const { backend } = context;
      const puts = await Promise.all(
        Array.from({ length: 25 }, (_, i) => context.put([pattern(i * 5000, i), pattern(i, i + 100)])),
      );
      for (const put of puts) await checkStored(backend, put, "content");
      checkEqual(new Set(puts.map(({ location }) => location.key)).size, 25, "number of keys");
    },
  },
  {
    name: "a key stays readable while its content is published again",
    async run(context) {
      const { backend } = context;
      const put = await context.put(pattern(100_000));
      let publishing = true;
      const again = (async () => {
        for (let i = 0; i < 10; i++) await context.put(put.bytes, { address: put.address });
        publishing = false;
      })();
      do await checkStored(backend, put, "content");
      while (publishing);
      await again;
    },
  },
  {
    name: "deleting what does not exist is success, for a missing key and twice",
    async run(context) {
      const { backend } = context;
      const put = await context.put(pattern(10));
      await backend.delete(put.location.key);
      await backend.delete(put.location.key);
    },
  },
  {
    name: "a deleted object can be published anew",
    async run(context) {
      const { backend } = context;
      const first = await context.put(pattern(500));
      await backend.delete(first.location.key);
      await checkStored(backend, await context.put(first.bytes, { address: first.address }), "content");
    },
  },
  {
    name: "a malformed key is refused by read, stat and delete",
    async run(context) {
      const { backend } = context;
      const { key } = (await context.put(pattern(64))).location;
      // What no key of any backend may look like; a backend's own syntax is its own tests' matter.
      const malformed = [
        "",
        ".",
        "..",
        "/",
        `/${key}`,
        `../${key}`,
        `${key}/..`,
        `./${key}`,
        `${key}/`,
        `${key}/../../../../etc/passwd`,
        "../../../../etc/passwd",
        "/etc/passwd",
        `${key}\0`,
        `${key}\n`,
        ` ${key}`,
        key.replaceAll("/", "//"),
        key.replaceAll("/", "\\"),
        "a".repeat(5000),
      ].filter((text) => text !== key);
      for (const bad of malformed) {
        const shown = JSON.stringify(bad.slice(0, 200));
        await checkRejects(() => backend.stat(bad), "invalid_argument", `stat(${shown})`);
        await checkRejects(() => readAll(backend, bad), "invalid_argument", `read(${shown})`);
        await checkRejects(() => backend.delete(bad), "invalid_argument", `delete(${shown})`);
      }
      checkEqual((await backend.stat(key))?.size, 64, "size of the object whose key was played with");
    },
  },
  {
    name: "objects are still there after closing and opening again",
    needs: ({ durable }) => (durable ? undefined : "durable is not claimed"),
    async run(context) {
      const puts = [await context.put(pattern(1000)), await context.put(pattern(3 * MIB))];
      const again = await context.reopen();
      for (const put of puts) await checkStored(again, put, "content after opening again");
    },
  },
  {
    name: "health answers with sane figures",
    async run({ backend }) {
      const staged = await stagedIds(backend);
      const health = await backend.health();
      check(health.ok && health.writable, `ok and writable (${health.detail ?? "no detail"})`);
      for (const figure of [health.free_bytes, health.total_bytes]) {
        check(figure === undefined || (Number.isFinite(figure) && figure >= 0), "figures are bytes");
      }
      if (health.free_bytes !== undefined && health.total_bytes !== undefined) {
        check(health.free_bytes <= health.total_bytes, "free_bytes <= total_bytes");
      }
      checkEqual([...(await stagedIds(backend))], [...staged], "what the probe leaves staged");
    },
  },
];
