/** Picks the fastest hash kernel that works here: native, then WebAssembly, then plain JavaScript. */
import { toHex } from "../core/base/bytes.ts";
import type { Algorithm } from "../core/identity/algorithms.ts";
import type { Hasher } from "../core/identity/hasher.ts";

/** Fastest first. Loaded only when tried: a runtime without `node:crypto` must not fail on the import. */
const LOADERS: Readonly<Record<Hasher["kernel"], () => Promise<Hasher | undefined>>> = {
  native: async () => (await import("./hasher-native/mod.ts")).createNativeHasher(),
  wasm: async () => (await import("./hasher-wasm/mod.ts")).createWasmHasher(),
  portable: async () => (await import("./hasher-portable/mod.ts")).createPortableHasher(),
};

/** Digests of the empty input. A kernel that gets these wrong was built or loaded wrongly and is passed over. */
const EMPTY: Readonly<Record<Algorithm, string>> = {
  blake3: "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262",
  sha256: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  sha512:
    "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e",
};

/** @param prefer Tried first; when it does not work here the others follow, so look at `kernel` of what comes back. */
export async function loadHasher(prefer: Hasher["kernel"] = "native"): Promise<Hasher> {
  const others = (Object.keys(LOADERS) as Hasher["kernel"][]).filter((kernel) => kernel !== prefer);
  for (const kernel of [prefer, ...others]) {
    const hasher = await tryToLoad(kernel);
    if (hasher !== undefined) return hasher;
  }
  throw new Error("No hash kernel works here, not even the one in plain JavaScript");
}

async function tryToLoad(kernel: Hasher["kernel"]): Promise<Hasher | undefined> {
  try {
    const hasher = await LOADERS[kernel]();
    return hasher !== undefined && isSound(hasher) ? hasher : undefined;
  } catch {
    return undefined;
  }
}

function isSound(hasher: Hasher): boolean {
  const nothing = new Uint8Array(0);
  return (Object.keys(EMPTY) as Algorithm[]).every(
    (algorithm) =>
      toHex(hasher.hash(algorithm, nothing)) === EMPTY[algorithm] &&
      toHex(hasher.create(algorithm).digest()) === EMPTY[algorithm],
  );
}
