/** What sets the modes apart; everything else is the conformance kit's (conformance_storage.test.ts). */
import { expect, test } from "bun:test";
import { createMemoryStorage } from "../../adapters/storage-memory/mod.ts";
import { parseContentAddress } from "../../core/spi/mod.ts";

const MIB = 1024 * 1024;
const ADDRESS = parseContentAddress(`blake3:${"5a".repeat(32)}`);

test("simple mode makes keys from the address and generation", async () => {
  const storage = createMemoryStorage();
  const keys: string[] = [];
  for (const generation of [0, 3]) keys.push((await (await storage.stage()).publish(ADDRESS, generation)).key);
  expect(keys).toEqual([`blake3/${"5a".repeat(32)}`, `blake3/${"5a".repeat(32)}.3`]);
});

test("object-store mode chooses a fresh key that says nothing about the content", async () => {
  const storage = createMemoryStorage({ mode: "object-store" });
  const keys = new Set<string>();
  for (let i = 0; i < 3; i++) keys.add((await (await storage.stage()).publish(ADDRESS, 0)).key);
  expect(keys.size).toBe(3);
  for (const key of keys) expect(key).not.toContain("5a5a");
  expect((await storage.list({ limit: 10 })).items).toHaveLength(3);
});

test("object-store mode reports 5 MiB parts and takes writes of any size", async () => {
  const storage = createMemoryStorage({ mode: "object-store" });
  expect(storage.capabilities).toEqual({ durable: false, min_part_size: 5 * MIB, conditional_put: true });
  const staged = await storage.stage();
  for (let i = 0; i < 11; i++) await staged.write(new Uint8Array(MIB).fill(i));
  const { key, length } = await staged.publish(ADDRESS, 0);
  expect(length).toBe(11 * MIB);
  const firsts: number[] = [];
  for await (const chunk of storage.read(key)) firsts.push(chunk[0] as number);
  expect(firsts).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
});

test("object-store mode gathers small writes into parts of 5 MiB or a little more; only the last may be smaller", async () => {
  const storage = createMemoryStorage({ mode: "object-store" });
  const staged = await storage.stage();
  const write = 0.75 * MIB;
  for (let i = 0; i < 16; i++) await staged.write(new Uint8Array(write));
  const { key } = await staged.publish(ADDRESS, 0);
  // A read hands out at most 1 MiB at once and never bytes of two parts together, so a shorter chunk ends a part.
  const parts: number[] = [];
  let part = 0;
  for await (const chunk of storage.read(key)) {
    part += chunk.length;
    if (chunk.length === MIB) continue;
    parts.push(part);
    part = 0;
  }
  if (part > 0) parts.push(part);
  expect(parts).toEqual([5.25 * MIB, 5.25 * MIB, 1.5 * MIB]);
});

test("of two writers of one key the first stays, and a reader in the middle of it notices nothing", async () => {
  const storage = createMemoryStorage();
  const writers = [await storage.stage(), await storage.stage()];
  for (const [i, staged] of writers.entries()) await staged.write(new Uint8Array(2 * MIB).fill(i + 1));
  const { key } = await (writers[1] as (typeof writers)[1]).publish(ADDRESS, 0);
  const seen: number[] = [];
  for await (const chunk of storage.read(key)) {
    seen.push(chunk[0] as number);
    if (seen.length === 1) expect((await (writers[0] as (typeof writers)[0]).publish(ADDRESS, 0)).key).toBe(key);
  }
  expect(seen).toEqual([2, 2]);
  for await (const chunk of storage.read(key)) expect(chunk[0]).toBe(2);
});

test("an upload that somebody discarded cannot go on", async () => {
  const storage = createMemoryStorage({ mode: "object-store" });
  const staged = await storage.stage();
  await staged.write(Uint8Array.of(1));
  const [leftover] = await storage.listStaged(Date.now() + 1000);
  await storage.discardStaged(leftover?.id ?? "");
  await expect(staged.write(Uint8Array.of(2))).rejects.toMatchObject({ code: "storage_failed" });
  await expect(staged.publish(ADDRESS, 0)).rejects.toMatchObject({ code: "storage_failed" });
});
