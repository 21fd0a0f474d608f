/** Native kernel: `@napi-rs/blake-hash` for BLAKE3, `node:crypto` for SHA-2 (Node, Bun and Deno all have it). */
import { createHash, hash as hashOnce } from "node:crypto";
import { fromHex } from "../../core/base/bytes.ts";
import { RegistryError } from "../../core/base/errors.ts";
import type { Algorithm } from "../../core/identity/algorithms.ts";
import type { Hasher, HashState } from "../../core/identity/hasher.ts";

type Blake3 = import("@napi-rs/blake-hash").Blake3Hasher;

/**
 * A native object costs 10 to 30 microseconds to make and to finalise, a reset one next to nothing; so finished states
 * give theirs back. More than this many are left to the garbage collector.
 */
const MAX_SPARE = 64;

/** `undefined` when the optional package, or its binary for this platform, is not there or may not be loaded. */
export async function createNativeHasher(): Promise<Hasher | undefined> {
  let Blake3Hasher: new () => Blake3;
  try {
    const module = await import("@napi-rs/blake-hash");
    Blake3Hasher = module.Blake3Hasher ?? module.default.Blake3Hasher;
    new Blake3Hasher();
  } catch {
    return undefined;
  }

  const spare: Blake3[] = [];
  const take = () => spare.pop() ?? new Blake3Hasher();
  // Hex, because it beats `digestBuffer()` on all three runtimes: that wraps 32 bytes of foreign memory for the collector.
  const finish = (state: Blake3) => {
    const digest = fromHex(state.digest());
    state.reset();
    if (spare.length < MAX_SPARE) spare.push(state);
    return digest;
  };

  function createBlake3(): HashState {
    let state: Blake3 | undefined = take();
    return {
      update(chunk) {
        if (state === undefined) throw ended();
        state.update(chunk);
      },
      digest() {
        if (state === undefined) throw ended();
        const last = state;
        state = undefined;
        return finish(last);
      },
    };
  }

  return {
    kernel: "native",
    name: "@napi-rs/blake-hash + node:crypto",
    create: (algorithm) => (algorithm === "blake3" ? createBlake3() : createSha2(algorithm)),
    hash: (algorithm, bytes) =>
      algorithm === "blake3" ? finish(take().update(bytes)) : fromHex(hashOnce(algorithm, bytes, "hex")),
  };
}

function createSha2(algorithm: Exclude<Algorithm, "blake3">): HashState {
  let state: ReturnType<typeof createHash> | undefined = createHash(algorithm);
  return {
    update(chunk) {
      if (state === undefined) throw ended();
      state.update(chunk);
    },
    digest() {
      if (state === undefined) throw ended();
      const digest = fromHex(state.digest("hex"));
      state = undefined;
      return digest;
    },
  };
}

function ended(): RegistryError {
  return new RegistryError("internal", "This hash state has ended; create a new one");
}
