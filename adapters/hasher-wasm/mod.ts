/** WebAssembly kernel: hash-wasm, whose modules are inlined, so it loads wherever WebAssembly does. */
import { createBLAKE3, createSHA256, createSHA512, type IHasher } from "hash-wasm";
import { RegistryError } from "../../core/base/errors.ts";
import type { Algorithm } from "../../core/identity/algorithms.ts";
import type { Hasher, HashState } from "../../core/identity/hasher.ts";

/**
 * One WebAssembly instance, any number of hash states. hash-wasm makes instances only asynchronously and `create()` is
 * synchronous; so the states take turns: the one whose bytes come next is loaded, the one before it saved (2 KiB each,
 * about a microsecond, and only when the turn changes). A state that is dropped half-way is garbage like any object.
 */
class Machine {
  readonly #instance: IHasher;
  #loaded: TurnState | undefined;

  constructor(instance: IHasher) {
    this.#instance = instance;
  }

  load(state: TurnState): IHasher {
    if (this.#loaded !== state) {
      this.#evict();
      if (state.saved === undefined) this.#instance.init();
      else this.#instance.load(state.saved);
      this.#loaded = state;
    }
    return this.#instance;
  }

  digest(state: TurnState): Uint8Array<ArrayBuffer> {
    const digest = this.load(state).digest("binary");
    this.#loaded = undefined;
    return digest as Uint8Array<ArrayBuffer>;
  }

  hash(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
    this.#evict();
    return this.#instance.init().update(bytes).digest("binary") as Uint8Array<ArrayBuffer>;
  }

  #evict(): void {
    if (this.#loaded !== undefined) this.#loaded.saved = this.#instance.save();
    this.#loaded = undefined;
  }
}

class TurnState implements HashState {
  readonly #machine: Machine;
  #ended = false;
  /** What the machine held when this state's turn ended; undefined before its first turn. */
  saved: Uint8Array | undefined;

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  update(chunk: Uint8Array): void {
    this.#check();
    this.#machine.load(this).update(chunk);
  }

  digest(): Uint8Array<ArrayBuffer> {
    this.#check();
    this.#ended = true;
    return this.#machine.digest(this);
  }

  #check(): void {
    if (this.#ended) throw new RegistryError("internal", "This hash state has ended; create a new one");
  }
}

/** `undefined` where WebAssembly is missing or forbidden. */
export async function createWasmHasher(): Promise<Hasher | undefined> {
  let machines: Readonly<Record<Algorithm, Machine>>;
  try {
    const [blake3, sha256, sha512] = await Promise.all([createBLAKE3(), createSHA256(), createSHA512()]);
    machines = { blake3: new Machine(blake3), sha256: new Machine(sha256), sha512: new Machine(sha512) };
  } catch {
    return undefined;
  }
  return {
    kernel: "wasm",
    name: "hash-wasm",
    create: (algorithm) => new TurnState(machines[algorithm]),
    hash: (algorithm, bytes) => machines[algorithm].hash(bytes),
  };
}
