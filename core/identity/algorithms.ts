/** The digest algorithms that this registry knows. A closed table: an address in any other algorithm is refused. */

export type Algorithm = "blake3" | "sha256" | "sha512";

export interface AlgorithmInfo {
  readonly name: Algorithm;
  /** Digest length in bytes. */
  readonly length: number;
  readonly source: string;
}

export const ALGORITHMS: Readonly<Record<Algorithm, AlgorithmInfo>> = Object.freeze({
  blake3: Object.freeze({ name: "blake3", length: 32, source: "BLAKE3 specification, default mode, 256-bit output" }),
  sha256: Object.freeze({ name: "sha256", length: 32, source: "FIPS 180-4, section 6.2" }),
  sha512: Object.freeze({ name: "sha512", length: 64, source: "FIPS 180-4, section 6.4" }),
});

/** Names objects (`ContentAddress`). */
export const PRIMARY_ALGORITHM = "blake3" satisfies Algorithm;

/** Computed for every object in the same pass: primary, and the one that the rest of the field speaks. */
export const DEFAULT_ALGORITHMS: readonly Algorithm[] = Object.freeze(["blake3", "sha256"] as const);

export function isAlgorithm(name: string): name is Algorithm {
  return Object.hasOwn(ALGORITHMS, name);
}
