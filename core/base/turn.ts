/**
 * One turn of the event loop: what is ready (I/O, timers, other callers) runs before the promise resolves.
 *
 * By a message, because `setTimeout(0)` waits for more than a millisecond on every runtime: as long as a page of the
 * log takes to check, or a tenth of a group commit. `setImmediate` is no web standard. A channel of its own per turn,
 * closed at once, so that none keeps a process alive.
 */
export function turn(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}

/**
 * A turn in which timers and sockets surely have theirs, for long work in slices of 10 ms or so. Costs a millisecond. On
 * Bun 1.4, messages that follow each other leave timers and sockets waiting: of 85 turns, one after each 5 ms of work,
 * a timer of 1 ms saw 9.
 */
export function longTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** Milliseconds of work after which others get their turn. */
const SLICE = 8;

/**
 * For loops over what may be a million: `if (pace.due()) await pace.turn()`. Most calls of `due()` cost a comparison or
 * a look at the clock; nothing is awaited until the slice is used up.
 */
export class Pace {
  #began = performance.now();

  due(): boolean {
    return performance.now() - this.#began > SLICE;
  }

  async turn(): Promise<void> {
    await longTurn();
    this.#began = performance.now();
  }
}
