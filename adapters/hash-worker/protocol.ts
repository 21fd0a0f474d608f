import type { Algorithm } from "../../core/identity/algorithms.ts";

/**
 * What the thread is told, in order. Memory goes once and is a number from then on: to send shared memory takes Bun 85 us
 * each time (1.4.4), to send a view takes Deno a look at each of its elements (2.9), and this takes either a few.
 */
export type Order =
  | { readonly memory: number; readonly buffer: SharedArrayBuffer }
  | { readonly forget: number }
  | { readonly begin: number; readonly algorithms: readonly Algorithm[] }
  | { readonly update: number; readonly memory: number; readonly offset: number; readonly length: number }
  | { readonly digests: number }
  | { readonly drop: number };

/** One for each update (nothing to say) and for each wish for digests (in hex), in the order of these. */
export type Answer = 0 | readonly string[];
