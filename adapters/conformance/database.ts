/** What every `Database` must do. Plain cases: run each with a fresh context. */
import type { Case } from "./case.ts";
import {
  count,
  createItem,
  type DatabaseContext,
  equal,
  type Handle,
  item,
  one,
  pause,
  rejection,
} from "./database_context.ts";
import { type Report, type RunOptions, runCases } from "./report.ts";

export type { DatabaseContext } from "./database_context.ts";

/**
 * Runs the whole kit. `fresh` makes room for a new, empty database; its `remove()` is called when the case has ended.
 */
export function runDatabaseConformance(
  subject: string,
  fresh: () => Promise<DatabaseContext & { remove(): Promise<void> }>,
  options: RunOptions = {},
): Promise<Report> {
  const open = async () => {
    const context = await fresh();
    return { context, capabilities: undefined, close: () => context.remove() };
  };
  return runCases("database", subject, databaseCases, open, options);
}

export const databaseCases: readonly Case<DatabaseContext, unknown>[] = [
  one("write() makes all of its work visible at once, to other handles too", async (db, ctx) => {
    await db.write(async (trx) => {
      await trx.insertInto("item").values(item(1)).execute();
      equal(await count(db), 0, "rows that another connection sees before the commit");
      await trx.insertInto("item").values(item(2)).execute();
    });
    equal(await count(db), 2, "rows after the commit");
    const other = (await ctx.open()) as Handle;
    equal(await count(other).finally(() => other.close()), 2, "rows that another handle sees");
  }),

  one("write() rolls back and passes the work's own rejection through", async (db) => {
    const mine = new Error("mine");
    const thrown = await rejection(
      db.write(async (trx) => {
        await trx.insertInto("item").values(item(1)).execute();
        throw mine;
      }),
    );
    equal(thrown, mine, "the rejection");
    equal(await count(db), 0, "rows");
    await db.write((trx) => trx.insertInto("item").values(item(1)).execute());
    equal(await count(db), 1, "rows of the next write()");
  }),

  one(
    "write() calls that are made at once all succeed, more than any pool holds, also when each reads beside",
    async (db) => {
      await db.write((trx) => trx.insertInto("item").values(item(1)).execute());
      await Promise.all(
        Array.from({ length: 40 }, () =>
          db.write(async (trx) => {
            await count(db);
            await trx
              .updateTable("item")
              .set((e) => ({ label: e.ref("label"), id: e("id", "+", 1) }))
              .execute();
          }),
        ),
      );
      equal((await db.read.selectFrom("item").select("id").executeTakeFirstOrThrow()).id, 41, "the counter");
    },
  ),

  one("of write() calls that are made at once, each fails for itself", async (db) => {
    const outcomes = await Promise.allSettled(
      Array.from({ length: 30 }, (_, n) =>
        db.write(
          async (trx) => {
            await trx.insertInto("item").values(item(n)).execute();
            if (n % 3 === 0) throw new Error(`mine ${n}`);
            // The same row again: the statement fails, and its transaction with it.
            if (n % 3 === 1) await trx.insertInto("item").values(item(n)).execute();
            return n;
          },
          { relaxed: n % 2 === 0 },
        ),
      ),
    );
    for (const [n, outcome] of outcomes.entries()) {
      if (n % 3 === 2) equal(outcome.status === "fulfilled" && outcome.value, n, "what a good write() answers");
      else if (n % 3 === 0) equal(outcome.status === "rejected" && outcome.reason.message, `mine ${n}`, "a rejection");
      else equal(outcome.status === "rejected" && db.fault(outcome.reason), "unique", "a fault");
    }
    const rows = await db.read.selectFrom("item").select("id").orderBy("id").execute();
    const wanted = Array.from({ length: 10 }, (_, n) => n * 3 + 2).join();
    equal(rows.map(({ id }) => Number(id)).join(), wanted, "the rows of the good ones");
  }),

  one("a relaxed write() is seen by other handles at once, and durable ones follow it", async (db, ctx) => {
    const other = (await ctx.open()) as Handle;
    try {
      await db.write((trx) => trx.insertInto("item").values(item(1)).execute(), { relaxed: true });
      equal(await count(other), 1, "rows that another handle sees");
      await other.write((trx) => trx.insertInto("item").values(item(2)).execute());
      await db.write((trx) => trx.insertInto("item").values(item(3)).execute());
      equal(await count(other), 3, "rows in the end");
      const { synchronous } = await db.info();
      await db.write((trx) => trx.deleteFrom("item").execute(), { relaxed: true });
      equal((await db.info()).synchronous, synchronous, "the durability of other writes");
    } finally {
      await other.close();
    }
  }),

  one("two handles that write at once both succeed", async (db, ctx) => {
    const other = (await ctx.open()) as Handle;
    try {
      const writes: Promise<unknown>[] = [];
      for (let id = 1; id <= 60; id++) {
        writes.push((id % 2 ? db : other).write((trx) => trx.insertInto("item").values(item(id)).execute()));
      }
      await Promise.all(writes);
      equal(await count(db), 60, "rows");
    } finally {
      await other.close();
    }
  }),

  one("snapshot() sees one state throughout, holds nobody up and refuses to write", async (db) => {
    await db.write((trx) => trx.insertInto("item").values(item(1)).execute());
    await db.snapshot(async (trx) => {
      const rows = () => trx.selectFrom("item").select("id").execute();
      equal((await rows()).length, 1, "rows at first");
      await db.write((inner) => inner.insertInto("item").values(item(2)).execute());
      equal(await count(db), 2, "rows that read sees meanwhile");
      equal((await rows()).length, 1, "rows of the snapshot after somebody's commit");
    });
    const error = await rejection(db.snapshot((trx) => trx.insertInto("item").values(item(3)).execute()));
    equal(db.fault(error), "read_only", "the fault of a write in a snapshot");
  }),

  one(
    "exclusive() keeps every other exclusive() out, also from another handle and before any table exists",
    async (db, ctx) => {
      await db.write((trx) => trx.schema.dropTable("item").execute());
      const other = (await ctx.open()) as Handle;
      try {
        let inside = 0;
        let made = 0;
        const enter = (handle: Handle) =>
          handle.exclusive(async (trx) => {
            equal(++inside, 1, "callers inside");
            const tables = await trx.introspection.getTables();
            if (tables.every((table) => table.name !== "item")) {
              made++;
              await trx.schema.createTable("item").addColumn("id", "integer").execute();
            }
            await pause(2);
            inside--;
          });
        await Promise.all([enter(db), enter(other), enter(db), enter(other)]);
        equal(made, 1, "tables made");
      } finally {
        await other.close();
      }
    },
  ),

  one("a schema change that is rolled back leaves nothing", async (db) => {
    await rejection(
      db.exclusive(async (trx) => {
        await trx.schema.createTable("other").addColumn("id", "integer").execute();
        await trx.schema.alterTable("item").addColumn("more", "text").execute();
        throw new Error("no");
      }),
    );
    const names = (await db.read.introspection.getTables()).map((table) => table.name);
    equal(names.join(), "item", "tables");
    await db.write((trx) => trx.insertInto("item").values(item(1)).execute());
    equal(Object.keys((await db.read.selectFrom("item").selectAll().executeTakeFirst()) ?? {}).length, 3, "columns");
  }),

  one("statements run before a schema change see the columns added by it", async (db) => {
    const all = () => db.read.selectFrom("item").selectAll().executeTakeFirstOrThrow();
    await db.write((trx) => trx.insertInto("item").values(item(1)).execute());
    await all();
    await db.write((trx) => trx.schema.alterTable("item").addColumn("more", "text").execute());
    equal(Object.keys(await all()).join(), "id,label,bytes,more", "columns");
  }),

  one("values come back as they went in: text, bytes, null and whole numbers up to 2^53", async (db) => {
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
    const labels = ["", "quote ' \\ \" \n", "\u{1f600} \uff5e e\u0301", "\\x00ff", "NULL"];
    const rows = labels.map((label, i) => ({ id: Number.MAX_SAFE_INTEGER - i, label, bytes: bytes.subarray(i * 50) }));
    rows.push({ id: Number.MIN_SAFE_INTEGER, label: "empty", bytes: new Uint8Array(0) });
    await db.write((trx) => trx.insertInto("item").values(rows).execute());
    await db.write((trx) => trx.insertInto("item").values({ id: 0, label: null, bytes: null }).execute());
    const found = await db.read.selectFrom("item").selectAll().execute();
    const byId = new Map(found.map((row) => [row.id, row]));
    for (const row of rows) {
      const back = byId.get(row.id);
      equal(back?.label, row.label, "text");
      equal(back?.bytes instanceof Uint8Array, true, "bytes are a Uint8Array");
      equal(String(back?.bytes), String(row.bytes), "bytes");
    }
    equal(byId.get(0)?.label, null, "no text");
    equal(byId.get(0)?.bytes, null, "no bytes");
  }),

  one("true, false and undefined are stored as 1, 0 and null", async (db) => {
    const odd = { id: true, label: undefined, bytes: null } as unknown as { id: number; label: null; bytes: null };
    await db.write((trx) =>
      trx
        .insertInto("item")
        .values([odd, { ...odd, id: false as unknown as number }])
        .execute(),
    );
    const found = await db.read.selectFrom("item").select(["id", "label"]).orderBy("id").execute();
    equal(JSON.stringify(found), '[{"id":0,"label":null},{"id":1,"label":null}]', "rows");
  }),

  one("a number beyond 2^53 is refused, never changed in silence", async (db) => {
    const beyond = 2n ** 53n + 1n;
    await rejection(
      db.write((trx) =>
        trx
          .insertInto("item")
          .values(item(Number(beyond) + 2))
          .execute(),
      ),
    );
    equal(await count(db), 0, "rows");
    await db.write((trx) =>
      trx
        .insertInto("item")
        .values(item(beyond as unknown as number))
        .execute(),
    );
    const found = await db.read
      .selectFrom("item")
      .select("id")
      .executeTakeFirst()
      .then(
        (row) => (row?.id as unknown) === beyond,
        () => true,
      );
    equal(found, true, "reading gives the exact value or rejects");
    equal(await count(db, "label"), 1, "rows afterwards");
  }),

  one("thousands of values fit in one statement, with nulls in any places", async (db) => {
    for (let round = 0; round < 3; round++) {
      const rows = Array.from({ length: 1000 }, (_, i) => ({
        id: round * 1000 + i,
        label: i % (round + 2) ? `label ${i}` : null,
        bytes: i % 3 ? new Uint8Array([round, i & 255]) : null,
      }));
      await db.write((trx) => trx.insertInto("item").values(rows).execute());
    }
    equal(await count(db), 3000, "rows");
  }),

  one("fault() knows a unique constraint, also under wrappers, and nothing where there is nothing", async (db) => {
    await db.write((trx) => trx.insertInto("item").values(item(1)).execute());
    const error = await rejection(db.write((trx) => trx.insertInto("item").values(item(1)).execute()));
    equal(db.fault(error), "unique", "the fault");
    equal(db.fault(new Error("outer", { cause: new Error("inner", { cause: error }) })), "unique", "when wrapped");
    const circular = new Error("round");
    circular.cause = circular;
    for (const nothing of [undefined, null, "text", new Error("x"), circular]) {
      equal(db.fault(nothing), "other", String(nothing));
    }
  }),

  one("a failed statement leaves the handle usable", async (db) => {
    await rejection(
      db.read
        .selectFrom("nowhere" as "item")
        .selectAll()
        .execute(),
    );
    await rejection(
      db.snapshot((trx) =>
        trx
          .selectFrom("nowhere" as "item")
          .selectAll()
          .execute(),
      ),
    );
    await rejection(
      db.write((trx) =>
        trx
          .insertInto("nowhere" as "item")
          .values(item(1))
          .execute(),
      ),
    );
    await db.write((trx) => trx.insertInto("item").values(item(1)).execute());
    equal(await count(db), 1, "rows");
  }),

  one("subscribe() stays silent after it was stopped, and announce() does no harm in a rollback", async (db) => {
    let woken = 0;
    const stop = await db.subscribe(() => woken++);
    await rejection(
      db.write(async (trx) => {
        await db.announce(trx);
        throw new Error("no");
      }),
    );
    await stop();
    await pause(20);
    const before = woken;
    await db.write((trx) => db.announce(trx));
    await pause(20);
    equal(woken, before, "wake-ups after stopping");
  }),

  one("scratch() is an empty database of the same kind, apart from this one", async (db) => {
    const scratch = await db.scratch();
    try {
      const other = scratch.database as Handle;
      equal(other.kind, db.kind, "kind");
      // Fails if the table is already there.
      await createItem(other);
      await other.write((trx) => trx.insertInto("item").values(item(1)).execute());
      equal(await count(other), 1, "rows in the scratch database");
      equal(await count(db), 0, "rows in the real one");
    } finally {
      await scratch.dispose();
    }
  }),

  one("a scratch database that nobody has open any more is listed by age and can be discarded, twice", async (db) => {
    const scratch = await db.scratch();
    try {
      const other = scratch.database as Handle;
      await createItem(other);
      await other.write(async (trx) => {
        await trx.insertInto("item").values(item(1)).execute();
        equal((await db.scratchLeftovers(Date.now() + 60_000)).length, 0, "scratch databases that nobody uses");
      });
      await other.close(); // as a crash would
      await pause(50); // a server notices a moment later
      equal((await db.scratchLeftovers(Date.now() - 60_000)).length, 0, "scratch databases older than a minute");
      const left = await db.scratchLeftovers(Date.now() + 60_000);
      equal(left.length, 1, "scratch databases");
      for (const _ of [1, 2]) await db.discardScratch(left[0] as string);
      equal((await db.scratchLeftovers(Date.now() + 60_000)).length, 0, "scratch databases afterwards");
      const refusal = await rejection(db.discardScratch("item"));
      equal((refusal as { code?: unknown }).code, "invalid_argument", "code for a name that is not theirs");
    } finally {
      await scratch.dispose();
    }
  }),

  one("info() tells kind, version and durability as the database itself says", async (db) => {
    const info = await db.info();
    equal(info.kind, db.kind, "kind");
    equal(/^\d+\.\d+/.test(info.version), true, `version ${info.version}`);
    equal(["FULL", "EXTRA", "on", "remote_apply"].includes(info.synchronous), true, `synchronous ${info.synchronous}`);
  }),

  one("close() ends the handle; calling it again is harmless and later work is refused", async (_db, ctx) => {
    const handle = (await ctx.open()) as Handle;
    await count(handle);
    await handle.close();
    await handle.close();
    await rejection(count(handle));
    await rejection(handle.write(async () => undefined));
  }),
];
