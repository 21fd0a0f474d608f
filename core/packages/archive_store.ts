/** The bytes of many files into the store, before one unit of work gives all of them their names. */
import { collect } from "../base/stream.ts";
import { choosePlace, type StoredContent } from "../content/place.ts";
import { coded } from "../ledger/mod.ts";
import type { Caller } from "../spi/authenticator.ts";
import type { Placement } from "../spi/data_plane.ts";
import type { PlannedFile } from "./archive_plan.ts";
import type { PackageDeps } from "./types.ts";

/** Files up to here are read into memory, so that the syncs of several overlap. Bytes. */
const BUFFERED = 64 * 1024;
const AT_ONCE = 16;

/** Stores files: big ones as they come, small ones several at once. The first failure ends it. */
export class ContentStore {
  readonly byAddress = new Map<string, StoredContent>();
  readonly #deps: PackageDeps;
  readonly #caller: Caller;
  readonly #running = new Set<Promise<void>>();
  #failure: { readonly error: unknown } | undefined;

  constructor(deps: PackageDeps, caller: Caller) {
    this.#deps = deps;
    this.#caller = caller;
  }

  /** Has read all of `body` when it resolves. */
  async store(file: PlannedFile, size: number, body: AsyncIterable<Uint8Array>): Promise<void> {
    if (size > BUFFERED) return await this.#put(file, size, body);
    const bytes = await collect(body, BUFFERED);
    while (this.#running.size >= AT_ONCE) await Promise.race(this.#running);
    this.#throwFailure();
    const running = this.#put(file, size, once(bytes))
      .catch((error) => {
        this.#failure ??= { error };
      })
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  /** Waits for what is under way. Never rejects. */
  async idle(): Promise<void> {
    await Promise.all(this.#running);
  }

  async settled(): Promise<void> {
    await this.idle();
    this.#throwFailure();
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  async #put(file: PlannedFile, size: number, body: AsyncIterable<Uint8Array>): Promise<void> {
    const { database, dataPlane, backendId, limits } = this.#deps;
    const { signal } = this.#caller;
    let generation = 0;
    const result = await dataPlane.ingest(body, {
      backend_id: backendId,
      max_size: limits.maxObjectBytes,
      expected_size: size,
      ...(signal === undefined ? {} : { signal }),
      place: async (facts, unusable): Promise<Placement> => {
        const known = this.byAddress.get(facts.address);
        // The log does not know yet what this one brought a moment ago.
        if (known !== undefined && unusable === undefined) return { action: "reuse", location: known.result.location };
        const placement = await coded(database, () => choosePlace(this.#deps, facts, unusable));
        if (placement.action === "publish") generation = placement.generation;
        return placement;
      },
    });
    if (!this.byAddress.has(result.address)) this.byAddress.set(result.address, { result, generation });
    const { sha256 } = result.digests;
    file.content = { content_address: result.address, size: result.size, digests: { sha256: sha256.hex } };
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  if (bytes.length > 0) yield bytes;
}
