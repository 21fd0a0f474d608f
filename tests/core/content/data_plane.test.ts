/** The data plane alone: what it hands out of damaged storage, and what it leaves behind. */
import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { createHashWorker } from "../../../adapters/hash-worker/mod.ts";
import {
  collect,
  contentAddress,
  createDigest,
  createInProcessDataPlane,
  type DataPlane,
  isRegistryError,
  type StorageLocation,
} from "../../../core/mod.ts";
import { DAMAGE, type Damageable, STORAGES } from "../../support/registry_damage.ts";
import { codeOf, failureOf, hasher, pattern, source } from "../../support/registry_fixture.ts";

const MIB = 1024 * 1024;
const SIZES = { "a small object": 100_000, "one of exactly 4 MiB": 4 * MIB, "a large object": 9 * MIB + 7 };

const cleanups: (() => void)[] = [];
// As tests end: at the end of the file it would be too much for one hook.
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
}, 60_000);

const addressOf = (bytes: Uint8Array) => contentAddress(createDigest("blake3", hasher.hash("blake3", bytes)));

async function store(dataPlane: DataPlane, damageable: Damageable, bytes: Uint8Array, generation = 0) {
  const backend_id = damageable.storage.id;
  return await dataPlane.ingest(source(bytes, MIB), {
    backend_id,
    max_size: 1e9,
    place: async () => ({ action: "publish", backend_id, generation }),
  });
}

const offload = createHashWorker();
afterAll(() => offload.close());

