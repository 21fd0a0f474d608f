/** Portable kernel: `@noble/hashes`, plain JavaScript. Slow; runs anywhere, and the tests take it as the oracle. */
import { blake3 } from "@noble/hashes/blake3.js";
import { sha256, sha512 } from "@noble/hashes/sha2.js";
import type { Hasher } from "../../core/identity/hasher.ts";

const KERNELS = { blake3, sha256, sha512 } as const;

export function createPortableHasher(): Hasher {
  return {
    kernel: "portable",
    name: "@noble/hashes",
    create(algorithm) {
      const state = KERNELS[algorithm].create();
      return {
        update: (chunk) => void state.update(chunk),
        digest: () => state.digest() as Uint8Array<ArrayBuffer>,
      };
    },
    hash: (algorithm, bytes) => KERNELS[algorithm](bytes) as Uint8Array<ArrayBuffer>,
  };
}
