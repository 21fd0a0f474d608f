/** A digest: algorithm and lower-case hex, frozen. Text form `<algorithm>:<hex>`, as OCI image-spec descriptor.md writes it. */
import { toHex } from "../base/bytes.ts";
import { RegistryError } from "../base/errors.ts";
import { ALGORITHMS, type Algorithm, isAlgorithm } from "./algorithms.ts";

export interface Digest {
  readonly algorithm: Algorithm;
  /** Lower case, two digits a byte, exactly the algorithm's length. */
  readonly hex: string;
  equals(other: Digest): boolean;
  toString(): string;
}

class FrozenDigest implements Digest {
  readonly algorithm: Algorithm;
  readonly hex: string;
  constructor(algorithm: Algorithm, hex: string) {
    this.algorithm = algorithm;
    this.hex = hex;
    Object.freeze(this);
  }
  equals(other: Digest): boolean {
    return this.algorithm === other.algorithm && this.hex === other.hex;
  }
  toString(): string {
    return `${this.algorithm}:${this.hex}`;
  }
  toJSON(): string {
    return this.toString();
  }
}

const LOWER_HEX = /^[0-9a-f]*$/;

/** @throws {RegistryError} `invalid_digest` when `hex` is not exactly the algorithm's length in lower-case hex. */
export function createDigest(algorithm: Algorithm, value: string | Uint8Array): Digest {
  const hex = typeof value === "string" ? value : toHex(value);
  const length = ALGORITHMS[algorithm].length * 2;
  if (hex.length !== length || !LOWER_HEX.test(hex)) {
    throw new RegistryError("invalid_digest", `A ${algorithm} digest is ${length} lower-case hexadecimal digits`, {
      algorithm,
      wanted_length: length,
      length: hex.length,
    });
  }
  return new FrozenDigest(algorithm, hex);
}

/** Parses `<algorithm>:<hex>`. @throws {RegistryError} `invalid_digest` */
export function parseDigest(text: string): Digest {
  // Length first: the longest legal text is `sha512:` and 128 digits.
  const colon = typeof text === "string" && text.length <= 160 ? text.indexOf(":") : -1;
  const algorithm = colon > 0 ? text.slice(0, colon) : "";
  if (!isAlgorithm(algorithm)) {
    throw new RegistryError(
      "invalid_digest",
      "A digest reads <algorithm>:<hex> with algorithm blake3, sha256 or sha512",
      {
        digest: String(text).slice(0, 160),
      },
    );
  }
  return createDigest(algorithm, text.slice(colon + 1));
}