const KINDS = [
  ...Object.entries(STORAGES).map(([kind, create]) => ({ kind, create, hashing: { hasher } })),
  ...Object.entries(STORAGES).map(([kind, create]) => ({
    kind: `${kind}, hashed by another thread`,
    create,
    hashing: { hasher, offload },
  })),
];
for (const { kind, create, hashing } of KINDS) {
  describe(`over ${kind}`, () => {
    const fresh = () => {
      const damageable = create();
      cleanups.push(() => damageable.remove());
      const dataPlane = createInProcessDataPlane({ backends: [damageable.storage], ...hashing });
      return { damageable, dataPlane };
    };

    for (const [what, size] of Object.entries(SIZES)) {
      test(`${what} comes back whole, in ranges, and verifies`, async () => {
        const { damageable, dataPlane } = fresh();
        const bytes = pattern(size);
        const { location, address, digests } = await store(dataPlane, damageable, bytes);
        expect(address).toBe(addressOf(bytes));
        expect(await collect(dataPlane.serve({ location, address, size }), size)).toEqual(bytes);
        expect(await collect(dataPlane.serve({ location, address, size, verify: false }), size)).toEqual(bytes);
        const range = { start: 70_001, end: 99_999 };
        expect(await collect(dataPlane.serve({ location, address, size, range }), size)).toEqual(
          bytes.slice(70_001, 99_999),
        );
        const verdict = await dataPlane.verify(location, { size, digests: [digests.blake3, digests.sha256] });
        expect(verdict).toMatchObject({ ok: true, found_size: size });
      });

      for (const [how, damage] of Object.entries(DAMAGE)) {
        test(`${what} never ends as if it were good when ${how}`, async () => {
          const { damageable, dataPlane } = fresh();
          const bytes = pattern(size, 7);
          const { location, address, digests } = await store(dataPlane, damageable, bytes);
          damageable.put(location.key, damage(bytes));
          let handedOut = 0;
          const read = async () => {
            for await (const chunk of dataPlane.serve({ location, address, size })) handedOut += chunk.length;
          };
          const error = await failureOf(read());
          expect(error?.code).toBe(damage(bytes) === undefined ? "object_missing" : "object_corrupt");
          // Small objects are checked before the first byte; of large ones at least the last chunk is held back.
          if (size <= 4 * MIB) expect(handedOut).toBe(0);
          else expect(handedOut).toBeLessThan(size);
          if (error?.code === "object_corrupt")
            expect(error.data).toMatchObject({ content_address: address, key: location.key });
          const verdict = await dataPlane.verify(location, { size, digests: [digests.blake3] });
          const found = damage(bytes);
          const problem = found === undefined ? "missing" : found.length === size ? "digest" : "size";
          expect({ ok: verdict.ok, problem: verdict.problem }).toEqual({ ok: false, problem });
        });
      }
    }

    test("an unverified read and a range still notice bytes that are not there", async () => {
      const { damageable, dataPlane } = fresh();
      const bytes = pattern(200_000);
      const { location, address } = await store(dataPlane, damageable, bytes);
      damageable.put(location.key, bytes.slice(0, 100_000));
      const size = bytes.length;
      const read = (over: object) => codeOf(collect(dataPlane.serve({ location, address, size, ...over }), size));
      expect(await read({ verify: false })).toBe("object_corrupt");
      expect(await read({ range: { start: 50_000, end: 150_000 } })).toBe("object_corrupt");
      expect(await read({ range: { start: 150_000, end: 150_001 } })).toBe("object_corrupt");
      expect(await read({ range: { start: 0, end: 100_000 } })).toBeUndefined();
      damageable.put(location.key, undefined);
      expect(await read({ range: { start: 0, end: 1 } })).toBe("object_missing");
    });

    test("a range outside the object is the caller's mistake, not damage", async () => {
      const { damageable, dataPlane } = fresh();
      const bytes = pattern(1000);
      const { location, address } = await store(dataPlane, damageable, bytes);
      for (const range of [
        { start: -1, end: 1 },
        { start: 0, end: 1001 },
        { start: 2, end: 1 },
        { start: 0.5, end: 1 },
        { start: 0, end: Number.NaN },
      ]) {
        const read = async () => void (await collect(dataPlane.serve({ location, address, size: 1000, range }), 2000));
        expect(await codeOf(read())).toBe("invalid_argument");
      }
    });

    test("a copy to another backend is verified on the way", async () => {
      const { damageable, dataPlane: _ } = fresh();
      const other = create();
      cleanups.push(() => other.remove());
      const there = { ...other.storage, id: "other" };
      const dataPlane = createInProcessDataPlane({ backends: [damageable.storage, there], ...hashing });
      const bytes = pattern(5 * MIB);
      const stored = await store(dataPlane, damageable, bytes);
      const to = { backend_id: "other", generation: 0 };
      await dataPlane.copy(stored.location, stored, to);
      damageable.put(stored.location.key, DAMAGE["the last bit flips"]?.(bytes));
      expect(await codeOf(dataPlane.copy(stored.location, stored, { ...to, generation: 1 }))).toBe("object_corrupt");
      expect((await there.list({ limit: 10 })).items).toHaveLength(1);
      expect(await there.listStaged(Date.now() + 1000)).toEqual([]);
    });

    test("a copy that is kept must be whole; otherwise the bytes find another place", async () => {
      const { damageable, dataPlane } = fresh();
      const bytes = pattern(1000);
      const { location: kept } = await store(dataPlane, damageable, bytes);
      const backend_id = damageable.storage.id;
      const push = async () => {
        const asked: (StorageLocation | undefined)[] = [];
        const result = await dataPlane.ingest(source(bytes), {
          backend_id,
          max_size: 1e6,
          async place(_, unusable) {
            asked.push(unusable);
            return unusable === undefined
              ? { action: "reuse", location: kept }
              : { action: "publish", backend_id, generation: 1 };
          },
        });
        return { asked, result };
      };
      const first = await push();
      expect(first.asked).toEqual([undefined]);
      expect(first.result).toMatchObject({ deduplicated: true, location: kept });
      for (const damage of [bytes.slice(0, 10), new Uint8Array(2000), undefined]) {
        damageable.put(kept.key, damage);
        const { asked, result } = await push();
        expect(asked).toEqual([undefined, kept]);
        expect(result.deduplicated).toBe(false);
        expect(
          await collect(dataPlane.serve({ location: result.location, address: result.address, size: 1000 }), 1000),
        ).toEqual(bytes);
        await dataPlane.delete(result.location);
      }
    });

    test("a backend that nobody configured is named", async () => {
      const { dataPlane } = fresh();
      const options = {
        backend_id: "nowhere",
        max_size: 1,
        place: async () => ({ action: "publish", backend_id: "x", generation: 0 }) as const,
      };
      const error = await failureOf(dataPlane.ingest(source("x"), options));
      expect(error).toMatchObject({ code: "config_invalid" });
      expect(error?.message).toContain("nowhere");
    });
  });
}

test("two backends with one id are refused", () => {
  const { storage } = (STORAGES.fs as () => Damageable)();
  try {
    createInProcessDataPlane({ backends: [storage, storage], hasher });
    throw new Error("it was accepted");
  } catch (error) {
    expect(isRegistryError(error, "config_invalid")).toBe(true);
  }
});
