import { afterEach, describe, expect, test } from "bun:test";
import type { FeedEvent } from "../../../core/mod.ts";
import { forEachDatabase, openTarget } from "../../support/postgres.ts";
import {
  caller,
  closeFixtures,
  codeOf,
  failureOf,
  newPackage,
  openFixture,
  stranger,
} from "../../support/registry_fixture.ts";
import { runChild } from "../../support/registry_process.ts";

const sequences = (events: readonly FeedEvent[]) => events.map((event) => event.sequence);
const upTo = (last: number, first = 1) => Array.from({ length: last - first + 1 }, (_, i) => first + i);

/** Takes `count` events, then lets go. */
async function take(events: AsyncGenerator<FeedEvent, void, void>, count: number): Promise<FeedEvent[]> {
  const taken: FeedEvent[] = [];
  for await (const event of events) {
    taken.push(event);
    if (taken.length === count) break;
  }
  return taken;
}

afterEach(closeFixtures);

forEachDatabase((_, open, target) => {
  describe("a tail", () => {
    test("gives every event once and in order while 40 callers write", async () => {
      const { registry } = await openFixture({ database: await open() });
      const first = (await registry.ledger.head()).sequence;
      const total = first + 40 * 30 * 2;
      const tails = [0, 0, 3].map((since) => take(registry.tailEvents(caller, { since }), total - since));
      await Promise.all(
        Array.from({ length: 40 }, async () => {
          for (let i = 0; i < 30; i++) await newPackage(registry);
        }),
      );
      const [a, b, c] = (await Promise.all(tails)) as [FeedEvent[], FeedEvent[], FeedEvent[]];
      expect(sequences(a)).toEqual(upTo(total));
      expect(sequences(b)).toEqual(upTo(total));
      expect(sequences(c)).toEqual(upTo(total, 4));
      expect(a[5]?.payload).toEqual(b[5]?.payload as Uint8Array);
    });

    test("that nobody reads does not hold writers up, and loses nothing", async () => {
      const { registry } = await openFixture({ database: await open() });
      const slow = registry.tailEvents(caller, { since: 0 });
      expect((await slow.next()).value).toMatchObject({ sequence: 1 });
      for (let i = 0; i < 30; i++) await Promise.all(Array.from({ length: 20 }, () => newPackage(registry)));
      const { sequence } = await registry.ledger.head();
      expect(sequence).toBeGreaterThan(1200);
      expect(sequences(await take(slow, sequence - 1))).toEqual(upTo(sequence, 2));
    });

    test("wakes up for the commits of another handle and of another process", async () => {
      const where = await target();
      const database = await openTarget(where);
      const { registry } = await openFixture({ database });
      const { sequence: since } = await registry.ledger.head();
      const tail = registry.tailEvents(caller, { since });
      const other = await openTarget(where);
      const waiting = tail.next();
      await newPackage((await openFixture({ database: other })).registry);
      expect((await waiting).value).toMatchObject({ sequence: since + 1, type: "v1.package.created" });
      await other.close();
      await tail.next();

      const again = tail.next();
      const { ids } = await runChild<{ ids: string[] }>(where, "create", "1");
      expect((await again).value).toMatchObject({ sequence: since + 3, subject: ids[0] });
      await tail.return();
      await database.close();
    });

    test("of one tenant counts in that tenant's own sequence, over several pages", async () => {
      const { registry } = await openFixture({ database: await open() });
      const theirs = () => registry.createPackage(stranger, { name: "theirs", retentionClass: "working" });
      await Promise.all(Array.from({ length: 400 }, () => [newPackage(registry), theirs()]).flat());
      const tail = registry.tailEvents(stranger, { since: 1, tenant: "elsewhere", follow: false });
      const events = await take(tail, 10_000);
      expect(new Set(events.map((e) => e.tenant))).toEqual(new Set(["elsewhere"]));
      expect(events.map((e) => e.tenant_sequence)).toEqual(upTo(800, 2));
    });

    test("need not poll: each commit tells the database's subscribers, on other handles too", async () => {
      const where = await target();
      const [here, there] = [await openTarget(where), await openTarget(where)];
      const { registry } = await openFixture({ database: there });
      let stop = async () => {};
      const woken = new Promise<void>((wake) => {
        here.subscribe(wake).then((unsubscribe) => {
          stop = unsubscribe;
          return newPackage(registry);
        });
      });
      await woken;
      await stop();
      await here.close();
    });

    test("without follow ends with the last event, also of an empty page", async () => {
      const { registry } = await openFixture({ database: await open() });
      const { sequence } = await registry.ledger.head();
      expect(await take(registry.tailEvents(caller, { since: 0, follow: false }), 1e6)).toHaveLength(sequence);
      expect(await take(registry.tailEvents(caller, { since: sequence, follow: false }), 1)).toEqual([]);
    });

    test("ends when its signal aborts: while it waits, between events, and before it begins", async () => {
      const { registry } = await openFixture({ database: await open() });
      const { sequence } = await registry.ledger.head();
      const waiting = new AbortController();
      const next = registry.tailEvents(caller, { since: sequence, signal: waiting.signal }).next();
      setTimeout(() => waiting.abort(), 20);
      expect(await next).toEqual({ done: true, value: undefined });

      const between = new AbortController();
      const seen: number[] = [];
      for await (const event of registry.tailEvents(caller, { since: 0, signal: between.signal })) {
        seen.push(event.sequence);
        if (event.sequence === 2) between.abort();
      }
      expect(seen).toEqual([1, 2]);

      const aborted = registry.tailEvents(caller, { since: 0, signal: AbortSignal.abort() });
      expect(await aborted.next()).toEqual({ done: true, value: undefined });
    });
  });

  test("a page of events has a limit within 1..10000 and a whole, non-negative start", async () => {
    const { registry } = await openFixture({ database: await open() });
    expect(sequences((await registry.readEvents(caller, { since: 2, limit: 3 })).events)).toEqual([3, 4, 5]);
    for (const limit of [0, -1, 1.5, 10_001, Number.NaN]) {
      expect(await codeOf(registry.readEvents(caller, { since: 0, limit }))).toBe("invalid_argument");
    }
    for (const since of [-1, 0.5, Number.NaN]) {
      expect(await codeOf(registry.readEvents(caller, { since, limit: 1 }))).toBe("invalid_argument");
      const tail = registry.tailEvents(caller, { since, follow: false });
      expect((await failureOf(tail.next()))?.code).toBe("invalid_argument");
    }
  });
});
