/**
 * Whether to call the system and wait. What lies in its caches it gives in microseconds, a tenth of a trip to the thread
 * pool; what it must fetch from a disk holds everything else up, and which of them it is shows only afterwards. So small
 * reads wait as long as that is quick; after a slow one they go to the thread pool for a while.
 */
export interface Blocking {
  allowed(): boolean;
  /** Runs it, and takes its time. */
  run<T>(work: () => T): T;
}

export const NEVER: Blocking = { allowed: () => false, run: (work) => work() };

/** Waits for it where that is allowed, and sends it to the thread pool where not. */
export async function soon<T>(blocking: Blocking, wait: () => T, send: () => Promise<T>): Promise<T> {
  return blocking.allowed() ? blocking.run(wait) : await send();
}

/** Milliseconds: no cache takes so long. */
const SLOW = 2;
/** Milliseconds, and times what it took: nothing but misses hold the others up for a tenth of the time. */
const PAUSE = 100;
const TIMES = 10;

/**
 * Objects under way with which a call that waits is better. What is sent to the thread pool stands there behind the
 * syncs of the others, as many at once as there are processors: 3 ms for what takes 30 us. With more objects there is
 * always something else to do, and a thread that waits is the one that feeds the pool.
 */
const FEW = 16;

export function whileFew(blocking: Blocking, underWay: () => number): Blocking {
  return { allowed: () => underWay() <= FEW && blocking.allowed(), run: blocking.run };
}

/** Syncs under way that hold the whole thread pool of Bun, which has as many threads as there are processors. */
const MANY = 2;

/**
 * For writing to the system's cache: in the pool it would stand behind the syncs of others, while this thread, which all
 * the others wait for, has nothing to do.
 */
export function whileSyncing(blocking: Blocking, syncs: () => number): Blocking {
  return { allowed: () => syncs() >= MANY && blocking.allowed(), run: blocking.run };
}

export function createBlocking(now: () => number = () => performance.now()): Blocking {
  let from = 0;
  return {
    allowed: () => now() >= from,
    run(work) {
      const began = now();
      try {
        return work();
      } finally {
        const end = now();
        if (end - began > SLOW) from = end + Math.max(PAUSE, TIMES * (end - began));
      }
    },
  };
}
