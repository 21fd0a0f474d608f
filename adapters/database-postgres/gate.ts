/** Lets at most `width` tasks run at once; the others wait in order. */
export function createGate(width: number): <T>(task: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (task) => {
    if (running >= width) await new Promise<void>((resolve) => waiting.push(resolve));
    else running++;
    try {
      return await task();
    } finally {
      // The place is handed on, not given back and taken again, so nobody can slip in between.
      const next = waiting.shift();
      if (next !== undefined) next();
      else running--;
    }
  };
}
