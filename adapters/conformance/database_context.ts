/** What the database cases are written with. */
import type { Database } from "../../core/spi/database.ts";
import { type Case, ConformanceFailure } from "./case.ts";

export interface DatabaseContext {
  /** A new handle to one database: the same at each call within a case, empty at the first. The case closes it. */
  open(): Promise<Database>;
}

export type Handle = Database<{
  item: { id: number; label: string | null; bytes: Uint8Array | null };
}>;

/** A case with one open handle and the table `item`. */
export function one(
  name: string,
  run: (db: Handle, ctx: DatabaseContext) => Promise<void>,
): Case<DatabaseContext, unknown> {
  return {
    name,
    async run(ctx) {
      const db = (await ctx.open()) as Handle;
      try {
        await createItem(db);
        await run(db, ctx);
      } finally {
        await db.close();
      }
    },
  };
}

export async function createItem(db: Handle): Promise<void> {
  await db.write((trx) =>
    trx.schema
      .createTable("item")
      .addColumn("id", "bigint", (c) => c.primaryKey())
      .addColumn("label", "text")
      // "blob" is no PostgreSQL type and "bytea" no SQLite affinity; both keep bytes as they are.
      .addColumn("bytes", db.kind === "sqlite" ? "blob" : "bytea")
      .execute(),
  );
}

export function item(id: number) {
  return { id, label: `item ${id}`, bytes: null };
}

export async function count(db: Handle, column: "id" | "label" = "label"): Promise<number> {
  return (await db.read.selectFrom("item").select(column).execute()).length;
}

export function equal<T>(found: T, expected: T, what: string): void {
  if (!Object.is(found, expected))
    throw new ConformanceFailure(`${what}: expected ${String(expected)}, found ${String(found)}`);
}

export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  const failed = Symbol();
  const outcome = await promise.then(
    () => failed,
    (error) => error,
  );
  if (outcome === failed) throw new ConformanceFailure("expected a rejection");
  return outcome;
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
