import { afterEach, describe, expect, test } from "bun:test";
import type { EventFollower, EventQuery, FeedEvent, Registry } from "../../../core/mod.ts";
import type { Database } from "../../../core/spi/database.ts";
import { forEachDatabase } from "../../support/postgres.ts";
import { caller, closeFixtures, failureOf, newPackage, openFixture } from "../../support/registry_fixture.ts";
import { append, tenant } from "./support.ts";

afterEach(closeFixtures);

const SMALL = { limit: 16, bytes: 16 * 1024 };
const upTo = (last: number, first = 1) => Array.from({ length: last - first + 1 }, (_, i) => first + i);

/** Reads on until it has `count` events. */
async function follow(follower: EventFollower, count: number): Promise<FeedEvent[]> {
  const found: FeedEvent[] = [];
  while (found.length < count) found.push(...(await follower.next(SMALL)));
  follower.close();
  return found;
}

/** Long-polls, one after the other, as clients do, until it has `count` events. */
async function poll(registry: Registry, who: typeof caller, query: EventQuery, count: number): Promise<FeedEvent[]> {
  const found: FeedEvent[] = [];
  let { since } = query;
  while (found.length < count) {
    const page = await registry.readEvents(who, { ...query, since, wait: 10_000 });
    found.push(...page.events);
    since = page.last_sequence;
  }
  return found;
}

/** The database, counting the queries of its readers. */
function counting(database: Database): { database: Database; queries(): number } {
  let queries = 0;
  const read = database.read.withPlugin({
    transformQuery: ({ node }) => {
      queries++;
      return node;
    },
    transformResult: async ({ result }) => result,
  });
  return { database: { ...database, read }, queries: () => queries };
}

