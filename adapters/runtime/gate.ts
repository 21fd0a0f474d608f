/**
 * How long a client may keep us waiting. It starts with an allowance of `window`; waiting uses it up, each byte that
 * moves buys `1 / rate` seconds back, up to where it began. So who keeps the rate may go on for ever, who stalls is
 * found out after `window`, and time in which we were not waiting counts for nothing.
 */
export interface Gate {
  /** We are waiting for the client from now on. */
  wait(): void;
  /** So many bytes moved; we are not waiting any more. */
  moved(bytes: number): void;
  expired(): boolean;
}

/** `rate` in bytes a second, `window` in milliseconds, `slack` in bytes that are never asked for. */
export function createGate(rate: number, window: number, slack = 0): Gate {
  if (rate <= 0) return { wait() {}, moved() {}, expired: () => false };
  const most = window + (slack / rate) * 1000;
  let left = most;
  let since: number | undefined;
  return {
    wait() {
      since ??= performance.now();
    },
    moved(bytes) {
      if (since !== undefined) left -= performance.now() - since;
      since = undefined;
      left = Math.min(most, left + (bytes / rate) * 1000);
    },
    expired: () => since !== undefined && left < performance.now() - since,
  };
}
