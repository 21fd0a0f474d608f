/** Milliseconds without a byte taken or an answer until a connection counts as broken. */
export const STALL = 120_000;

/** Aborts after a while in which nobody said that something moved: a wire can die without a word. */
export function watchdog(timeout: number, outer?: AbortSignal) {
  const controller = new AbortController();
  const stalled = () => controller.abort(new TypeError(`Nothing moved for ${timeout} ms`));
  const passOn = () => controller.abort(outer?.reason);
  let timer = setTimeout(stalled, timeout);
  outer?.addEventListener("abort", passOn, { once: true });
  if (outer?.aborted) passOn();
  return {
    signal: controller.signal,
    moved() {
      clearTimeout(timer);
      timer = setTimeout(stalled, timeout);
    },
    stop() {
      clearTimeout(timer);
      outer?.removeEventListener("abort", passOn);
    },
  };
}

/** Work that is over, one way or the other, within a time. Its signal must end it. */
export async function within<T>(
  timeout: number,
  outer: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const watch = watchdog(timeout, outer);
  try {
    return await work(watch.signal);
  } finally {
    watch.stop();
  }
}
