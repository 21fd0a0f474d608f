/**
 * LISTEN on a connection of its own, open only while somebody subscribes. postgres.js listens again after a lost
 * connection if the server is back at once; if not, wake-ups stay away until the next subscription: callers poll.
 */
import { plainError } from "./faults.ts";
import { connectClient, type PoolOptions } from "./pool.ts";

export function createListener(options: Omit<PoolOptions, "max"> & { readonly channel: string }) {
  const subscribers = new Set<() => void>();
  let stop: (() => Promise<void>) | undefined;
  /** Starting and stopping take turns. */
  let turn: Promise<unknown> = Promise.resolve();

  const wakeAll = () => {
    for (const subscriber of subscribers) queueMicrotask(subscriber);
  };

  async function start(): Promise<void> {
    const client = connectClient(options);
    try {
      // The second callback runs after each (re)connection, when something may have been missed.
      await client.listen(options.channel, wakeAll, wakeAll);
      stop = () => client.end({ timeout: 0 });
    } catch (error) {
      await client.end({ timeout: 0 });
      throw plainError(error);
    }
  }

  function settle(): Promise<void> {
    const mine = turn.then(async () => {
      if (subscribers.size > 0 && stop === undefined) await start();
      if (subscribers.size === 0 && stop !== undefined) {
        const end = stop;
        stop = undefined;
        await end();
      }
    });
    turn = mine.catch(() => undefined);
    return mine;
  }

  return {
    async subscribe(wake: () => void): Promise<() => Promise<void>> {
      const subscriber = () => wake();
      subscribers.add(subscriber);
      const leave = async () => {
        subscribers.delete(subscriber);
        await settle();
      };
      await settle().catch(async (error) => {
        await leave();
        throw error;
      });
      return leave;
    },
    async close(): Promise<void> {
      subscribers.clear();
      await settle();
    },
  };
}
