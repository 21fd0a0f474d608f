/** Sorting what is too much for one turn of the event loop. */
import { Pace } from "./turn.ts";

/** Sorted by the engine in one go: some 10 ms of comparing text. */
const RUN = 10_000;
/** Merged between two looks at the clock. */
const STEP = 1024;

/** A sorted copy; equal items keep their order. Others get their turns meanwhile, so nobody may change `items`. */
export async function sortInTurns<T>(items: readonly T[], compare: (a: T, b: T) => number): Promise<T[]> {
  const pace = new Pace();
  let runs: T[][] = [];
  for (let at = 0; at < items.length; at += RUN) {
    runs.push(items.slice(at, at + RUN).sort(compare));
    if (pace.due()) await pace.turn();
  }
  while (runs.length > 1) {
    const merged: T[][] = [];
    for (let i = 0; i < runs.length; i += 2) merged.push(await merge(runs[i] as T[], runs[i + 1] ?? [], compare, pace));
    runs = merged;
  }
  return runs[0] ?? [];
}

async function merge<T>(a: T[], b: T[], compare: (a: T, b: T) => number, pace: Pace): Promise<T[]> {
  // The common case of what comes from an index.
  if (a.length === 0 || b.length === 0 || compare(a[a.length - 1] as T, b[0] as T) <= 0) return a.concat(b);
  const merged: T[] = [];
  let [i, j] = [0, 0];
  while (i < a.length && j < b.length) {
    const [x, y] = [a[i] as T, b[j] as T];
    if (compare(x, y) <= 0) {
      merged.push(x);
      i++;
    } else {
      merged.push(y);
      j++;
    }
    if (merged.length % STEP === 0 && pace.due()) await pace.turn();
  }
  // By a loop: as arguments of push(), half a million items are too many for the stack.
  for (; i < a.length; i++) merged.push(a[i] as T);
  for (; j < b.length; j++) merged.push(b[j] as T);
  return merged;
}
