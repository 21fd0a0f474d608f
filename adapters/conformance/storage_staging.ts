/** Cases about staged objects: private until published, gone when aborted, collectable after a crash. */
import { check, checkBytes, checkEqual, checkRejects } from "./case.ts";
import { allKeys, checkStored, pattern, readAll, type StorageCase, stagedIds } from "./storage_context.ts";

const MIB = 1024 * 1024;
/** Enough that every backend has sent something to where it stages: more than one part of an object store. */
const STAGED_SIZE = 6 * MIB;

export const stagingCases: readonly StorageCase[] = [
  {
    name: "bytes_written counts what was accepted",
    async run({ backend }) {
      const staged = await backend.stage();
      checkEqual(staged.bytes_written, 0, "at the beginning");
      await staged.write(pattern(10));
      checkEqual(staged.bytes_written, 10, "after 10 bytes");
      await staged.write(new Uint8Array(0));
      await staged.write(pattern(3 * MIB));
      checkEqual(staged.bytes_written, 10 + 3 * MIB, "after 3 MiB more");
      await staged.abort();
    },
  },
  {
    name: "a staged object is not listed and not readable",
    async run(context) {
      const { backend } = context;
      const put = await context.put(pattern(100));
      await backend.delete(put.location.key);
      const before = await allKeys(backend);
      const staged = await backend.stage();
      await staged.write(pattern(STAGED_SIZE));
      checkEqual(await allKeys(backend), before, "listed objects");
      checkEqual(await backend.stat(put.location.key), undefined, "stat");
      for (const id of await stagedIds(backend)) {
        for (const key of [id, `staging/${id}`]) {
          await checkRejects(() => readAll(backend, key), ["invalid_argument", "object_missing"], `read(${key})`);
        }
      }
      await staged.abort();
      checkEqual(await allKeys(backend), before, "listed objects after abort");
    },
  },
  {
    name: "abort leaves nothing behind, at any point, and may be repeated",
    async run({ backend }) {
      const objects = await allKeys(backend);
      const staged = await stagedIds(backend);
      for (const sizes of [[], [10], [STAGED_SIZE], [MIB, 10, MIB]]) {
        const object = await backend.stage();
        for (const size of sizes) await object.write(pattern(size));
        await object.abort();
        await object.abort();
      }
      checkEqual([...(await stagedIds(backend))], [...staged], "staged objects");
      checkEqual(await allKeys(backend), objects, "listed objects");
    },
  },
  {
    name: "abort while a write is under way leaves nothing behind",
    async run({ backend }) {
      const staged = await stagedIds(backend);
      const object = await backend.stage();
      await object.write(pattern(STAGED_SIZE));
      const writing = object.write(pattern(2 * MIB)).catch(() => {});
      await object.abort();
      await writing;
      checkEqual([...(await stagedIds(backend))], [...staged], "staged objects");
    },
  },
  {
    name: "an ended object takes no more bytes and cannot be published",
    async run(context) {
      const { backend } = context;
      const aborted = await backend.stage();
      await aborted.write(pattern(10));
      await aborted.abort();
      await checkRejects(() => aborted.write(pattern(1)), "invalid_argument", "write after abort");
      const address = context.newAddress();
      await checkRejects(() => aborted.publish(address, 0), "invalid_argument", "publish after abort");

      const published = await backend.stage();
      await published.write(pattern(10));
      const location = context.track(await published.publish(context.newAddress(), 0));
      await checkRejects(() => published.write(pattern(1)), "invalid_argument", "write after publish");
      await checkRejects(() => published.publish(address, 0), "invalid_argument", "publish after publish");
      checkBytes(await readAll(backend, location.key), pattern(10), "content");
    },
  },
  {
    name: "abort after publish changes nothing",
    async run(context) {
      const { backend } = context;
      for (const size of [10, STAGED_SIZE]) {
        const staged = await backend.stage();
        await staged.write(pattern(size));
        const location = context.track(await staged.publish(context.newAddress(), 0));
        await staged.abort();
        checkBytes(await readAll(backend, location.key), pattern(size), "content");
      }
    },
  },
  {
    name: "publish leaves nothing staged, also when the content was there already",
    async run(context) {
      const staged = await stagedIds(context.backend);
      const put = await context.put(pattern(STAGED_SIZE));
      await context.put(put.bytes, { address: put.address });
      await context.put(pattern(10));
      checkEqual([...(await stagedIds(context.backend))], [...staged], "staged objects");
    },
  },
  {
    name: "a leftover is listed by age and can be discarded, twice",
    async run({ backend }) {
      const before = await stagedIds(backend);
      const object = await backend.stage();
      await object.write(pattern(STAGED_SIZE));
      const leftovers = (await backend.listStaged(Date.now() + 86_400_000)).filter(({ id }) => !before.has(id));
      // A backend that keeps staged bytes in this process's memory leaves nothing after a crash, and may list nothing.
      check(leftovers.length <= 1, "one staged object is listed once");
      for (const { id, size, modified_at } of leftovers) {
        check(size > 0 && size <= STAGED_SIZE, `size of the leftover is in 1..${STAGED_SIZE}, found ${size}`);
        check(Math.abs(modified_at - Date.now()) < 86_400_000, "modified_at is in ms since the epoch, about now");
        const old = await backend.listStaged(Date.now() - 86_400_000);
        check(!old.some((leftover) => leftover.id === id), "it is not listed among those of yesterday");
        await backend.discardStaged(id);
        await backend.discardStaged(id);
        check(!(await stagedIds(backend)).has(id), "it is gone once discarded");
      }
      await object.abort();
    },
  },
  {
    name: "discarding a made-up id harms nothing",
    async run(context) {
      const { backend } = context;
      const put = await context.put(pattern(10));
      const names = ["", "..", ".", "../", put.location.key, `../${put.location.key}`, "/etc/passwd", "x\0y"];
      for (const id of names) {
        try {
          await backend.discardStaged(id);
        } catch {
          await checkRejects(
            () => backend.discardStaged(id),
            "invalid_argument",
            `discardStaged(${JSON.stringify(id)})`,
          );
        }
      }
      await checkStored(backend, put, "content");
      check((await backend.health()).writable, "the store is still writable");
    },
  },
  {
    name: "staged objects open at the same time keep their bytes apart",
    async run(context) {
      const { backend } = context;
      const staged = await Promise.all(Array.from({ length: 10 }, () => backend.stage()));
      for (let round = 0; round < 5; round++) {
        await Promise.all(staged.map((object, i) => object.write(pattern(50_000 + i, i * 10 + round))));
      }
      for (const [i, object] of staged.entries()) {
        if (i % 3 === 0) {
          await object.abort();
          continue;
        }
        const location = context.track(await object.publish(context.newAddress(), 0));
        const range = { start: 50_000 + i, end: 2 * (50_000 + i) };
        checkBytes(await readAll(backend, location.key, range), pattern(50_000 + i, i * 10 + 1), `object ${i}`);
      }
    },
  },
  {
    name: "what was still staged when the store was closed can be collected",
    needs: ({ durable }) => (durable ? undefined : "durable is not claimed: nothing outlives the process"),
    async run(context) {
      const before = await stagedIds(context.backend);
      const object = await context.backend.stage();
      await object.write(pattern(STAGED_SIZE));
      const again = await context.reopen();
      const left = [...(await stagedIds(again))].filter((id) => !before.has(id));
      for (const id of left) await again.discardStaged(id);
      checkEqual([...(await stagedIds(again))], [...before], "staged objects once leftovers are discarded");
    },
  },
];
