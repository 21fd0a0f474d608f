/** Of all requests of this process on one thing, the newest runs: it ends the one before and waits for it. */

interface Running {
  readonly abort: AbortController;
  readonly done: Promise<void>;
}

export interface NewestRequests {
  /**
   * Ends the request before, with `reason`, waits until it has ended, and runs `work`. If a newer one comes meanwhile,
   * `stopped` fires, and whatever `work` throws then, this rejects with the newer one's reason.
   */
  run<T>(id: string, reason: Error, work: (stopped: AbortSignal) => Promise<T>): Promise<T>;
  /** Whether one is under way. */
  has(id: string): boolean;
  stop(id: string, reason: Error): void;
  /** Stops all and waits for them. */
  stopAll(reason: Error): Promise<void>;
}

export function createNewestRequests(): NewestRequests {
  const newest = new Map<string, Running>();
  return {
    async run(id, reason, work) {
      const before = newest.get(id);
      const abort = new AbortController();
      const { promise: done, resolve: end } = Promise.withResolvers<void>();
      const self: Running = { abort, done };
      newest.set(id, self);
      try {
        before?.abort.abort(reason);
        await before?.done;
        if (abort.signal.aborted) throw abort.signal.reason;
        return await work(abort.signal);
      } catch (error) {
        // Whatever the stop broke on its way: this is why.
        throw abort.signal.aborted ? abort.signal.reason : error;
      } finally {
        if (newest.get(id) === self) newest.delete(id);
        end();
      }
    },
    has: (id) => newest.has(id),
    stop: (id, reason) => newest.get(id)?.abort.abort(reason),
    async stopAll(reason) {
      const running = [...newest.values()];
      for (const { abort } of running) abort.abort(reason);
      await Promise.all(running.map(({ done }) => done));
    },
  };
}
