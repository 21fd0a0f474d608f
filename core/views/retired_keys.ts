/**
 * Operational, not a view: keys whose bytes were deleted. Wanted by the unit that records a location, so that an
 * object is never recorded at a key that a delete is about to hit.
 */
import type { Loader } from "./loader.ts";
import { selectByKeys } from "./statements.ts";

export const retiredKey: Loader<{ backendId: string; key: string }, true> = {
  name: "retired key",
  keyOf: ({ backendId, key }) => `retired ${backendId} ${key}`,
  async load(db, keys) {
    const tuples = keys.map(({ backendId, key }) => [backendId, key]);
    const columns = ["backend_id", "storage_key"] as const;
    const rows = await selectByKeys(db, "retired_keys", columns, columns, tuples);
    return new Map(rows.map((row) => [`retired ${row.backend_id} ${row.storage_key}`, true]));
  },
};
