import { describe, expect, test } from "bun:test";
import { databaseCases } from "../../adapters/conformance/database.ts";
import type { Database } from "../../core/spi/database.ts";
import { forEachDatabase, openTarget } from "../support/postgres.ts";

describe("the kit's cases for Database hold", () => {
  forEachDatabase((_kind, _open, target) => {
    for (const one of databaseCases) {
      test(one.name, async () => {
        const where = await target();
        await one.run({ open: () => openTarget(where) });
      });
    }
  });
});

/** The kit must be able to fail: each mutant breaks one promise, and some case must notice. */
describe("the kit notices a database that", () => {
  const mutants: readonly (readonly [string, (db: Database) => Partial<Database>])[] = [
    ["commits although the work failed", (db) => ({ write: (work) => swallow(db, work) })],
    ["reads each query of a snapshot afresh", (db) => ({ snapshot: (work) => work(db.read as never) })],
    ["excludes nobody", (db) => ({ exclusive: (work) => work(db.read as never) })],
    ["calls every error other", () => ({ fault: () => "other" })],
    ["gives itself as the scratch database", (db) => ({ scratch: async () => ({ database: db, async dispose() {} }) })],
    ["never finds what a crash left", () => ({ scratchLeftovers: async () => [] })],
    ["takes what is in use for a leftover", () => ({ scratchLeftovers: async () => ["in-use"] })],
    [
      "claims durability that it has not",
      (db) => ({ info: async () => ({ ...(await db.info()), synchronous: "OFF" }) }),
    ],
  ];
  forEachDatabase((kind, _open, target) => {
    // One kind is enough: the mutants sit above the database.
    if (kind === "postgres") return;
    test.each(mutants)("%s", async (_name, mutate) => {
      let failures = 0;
      for (const one of databaseCases) {
        const where = await target();
        const open = async () => {
          const db = await openTarget(where);
          return { ...db, ...mutate(db) };
        };
        await one.run({ open }).catch(() => failures++);
      }
      expect(failures).toBeGreaterThan(0);
    });
  });
});

async function swallow<T>(db: Database, work: (trx: never) => Promise<T>): Promise<T> {
  const outcome = await db.write(async (trx) => (await Promise.allSettled([work(trx as never)]))[0]);
  if (outcome.status === "rejected") throw outcome.reason;
  return outcome.value;
}
