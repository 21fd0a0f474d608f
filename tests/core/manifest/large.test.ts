/** What writes and reads a manifest of a million entries gives the same bytes as what takes it in one piece. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { concatBytes } from "../../../core/base/bytes.ts";
import { RegistryError } from "../../../core/base/errors.ts";
import { sortInTurns } from "../../../core/base/sort.ts";
import type { ContentAddress } from "../../../core/identity/mod.ts";
import { encodeManifestInTurns } from "../../../core/manifest/codec.ts";
import { decodeManifest, encodeManifest, jcsPieces, type Manifest, manifestToJcs } from "../../../core/manifest/mod.ts";
import { manifest } from "./arbitrary.ts";

const address = (i: number) => `blake3:${i.toString(16).padStart(64, "0")}` as ContentAddress;
const file = (i: number) => ({
  kind: "file" as const,
  path: `dir/${String(i).padStart(7, "0")}-ü😀`,
  content_address: address(i),
  size: i,
  digests: { sha256: i.toString(16).padStart(64, "0") },
  executable: i % 2 === 0,
  media_type: null,
});
const receipt = (i: number) => ({
  backend_id: "fs",
  content_address: address(i),
  size: i,
  stored_at: "2026-01-02T03:04:05.006Z",
});

async function large(count: number): Promise<Manifest> {
  const [some] = fc.sample(manifest, { numRuns: 1, seed: 7 }) as [Manifest];
  const numbers = Array.from({ length: count }, (_, i) => i);
  return { ...some, files: numbers.map(file), storage_receipts: numbers.map(receipt) };
}

describe("encodeManifestInTurns()", () => {
  test("writes what encodeManifest() writes, whatever the manifest", async () => {
    await fc.assert(
      fc.asyncProperty(manifest, async (value) => {
        expect(await encodeManifestInTurns(value, 1e9)).toEqual(encodeManifest(value));
      }),
      { numRuns: 200 },
    );
  });

  // 23, 24, 255, 256: where the head of a list grows; 256 and 257: where a slice ends.
  for (const count of [0, 1, 23, 24, 255, 256, 257, 513, 70_000]) {
    test(`writes ${count} entries as encodeManifest() does`, async () => {
      const value = await large(count);
      expect(Bun.hash(await encodeManifestInTurns(value, 1e9))).toBe(Bun.hash(encodeManifest(value)));
    });
  }

  test("takes the limit, and refuses one byte more", async () => {
    const value = await large(1000);
    const { length } = encodeManifest(value);
    expect((await encodeManifestInTurns(value, length)).length).toBe(length);
    const refused = await encodeManifestInTurns(value, length - 1).catch((error) => error);
    expect(refused).toMatchObject({ code: "limit_exceeded", data: { limit: length - 1 } });
  });

  test("refuses what encodeManifest() refuses, also where two slices meet", async () => {
    const value = await large(600);
    const refusal = async (files: Manifest["files"]) =>
      (await encodeManifestInTurns({ ...value, files }, 1e9).catch((error) => error)).code;
    expect(await refusal(value.files.toSpliced(256, 0, value.files[255] as never))).toBe("invalid_argument");
    expect(await refusal(value.files.toSpliced(512, 0, value.files[100] as never))).toBe("invalid_argument");
    expect(await refusal(value.files.with(300, { ...value.files[300], size: -1 } as never))).toBe("invalid_argument");
  });

  test("lets others have their turns", async () => {
    const value = await large(30_000);
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    await encodeManifestInTurns(value, 1e9);
    clearInterval(timer);
    expect(turns).toBeGreaterThan(1);
  });
});

/** The code of what `work` throws, `undefined` where it throws nothing. */
function codeOf(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (error instanceof RegistryError) return error.code;
    throw error;
  }
}

describe("jcsPieces()", () => {
  const pieces = (cbor: Uint8Array) => concatBytes([...jcsPieces(cbor)]);

  test("give what manifestToJcs() gives, whatever the manifest", () => {
    fc.assert(
      fc.property(manifest, (value) => {
        const cbor = encodeManifest(value);
        expect(pieces(cbor)).toEqual(manifestToJcs(value));
      }),
      { numRuns: 200 },
    );
  });

  for (const count of [0, 23, 24, 256, 257, 70_000]) {
    test(`give ${count} entries as manifestToJcs() does, in pieces of a megabyte or so`, async () => {
      const value = await large(count);
      const parts = [...jcsPieces(encodeManifest(value))];
      expect(Bun.hash(concatBytes(parts))).toBe(Bun.hash(manifestToJcs(value)));
      expect(Math.max(...parts.map((part) => part.length))).toBeLessThan(1.5 * 1024 * 1024);
    });
  }

  test("refuse what decodeManifest() refuses: every cut, and every flipped bit of some bytes", async () => {
    const cbor = encodeManifest(await large(40));
    for (let end = 0; end < cbor.length; end += 97) {
      expect(codeOf(() => pieces(cbor.subarray(0, end)))).toBeDefined();
    }
    let accepted = 0;
    for (let bit = 0; bit < cbor.length * 8; bit += 211) {
      const damaged = cbor.slice();
      damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7));
      const strict = codeOf(() => decodeManifest(damaged));
      const ours = codeOf(() => pieces(damaged));
      expect(ours === undefined).toBe(strict === undefined);
      if (ours === undefined) accepted++;
    }
    // A flipped bit in a digest or a path gives another manifest, which is none of our business here.
    expect(accepted).toBeGreaterThan(10);
  });
});

describe("sortInTurns()", () => {
  test("sorts as sort() does, and keeps equal items in their order", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(50), { maxLength: 200 }),
        fc.integer({ min: 1, max: 400 }),
        async (some, times) => {
          const items = Array.from({ length: times }, () => some).flatMap((all, i) =>
            all.map((key, j) => ({ key, i, j })),
          );
          const compare = (a: { key: number }, b: { key: number }) => a.key - b.key;
          expect(await sortInTurns(items, compare)).toEqual(items.toSorted(compare));
        },
      ),
      { numRuns: 30 },
    );
  });
});
