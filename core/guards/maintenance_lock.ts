/**
 * One maintenance job at a time on a database, in any process: migrate, restore, replay into place, doctor --fix.
 * A row with a lease, renewed while the work runs; whoever meets it is told who holds it. It keeps maintenance jobs
 * apart from each other; against writers each job is safe by its own transactions.
 */
import type { Clock, Ids } from "../base/clock.ts";
import { toTimestamp } from "../base/clock.ts";
import { RegistryError } from "../base/errors.ts";
import type { Database } from "../spi/database.ts";
import type { Tables } from "../views/tables.ts";

const NAME = "maintenance";
const LEASE = 60_000;

export interface LockDeps {
  readonly database: Database<Tables>;
  readonly clock: Clock;
  readonly ids: Ids;
}

/** @throws {RegistryError} `maintenance_in_progress`, naming holder, purpose and since when */
export async function withMaintenanceLock<T>(
  deps: LockDeps,
  options: { readonly holder: string; readonly purpose: string },
  work: () => Promise<T>,
): Promise<T> {
  const { database, clock } = deps;
  // Two jobs of one process are two holders.
  const holder = `${options.holder} (${deps.ids.uuid().slice(-12)})`;
  await database.exclusive(async (trx) => {
    const now = toTimestamp(clock.now());
    const held = await trx.selectFrom("maintenance_lock").selectAll().where("name", "=", NAME).executeTakeFirst();
    if (held !== undefined && held.expires_at > now) {
      throw new RegistryError(
        "maintenance_in_progress",
        `${held.holder} is doing "${held.purpose}" since ${held.acquired_at}; wait until it is done (a lock whose holder died ends at ${held.expires_at})`,
        { holder: held.holder, purpose: held.purpose, acquired_at: held.acquired_at, expires_at: held.expires_at },
      );
    }
    if (held !== undefined) await trx.deleteFrom("maintenance_lock").where("name", "=", NAME).execute();
    const row = {
      name: NAME,
      holder,
      purpose: options.purpose,
      acquired_at: now,
      expires_at: toTimestamp(clock.now() + LEASE),
    };
    await trx.insertInto("maintenance_lock").values(row).execute();
  });
  const mine = <Q extends { where(column: "holder", op: "=", value: string): Q }>(query: Q): Q =>
    query.where("holder", "=", holder);
  const renewal = setInterval(() => {
    const expires = toTimestamp(clock.now() + LEASE);
    // A missed renewal is made good by the next one; there are two before the lease ends.
    database
      .write((trx) => mine(trx.updateTable("maintenance_lock").set({ expires_at: expires })).execute())
      .catch(() => {});
  }, LEASE / 3);
  try {
    return await work();
  } finally {
    clearInterval(renewal);
    await database.write((trx) => mine(trx.deleteFrom("maintenance_lock")).execute());
  }
}
