import { afterEach, describe, expect, test } from "bun:test";
import { withMaintenanceLock } from "../../../core/guards/maintenance_lock.ts";
import { createSystemIds, type Database } from "../../../core/mod.ts";
import { migrate } from "../../../migrations/mod.ts";
import { forEachDatabase, openTarget } from "../../support/postgres.ts";
import {
  caller,
  closeFixtures,
  codeOf,
  failureOf,
  newPackage,
  openFixture,
  settableClock,
} from "../../support/registry_fixture.ts";

afterEach(closeFixtures);

forEachDatabase((_, open, target) => {
  const setUp = async () => {
    const where = await target();
    const databases = [await openTarget(where), await openTarget(where)] as const;
    await migrate(databases[0]);
    const clock = settableClock();
    const lock = <T>(database: Database, holder: string, work: () => Promise<T>) =>
      withMaintenanceLock({ database, clock, ids: createSystemIds() }, { holder, purpose: `work of ${holder}` }, work);
    const rows = () => databases[0].read.selectFrom("maintenance_lock").selectAll().execute();
    const close = () => Promise.all(databases.map((database) => database.close()));
    return { databases, clock, lock, rows, close };
  };

  describe("the maintenance lock", () => {
    test("tells the second who holds it, for what and since when; and is free afterwards", async () => {
      const { databases, lock, rows, close } = await setUp();
      let finish = () => {};
      const working = new Promise<void>((done) => {
        finish = done;
      });
      const first = lock(databases[0], "cli on host a, pid 7", () => working.then(() => "result"));
      while ((await rows()).length === 0) await new Promise((done) => setTimeout(done, 1));
      const error = await failureOf(lock(databases[1], "another", async () => "not reached"));
      expect(error?.code).toBe("maintenance_in_progress");
      expect(error?.message).toContain("cli on host a, pid 7");
      expect(error?.message).toContain("work of cli on host a, pid 7");
      expect(error?.message).toContain("2026-01-02T03:04:05.006Z");
      finish();
      expect(await first).toBe("result");
      expect(await rows()).toEqual([]);
      expect(await lock(databases[1], "another", async () => "its turn")).toBe("its turn");
      await close();
    });

    test("goes to exactly one of many who come at once", async () => {
      const { databases, lock, close } = await setUp();
      let inside = 0;
      let most = 0;
      const work = async () => {
        most = Math.max(most, ++inside);
        await new Promise((done) => setTimeout(done, 20));
        inside--;
      };
      const codes = await Promise.all(
        Array.from({ length: 8 }, (_, i) => codeOf(lock(databases[(i % 2) as 0 | 1], `same name`, work))),
      );
      expect(most).toBe(1);
      expect(codes).toContain(undefined);
      expect(codes.filter((code) => code !== undefined && code !== "maintenance_in_progress")).toEqual([]);
      await close();
    });

    test("is given back when the work fails, and its failure passes through", async () => {
      const { databases, lock, rows, close } = await setUp();
      const failure = new Error("no");
      const call = lock(databases[0], "a", () => Promise.reject(failure));
      expect(await call.catch((error) => error)).toBe(failure);
      expect(await rows()).toEqual([]);
      await close();
    });

    test("of a holder who died can be taken once it has expired, not before; and the dead one's end takes nothing", async () => {
      const { databases, clock, lock, rows, close } = await setUp();
      let die = () => {};
      const dead = lock(databases[0], "dead", () => new Promise<void>((done) => (die = done)));
      while ((await rows()).length === 0) await new Promise((done) => setTimeout(done, 1));
      clock.time += 59_999;
      expect(await codeOf(lock(databases[1], "heir", async () => {}))).toBe("maintenance_in_progress");
      clock.time += 2;
      let finish = () => {};
      const heir = lock(databases[1], "heir", () => new Promise<void>((done) => (finish = done)));
      while (!(await rows())[0]?.holder.startsWith("heir")) await new Promise((done) => setTimeout(done, 1));
      die();
      await dead;
      expect((await rows()).map((row) => row.holder.split(" ")[0])).toEqual(["heir"]);
      finish();
      await heir;
      expect(await rows()).toEqual([]);
      await close();
    });

    test("is renewed while the work goes on", async () => {
      const { databases, clock, lock, rows, close } = await setUp();
      // Its period is 20 s: the timer's function is called by hand.
      const real = globalThis.setInterval;
      let renew: (() => void) | undefined;
      globalThis.setInterval = ((work: () => void) => {
        renew = work;
        return 0;
      }) as never;
      try {
        await lock(databases[0], "long", async () => {
          globalThis.setInterval = real;
          for (let minute = 0; minute < 5; minute++) {
            clock.time += 50_000;
            renew?.();
            const expires = new Date(clock.time + 60_000).toISOString();
            while ((await rows())[0]?.expires_at !== expires) await new Promise((done) => setTimeout(done, 1));
            expect(await codeOf(lock(databases[1], "another", async () => {}))).toBe("maintenance_in_progress");
          }
        });
      } finally {
        globalThis.setInterval = real;
      }
      await close();
    });

    test("keeps replay and doctor --fix apart, while packages go on", async () => {
      const { registry, database } = await openFixture({ database: await open() });
      const row = {
        name: "maintenance",
        holder: "somebody on host b",
        purpose: "restore",
        acquired_at: new Date().toISOString(),
        expires_at: new Date(Date.now() + 60_000).toISOString(),
      };
      await database.write((trx) => trx.insertInto("maintenance_lock").values(row).execute());
      for (const call of [registry.replay(caller, { holder: "me" }), registry.fix(caller, { holder: "me" })]) {
        const error = await failureOf(call);
        expect(error).toMatchObject({
          code: "maintenance_in_progress",
          data: { holder: "somebody on host b", purpose: "restore" },
        });
      }
      await newPackage(registry);
      expect((await registry.inspect(caller)).healthy).toBe(true);
      expect((await registry.checkReplay(caller)).ok).toBe(true);
    });
  });
});
