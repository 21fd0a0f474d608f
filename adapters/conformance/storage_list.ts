/** Cases about listing. */
import { compareUtf8 } from "../../core/base/bytes.ts";
import { check, checkEqual, checkRejects } from "./case.ts";
import { allKeys, allObjects, pattern, type StorageCase } from "./storage_context.ts";

export const listCases: readonly StorageCase[] = [
  {
    name: "list gives every object once, in byte order, whatever the page size",
    async run(context) {
      const { backend } = context;
      const already = new Set(await allKeys(backend));
      const puts = await Promise.all(Array.from({ length: 23 }, (_, i) => context.put(pattern(i + 1, i))));
      const first = puts[0];
      check(first !== undefined, "something was published");
      puts.push(await context.put(pattern(5), { address: first.address, generation: 1 }));
      puts.push(await context.put(pattern(5), { address: first.address, generation: 12 }));
      const wanted = puts.map(({ location }) => location.key).sort(compareUtf8);
      for (const limit of [1, 2, 7, 25, 1000]) {
        if (limit < 7 && already.size > 200) continue; // a store full of other people's objects: large pages only
        const keys = await allKeys(backend, limit);
        const ordered = keys.every((key, i) => i === 0 || compareUtf8(keys[i - 1] as string, key) < 0);
        check(ordered, `pages of ${limit}: keys ascend in byte order, none twice`);
        const ours = keys.filter((key) => !already.has(key));
        checkEqual(ours, wanted, `pages of ${limit}: the published keys`);
      }
    },
  },
  {
    name: "list tells size and time of each object as stat does",
    async run(context) {
      const { backend } = context;
      const puts = await Promise.all([1, 100, 70_000].map((size) => context.put(pattern(size))));
      const objects = await allObjects(backend);
      for (const { location } of puts) {
        const [listed, found] = [objects.get(location.key), await backend.stat(location.key)];
        checkEqual([listed?.size, listed?.modified_at], [found?.size, found?.modified_at], "size and time");
      }
    },
  },
  {
    name: "a key that is made from address and generation is listed with both",
    async run(context) {
      const { backend } = context;
      const first = await context.put(pattern(10));
      const again = await context.put(pattern(10), { address: first.address });
      const next = await context.put(pattern(10), { address: first.address, generation: 3 });
      if (again.location.key !== first.location.key) return; // keys are chosen otherwise and never used twice
      const listed = await allObjects(backend);
      for (const [{ location, address }, generation] of [[first, 0] as const, [next, 3] as const]) {
        for (const found of [listed.get(location.key), await backend.stat(location.key)]) {
          checkEqual([found?.address, found?.generation], [address, generation], "address and generation");
        }
      }
    },
  },
  {
    name: "a page holds at most its limit, and a cursor means that there is more",
    async run(context) {
      const { backend } = context;
      await Promise.all([1, 2, 3].map((size) => context.put(pattern(size))));
      const total = (await allKeys(backend)).length;
      const page = await backend.list({ limit: 2 });
      check(page.items.length === 2 && page.cursor !== undefined, "two of three objects and a cursor");
      if (total > 1000) return;
      const whole = await backend.list({ limit: total });
      checkEqual([whole.items.length, whole.cursor], [total, undefined], "a page that holds all (items, cursor)");
    },
  },
  {
    name: "deleted objects are not listed, and a cursor survives the deletion of its object",
    async run(context) {
      const { backend } = context;
      const already = new Set(await allKeys(backend));
      await Promise.all([1, 2, 3, 4].map((size) => context.put(pattern(size))));
      const keys = await allKeys(backend);
      const page = await backend.list({ limit: 1 });
      check(page.cursor !== undefined, "a cursor");
      const first = keys[0] as string;
      const victim = already.has(first) ? keys.find((key) => !already.has(key)) : first;
      check(victim !== undefined, "a published object is listed");
      await backend.delete(victim);
      const rest = await backend.list({ limit: 1000, cursor: page.cursor });
      const wanted = keys.slice(1, 1001).filter((key) => key !== victim);
      checkEqual(rest.items.map(({ key }) => key).slice(0, wanted.length), wanted, "keys after the cursor");
      check(!(await allKeys(backend)).includes(victim), "a deleted object is not listed");
    },
  },
  {
    name: "a bad limit or cursor is refused",
    async run({ backend }) {
      for (const limit of [0, -1, 1001, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
        await checkRejects(() => backend.list({ limit }), "invalid_argument", `limit ${limit}`);
      }
      for (const cursor of ["", "../..", "/etc/passwd", "no cursor of yours", "\0", "a".repeat(5000)]) {
        const list = () => backend.list({ limit: 10, cursor });
        await checkRejects(list, "invalid_argument", `cursor ${JSON.stringify(cursor.slice(0, 40))}`);
      }
    },
  },
];
