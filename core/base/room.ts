/** A few places for what takes much memory: whoever finds them taken waits, and takes none. */
import { throwIfCancelled } from "./stream.ts";

/** A room for each registry. What has up to `free` bytes needs no place in it. */
export class Rooms {
  readonly #rooms = new WeakMap<object, Room>();
  readonly #places: number;
  readonly #free: number;

  constructor(places: number, free: number) {
    this.#places = places;
    this.#free = free;
  }

  /** @param owner one object a registry. @throws {RegistryError} `cancelled` */
  async enter(owner: object, bytes: number, signal: AbortSignal | undefined): Promise<() => void> {
    if (bytes <= this.#free) return () => {};
    const room = this.#rooms.get(owner) ?? new Room(this.#places);
    this.#rooms.set(owner, room);
    return await room.enter(signal);
  }
}

export class Room {
  #free: number;
  readonly #waiting = new Set<() => void>();

  constructor(places: number) {
    this.#free = places;
  }

  /** Resolves with the way to leave, which may be called twice. @throws {RegistryError} `cancelled` */
  async enter(signal: AbortSignal | undefined): Promise<() => void> {
    while (this.#free === 0) {
      throwIfCancelled(signal);
      await new Promise<void>((resolve) => {
        const wake = () => {
          this.#waiting.delete(wake);
          signal?.removeEventListener("abort", wake);
          resolve();
        };
        this.#waiting.add(wake);
        signal?.addEventListener("abort", wake, { once: true });
      });
    }
    this.#free--;
    let inside = true;
    return () => {
      if (!inside) return;
      inside = false;
      this.#free++;
      for (const wake of this.#waiting) return wake();
    };
  }
}
