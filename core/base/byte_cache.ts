/** Bytes that are asked for again and again and never change, the last used ones, up to so many of them together. */

/** What a key and its place in the map cost beside the bytes, about; so that many small ones are bounded too. */
const OVERHEAD = 128;

export class ByteCache<K> {
  readonly #room: number;
  /** A Map keeps the order of insertion: taking out and putting back makes it least recently used first. */
  readonly #kept = new Map<K, Uint8Array>();
  #used = 0;

  /** @param room bytes at most, all that is kept counted */
  constructor(room: number) {
    this.#room = room;
  }

  /** A copy, so that nobody changes what others get. */
  get(key: K): Uint8Array<ArrayBuffer> | undefined {
    const bytes = this.#kept.get(key);
    if (bytes === undefined) return undefined;
    this.#kept.delete(key);
    this.#kept.set(key, bytes);
    return new Uint8Array(bytes);
  }

  /** Keeps a copy. What has not even room alone is not kept. */
  put(key: K, bytes: Uint8Array): void {
    const before = this.#kept.get(key);
    if (before !== undefined) this.#drop(key, before);
    if (bytes.length + OVERHEAD > this.#room) return;
    this.#kept.set(key, new Uint8Array(bytes));
    this.#used += bytes.length + OVERHEAD;
    for (const [oldest, its] of this.#kept) {
      if (this.#used <= this.#room) return;
      this.#drop(oldest, its);
    }
  }

  #drop(key: K, bytes: Uint8Array): void {
    this.#kept.delete(key);
    this.#used -= bytes.length + OVERHEAD;
  }
}
