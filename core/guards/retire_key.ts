/**
 * Puts a key out of use before its bytes go (ADR 0010): under the head lock it is certain that no name points at it, and
 * any later unit that would record it is refused. Only then may the bytes be deleted.
 */
import type { Clock } from "../base/clock.ts";
import { toTimestamp } from "../base/clock.ts";
import { lockHead } from "../ledger/mod.ts";
import type { Database } from "../spi/database.ts";
import type { StoredObject } from "../spi/storage.ts";
import type { Tables } from "../views/tables.ts";

/** @returns false when a name points at the key: its bytes stay */
export async function retireKey(
  deps: { readonly database: Database<Tables>; readonly clock: Clock },
  stored: { readonly backend_id: string } & Pick<StoredObject, "key" | "address" | "generation">,
): Promise<boolean> {
  const { database, clock } = deps;
  return await database.write(async (trx) => {
    await lockHead(trx, database.kind);
    const named = await trx
      .selectFrom("storage_locations")
      .select("content_address")
      .where("backend_id", "=", stored.backend_id)
      .where("storage_key", "=", stored.key)
      .executeTakeFirst();
    if (named !== undefined) return false;
    await trx
      .insertInto("retired_keys")
      .values({
        backend_id: stored.backend_id,
        storage_key: stored.key,
        content_address: stored.address ?? null,
        generation: stored.generation ?? null,
        retired_at: toTimestamp(clock.now()),
      })
      .onConflict((oc) => oc.doNothing())
      .execute();
    return true;
  });
}
