import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { loadHasher } from "../../../adapters/hasher.ts";
import { RegistryError } from "../../../core/base/errors.ts";
import { digestStream } from "../../../core/identity/mod.ts";
import { codeOfAsync } from "../base/values.ts";

const hasher = await loadHasher();
const content = Uint8Array.from({ length: 100_000 }, (_, i) => (i * 7) % 256);

async function* inPieces(bytes: Uint8Array, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

describe("digestStream()", () => {
  test("finds size, address and default digests in one pass", async () => {
    const found = await digestStream(inPieces(content, 1013), { hasher });
    expect(found.size).toBe(content.length);
    expect(Object.keys(found.digests)).toEqual(["blake3", "sha256"]);
    expect(found.digests.sha256.hex).toBe(createHash("sha256").update(content).digest("hex"));
    expect(found.address as string).toBe(`blake3:${found.digests.blake3.hex}`);
  });

  test("adds the algorithms that are asked for, each once", async () => {
    const found = await digestStream(inPieces(content, 65_536), { hasher, algorithms: ["sha512", "sha256", "sha512"] });
    expect(Object.keys(found.digests)).toEqual(["blake3", "sha256", "sha512"]);
    expect(found.digests.sha512?.hex).toBe(createHash("sha512").update(content).digest("hex"));
  });

  test("finds the same for a Web stream as for an iterable, however it is cut", async () => {
    const wanted = await digestStream(inPieces(content, content.length), { hasher });
    const stream = new Blob([content]).stream();
    expect(String((await digestStream(stream, { hasher })).address)).toBe(wanted.address);
    expect(String((await digestStream(inPieces(content, 1), { hasher })).address)).toBe(wanted.address);
  });

  test("names the empty content", async () => {
    const found = await digestStream(inPieces(new Uint8Array(0), 1), { hasher });
    expect(found.size).toBe(0);
    expect(found.address as string).toBe("blake3:af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262");
  });

  test("stops when its signal fires", async () => {
    const controller = new AbortController();
    let taken = 0;
    async function* endless() {
      for (;;) {
        if (++taken === 3) controller.abort();
        yield new Uint8Array(10);
      }
    }
    expect(await codeOfAsync(digestStream(endless(), { hasher, signal: controller.signal }))).toBe("cancelled");
    expect(taken).toBeLessThan(5);
  });

  test("passes a failure of the source through", async () => {
    async function* torn(): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(1);
      throw new RegistryError("storage_failed", "torn");
    }
    expect(await codeOfAsync(digestStream(torn(), { hasher }))).toBe("storage_failed");
  });
});
