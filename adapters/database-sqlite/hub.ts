/**
 * What the handles of one database file share inside this process: wake-ups after commits, and a counter that tells
 * every connection that the schema changed. Other processes are not reached; callers poll as well.
 */
import { realpathSync } from "node:fs";
import { basename, dirname, join } from "node:path";

export interface Hub {
  /** Grows with every schema change made by this process. */
  schemaEpoch: number;
  readonly subscribers: Set<() => void>;
  /** Tells the subscribers, each in a task of its own, so that none can disturb the committer. */
  wake(): void;
}

const hubs = new Map<string, { readonly hub: Hub; users: number }>();

/** The hub of the file, and the way to let go of it. The file's folder must exist. */
export function joinHub(path: string): { readonly hub: Hub; leave(): void } {
  const key = join(realpathSync(dirname(path)), basename(path));
  const entry = hubs.get(key) ?? { hub: createHub(), users: 0 };
  hubs.set(key, entry);
  entry.users++;
  let joined = true;
  return {
    hub: entry.hub,
    leave() {
      if (!joined) return;
      joined = false;
      entry.users--;
      if (entry.users === 0) hubs.delete(key);
    },
  };
}

function createHub(): Hub {
  const subscribers = new Set<() => void>();
  return {
    schemaEpoch: 0,
    subscribers,
    wake() {
      for (const subscriber of subscribers) queueMicrotask(subscriber);
    },
  };
}
