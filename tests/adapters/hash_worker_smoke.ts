/**
 * A thread hashes for whatever runtime runs this file. Prints one line of JSON, and ends although a hash is still open.
 * `hash_worker.test.ts` runs it on Bun, Node, Deno and as a compiled file.
 */
import { createHashWorker } from "../../adapters/hash-worker/mod.ts";
import { loadHasher } from "../../adapters/hasher.ts";
import { createDigest } from "../../core/identity/digest.ts";

const hasher = await loadHasher();
const worker = createHashWorker();
const KIB = 1024;
const ALGORITHMS = ["blake3", "sha256", "sha512"] as const;

/** Numbers that are the same each time. */
function numbers(seed: number) {
  let state = seed;
  return (below: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function bytesOf(size: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(size);
  for (let i = 0; i < size; i++) bytes[i] = Math.imul(i ^ (i >>> 7), seed) >>> 3;
  return bytes;
}

/** Hashes `bytes` in chunks of any length, whose memory is overwritten as soon as that is allowed. */
async function isRight(bytes: Uint8Array, seed: number, most: number): Promise<boolean> {
  const next = numbers(seed);
  const algorithms = ALGORITHMS.slice(0, 1 + (seed % 3));
  const hash = worker.begin(algorithms);
  if (hash === undefined) throw new Error("there is no thread");
  const kept = new Uint8Array(new SharedArrayBuffer(most + 100));
  for (let at = 0; at < bytes.length; ) {
    const piece = bytes.subarray(at, at + 1 + next(most));
    const start = next(100);
    const chunk = next(2) === 0 ? piece.slice() : kept.subarray(start, start + piece.length);
    chunk.set(piece);
    await hash.update(chunk);
    chunk.fill(0xee);
    at += piece.length;
  }
  if (next(4) === 0) await hash.update(new Uint8Array());
  const found = await hash.digests();
  return algorithms.every((a, i) => found[i]?.equals(createDigest(a, hasher.hash(a, bytes))) === true);
}

const SIZES = [0, 1, 65_535, 65_536, 512 * KIB - 1, 512 * KIB, 512 * KIB + 1, 3 * 1024 * KIB + 7];
const oneByOne: boolean[] = [];
for (const [i, size] of SIZES.entries()) oneByOne.push(await isRight(bytesOf(size, i + 3), i, 700 * KIB));

// More than there is room for at once, and some are given up on the way.
const many = Array.from({ length: 60 }, async (_, i) => {
  if (i % 4 > 0) return await isRight(bytesOf(numbers(i)(2048 * KIB), i + 3), i, 300 * KIB);
  const given = worker.begin(["sha256"]);
  await given?.update(bytesOf(300_000, i));
  if (i % 8 === 0) void given?.update(bytesOf(9_000 * KIB, i)).catch(() => {});
  given?.drop();
  return await given?.update(Uint8Array.of(1)).then(
    () => false,
    (error) => error.code === "internal",
  );
});

const right = (some: readonly (boolean | undefined)[]) => some.every((one) => one === true);
const report = { oneByOne: right(oneByOne), many: right(await Promise.all(many)) };
const open = worker.begin(["blake3"]);
await open?.update(bytesOf(100_000, 1));
console.log(JSON.stringify(report));
