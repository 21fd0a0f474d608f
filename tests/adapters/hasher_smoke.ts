/**
 * Every hash kernel against the published vectors, on whatever runtime runs this file. Prints one line of JSON; fails
 * by exiting with an uncaught error. `hasher.test.ts` runs it on Node, Deno and as a compiled file.
 */
import { loadHasher } from "../../adapters/hasher.ts";
import { toHex, utf8 } from "../../core/base/bytes.ts";
import type { Algorithm } from "../../core/identity/algorithms.ts";
import type { Hasher } from "../../core/identity/hasher.ts";
import blake3 from "../vectors/blake3.json" with { type: "json" };
import sha2 from "../vectors/sha2.json" with { type: "json" };

export interface Vector {
  readonly algorithm: Algorithm;
  readonly input: Uint8Array;
  readonly hex: string;
}

export const VECTORS: readonly Vector[] = [
  ...blake3.cases.map(({ length, hash }) => ({
    algorithm: "blake3" as const,
    input: Uint8Array.from({ length }, (_, i) => i % 251),
    hex: hash,
  })),
  ...sha2.cases.flatMap(({ text, times, sha256, sha512 }) => {
    const input = utf8(text.repeat(times));
    return [
      { algorithm: "sha256" as const, input, hex: sha256 },
      { algorithm: "sha512" as const, input, hex: sha512 },
    ];
  }),
];

/** One-shot and in pieces. Returns what differs, empty when all is well. */
export function differences(hasher: Hasher): string[] {
  const wrong: string[] = [];
  for (const { algorithm, input, hex } of VECTORS) {
    const state = hasher.create(algorithm);
    for (let at = 0; at < input.length; at += 1021) state.update(input.subarray(at, at + 1021));
    if (toHex(hasher.hash(algorithm, input)) !== hex) wrong.push(`${algorithm} of ${input.length} bytes at once`);
    if (toHex(state.digest()) !== hex) wrong.push(`${algorithm} of ${input.length} bytes in pieces`);
  }
  return wrong;
}

if (import.meta.main) {
  const kernels: string[] = [];
  for (const prefer of ["native", "wasm", "portable"] as const) {
    const hasher = await loadHasher(prefer);
    const wrong = differences(hasher);
    if (wrong.length > 0) throw new Error(`${hasher.name} is wrong: ${wrong.join("; ")}`);
    kernels.push(hasher.kernel);
  }
  console.log(JSON.stringify({ kernels, vectors: VECTORS.length }));
}
