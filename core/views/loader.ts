/**
 * How a decision reads. A unit of work names what it wants; the ledger fetches the wants of a whole group with one
 * query a loader. `touches` (keys.ts) tells which wants an event makes stale.
 */
import type { Kysely } from "kysely";
import type { Tables } from "./tables.ts";

export interface Loader<K, V> {
  readonly name: string;
  /** The fact that this read depends on; equal strings are loaded once. Must be one that `touches()` can name. */
  keyOf(key: K): string;
  /** Found values by `keyOf`; what does not exist is absent. */
  load(db: Kysely<Tables>, keys: readonly K[]): Promise<Map<string, V>>;
}

export interface Want<V> {
  // biome-ignore lint/suspicious/noExplicitAny: a want hides its loader's key type; only the loader looks at it
  readonly loader: Loader<any, V>;
  readonly key: unknown;
}

export type Wants = Readonly<Record<string, Want<unknown>>>;
export type Loaded<W extends Wants> = { readonly [P in keyof W]: W[P] extends Want<infer V> ? V | undefined : never };

export function want<K, V>(loader: Loader<K, V>, key: K): Want<V> {
  return { loader, key };
}

/** One value through a loader, outside any unit of work. */
export async function loadOne<K, V>(db: Kysely<Tables>, loader: Loader<K, V>, key: K): Promise<V | undefined> {
  return (await loader.load(db, [key])).get(loader.keyOf(key));
}