forEachDatabase((_, open) => {
  describe("those who follow the log", () => {
    test("all get every event once and in order, by feeds, filters and long-polls, while 64 callers write", async () => {
      const { registry } = await openFixture({ database: await open() });
      const { sequence: start } = await registry.head(caller);
      const rounds = 20;
      const packages = 64 * rounds;
      const created = ["v1.package.created"] as const;
      const whole = { since: start };
      const guests = packages / 2;
      const readers = [
        ...[0, 3, start, start].map((since) =>
          follow(registry.followEvents(caller, { since }), start + 2 * packages - since),
        ),
        follow(registry.followEvents(caller, { ...whole, types: created }), packages),
        follow(registry.followEvents(tenant, { since: 0 }), 2 * guests),
        follow(registry.followEvents(tenant, { since: 0, types: created }), guests),
        poll(registry, caller, { since: 0, limit: 50 }, start + 2 * packages),
        poll(registry, caller, { ...whole, limit: 7, types: created }, packages),
        poll(registry, tenant, { since: 0, limit: 50 }, 2 * guests),
        poll(registry, tenant, { since: 0, limit: 3, types: created }, guests),
      ];
      await Promise.all(
        Array.from({ length: 64 }, async (_, i) => {
          const who = i % 2 === 0 ? caller : tenant;
          for (let n = 0; n < rounds; n++) await registry.createPackage(who, { name: "a", retentionClass: "working" });
        }),
      );
      const found = await Promise.all(readers);
      const sequences = found.map((events) => events.map((event) => event.sequence));
      const end = start + 2 * packages;
      const ofType = (await readLog(registry)).filter((event) => event.type === created[0]);
      const all = ofType.map((event) => event.sequence);
      const theirs = ofType.filter((event) => event.tenant === "elsewhere").map((event) => event.tenant_sequence);
      expect(sequences).toEqual([
        upTo(end),
        upTo(end, 4),
        upTo(end, start + 1),
        upTo(end, start + 1),
        all,
        upTo(2 * guests),
        theirs,
        upTo(end),
        all,
        upTo(2 * guests),
        theirs,
      ]);
    }, 60_000);

    test("cost the database what one of them does: 1,000 at the live edge", async () => {
      const counted = counting(await open());
      const { registry } = await openFixture({ database: counted.database });
      const { sequence: start } = await registry.head(caller);
      const commits = 20;
      const followers = upTo(1000).map(() => registry.followEvents(caller, { since: start }));
      const streams = followers.slice(0, 500).map((follower) => follow(follower, 2 * commits));
      for (const follower of followers.slice(500)) follower.close();
      const polls = upTo(500).map(() => poll(registry, caller, { since: start, limit: 100 }, 2 * commits));
      // All have begun.
      await registry.readEvents(caller, { since: start, limit: 1, wait: 50 });
      const before = counted.queries();
      for (let i = 0; i < commits; i++) await newPackage(registry);
      const found = await Promise.all([...streams, ...polls]);
      const spent = counted.queries() - before;
      for (const events of found)
        expect(events.map((event) => event.sequence)).toEqual(upTo(start + 2 * commits, start + 1));
      // Head, sizes, payloads for each commit; a look for those who poll again; the poll of every second.
      expect(spent).toBeLessThan(commits * 10);
      expect(spent).toBeGreaterThan(0);
    }, 60_000);

    test("and stand still for long go on with pages of their own when the newest have left memory", async () => {
      const { registry } = await openFixture({ database: await open() });
      const { sequence: start } = await registry.head(caller);
      const slow = registry.followEvents(caller, { since: start });
      const guest = registry.followEvents(tenant, { since: 0 });
      await newPackage(registry);
      await append(registry, 1, { who: tenant });
      expect((await slow.next({ ...SMALL, limit: 1 })).map((event) => event.sequence)).toEqual([start + 1]);
      expect((await guest.next({ ...SMALL, limit: 1 })).map((event) => event.sequence)).toEqual([1]);
      // By number, by bytes, and by more at once than is followed.
      for (let i = 0; i < 6; i++) await append(registry, 500, { who: i % 2 === 0 ? caller : tenant });
      for (let i = 0; i < 4; i++) await append(registry, 50, { size: 60_000 });
      await append(registry, 5000);
      const { sequence: end } = await registry.head(caller);
      const rest = await follow(slow, end - start - 1);
      expect(rest.map((event) => event.sequence)).toEqual(upTo(end, start + 2));
      expect((await follow(guest, 1500)).map((event) => event.sequence)).toEqual(upTo(1501, 2));
    }, 60_000);

    test("and wait are woken also by more at once than is kept in memory", async () => {
      const { registry } = await openFixture({ database: await open() });
      const { sequence: since } = await registry.head(caller);
      const followers = [caller, caller, tenant].map((who) =>
        registry.followEvents(who, { since: who === caller ? since : 0 }),
      );
      for (const follower of followers) expect(await follower.next({ ...SMALL, wait: 0 })).toEqual([]);
      const waiting = followers.map((follower) => follow(follower, 2500));
      await append(registry, 2500, { who: tenant });
      for (const events of await Promise.all(waiting)) expect(events).toHaveLength(2500);
    });

    test("get no more at once than they asked for, but one event at least", async () => {
      const { registry } = await openFixture({ database: await open() });
      const { sequence: since } = await registry.head(caller);
      const [edge, behind] = [registry.followEvents(caller, { since }), registry.followEvents(caller, { since })];
      expect(await edge.next({ ...SMALL, wait: 0 })).toEqual([]);
      await append(registry, 10, { size: 10_000 });
      for (const follower of [edge, behind]) {
        expect(await follower.next({ limit: 3, bytes: 1e6 })).toHaveLength(3);
        expect((await follower.next({ limit: 9, bytes: 25_000 })).length).toBeLessThanOrEqual(3);
        expect(await follower.next({ limit: 9, bytes: 1 })).toHaveLength(1);
        follower.close();
      }
    });

    test("wait as long as they say, until their signal aborts, or until the registry closes", async () => {
      const { registry } = await openFixture({ database: await open() });
      const { sequence: since } = await registry.head(caller);
      const none = await registry.readEvents(caller, { since, limit: 1, wait: 30 });
      expect(none).toEqual({ events: [], last_sequence: since, pending: 0 });
      const types = ["v1.package.deleted"] as const;
      const waiting = registry.readEvents(caller, { since, limit: 1, wait: 300, types });
      await newPackage(registry);
      // The position moves on, so that nobody looks at the same events again.
      expect(await waiting).toEqual({ events: [], last_sequence: since + 2, pending: 0 });

      const abort = new AbortController();
      const aborted = registry.readEvents(caller, { since: since + 2, limit: 1, wait: 60_000, signal: abort.signal });
      setTimeout(() => abort.abort(), 20);
      expect((await aborted).events).toEqual([]);
      const follower = registry.followEvents(caller, { since: since + 2 });
      expect(await follower.next({ ...SMALL, signal: AbortSignal.abort() })).toEqual([]);

      const closed = failureOf(registry.readEvents(caller, { since: since + 2, limit: 1, wait: 60_000 }));
      const ended = failureOf(follower.next(SMALL));
      await registry.readEvents(caller, { since: since + 2, limit: 1, wait: 20 });
      registry.ledger.close();
      expect([(await closed)?.code, (await ended)?.code]).toEqual(["cancelled", "cancelled"]);
      expect((await failureOf(registry.followEvents(caller, { since }).next(SMALL)))?.code).toBe("cancelled");
    });
  });
});

async function readLog(registry: Registry): Promise<FeedEvent[]> {
  const events: FeedEvent[] = [];
  for await (const event of registry.tailEvents(caller, { since: 0, follow: false })) events.push(event);
  return events;
}
