import { afterEach, describe, expect, test } from "bun:test";
import { sql } from "kysely";
import type { EventPage, EventQuery, FeedEvent, Registry } from "../../../core/mod.ts";
import { forEachDatabase } from "../../support/postgres.ts";
import { caller, closeFixtures, codeOf, newPackage, openFixture } from "../../support/registry_fixture.ts";
import { deletePackage } from "../../support/registry_tamper.ts";
import { append, tenant } from "./support.ts";

afterEach(closeFixtures);

const sequences = (page: EventPage<FeedEvent>) => page.events.map((event) => event.sequence);

/** Pages until nothing is pending, the way a client goes. */
async function readAll(registry: Registry, who: typeof caller, query: EventQuery) {
  const found: FeedEvent[] = [];
  let { since } = query;
  for (let pages = 1; ; pages++) {
    const page = await registry.readEvents(who, { ...query, since });
    found.push(...page.events);
    if (page.pending === 0) return { found, pages, last: page.last_sequence };
    // Whoever is not told of the end must get on.
    expect(page.last_sequence).toBeGreaterThan(since);
    since = page.last_sequence;
  }
}

forEachDatabase((_, open) => {
  const scene = async () => (await openFixture({ database: await open() })).registry;

  describe("a page of events", () => {
    test("says how far it looked and how many follow", async () => {
      const registry = await scene();
      await append(registry, 20);
      const { sequence: head } = await registry.head(caller);
      const first = await registry.readEvents(caller, { since: 0, limit: 5 });
      expect([sequences(first), first.last_sequence, first.pending]).toEqual([[1, 2, 3, 4, 5], 5, head - 5]);
      const last = await registry.readEvents(caller, { since: head - 2, limit: 5 });
      expect([sequences(last), last.last_sequence, last.pending]).toEqual([[head - 1, head], head, 0]);
      for (const since of [head, head + 7]) {
        const none = await registry.readEvents(caller, { since, limit: 5 });
        expect(none).toEqual({ events: [], last_sequence: since, pending: 0 });
      }
    });

    test("of some types and of one subject has what a scan of the whole log finds, at every page size", async () => {
      const registry = await scene();
      const [a, b] = [await newPackage(registry), await newPackage(registry)];
      for (let i = 0; i < 12; i++) {
        await registry.addDirectory(caller, { packageId: (i % 3 === 0 ? a : b).package_id, path: `d${i}` });
      }
      await append(registry, 7, { subject: a.package_id });
      await append(registry, 5, { who: tenant, subject: a.package_id });
      const all = (await registry.readEvents(caller, { since: 0, limit: 1000 })).events;
      const types = ["v1.package.file_ingested", "v1.package.created", "v1.metadata_schema.registered"] as const;
      for (const filter of [
        { types: [types[0]] },
        { types },
        { subject: a.package_id },
        { subject: a.package_id, types },
        { subject: "nobody" },
        { types: ["v1.package.deleted"] as const },
        { tenant: "elsewhere" },
        { tenant: "default", types },
        { tenant: "default", subject: a.package_id },
        { tenant: "elsewhere", subject: a.package_id, types: [types[2]] },
        { tenant: "nobody" },
      ]) {
        const wanted = all.filter(
          (event) =>
            (filter.types === undefined || (filter.types as readonly string[]).includes(event.type)) &&
            (filter.subject === undefined || event.subject === filter.subject) &&
            (filter.tenant === undefined || event.tenant === filter.tenant),
        );
        for (const limit of [1, 3, 1000]) {
          const { found } = await readAll(registry, caller, { since: 0, limit, ...filter });
          expect({ filter, limit, found }).toEqual({ filter, limit, found: wanted });
        }
        const tail: FeedEvent[] = [];
        for await (const event of registry.tailEvents(caller, { since: 0, follow: false, ...filter })) tail.push(event);
        expect(tail).toEqual(wanted);
      }
    });

    test("whose filter matches little in a long log looks at a part of it, says how far, and misses nothing", async () => {
      const registry = await scene();
      const { package_id: subject } = await newPackage(registry);
      const { sequence: start } = await registry.head(caller);
      for (let i = 0; i < 9; i++) await append(registry, 5000, { subject });
      await registry.addDirectory(caller, { packageId: subject, path: "d" });
      const query = { since: start, limit: 10, subject, types: ["v1.package.file_ingested"] as const };
      for (const more of [{}, { tenant: "default" }]) {
        const first = await registry.readEvents(caller, { ...query, ...more });
        expect(first.events).toEqual([]);
        expect(first.pending).toBe(1);
        expect(first.last_sequence - start).toBeGreaterThanOrEqual(20_000);
        expect(first.last_sequence - start).toBeLessThan(45_000);
        const { found, pages } = await readAll(registry, caller, { ...query, ...more });
        expect(found.map((event) => event.type)).toEqual(["v1.package.file_ingested"]);
        expect(pages).toBeLessThan(5);
      }
    }, 300_000);

    test("counts at most 1,000 matches that follow, and everything without a filter", async () => {
      const registry = await scene();
      await append(registry, 1500);
      const types = ["v1.metadata_schema.registered"] as const;
      const { sequence: head } = await registry.head(caller);
      expect((await registry.readEvents(caller, { since: 0, limit: 1, types })).pending).toBe(1000);
      expect((await registry.readEvents(caller, { since: 0, limit: 1 })).pending).toBe(head - 1);
      expect((await registry.readEvents(caller, { since: head - 900, limit: 1, types })).pending).toBe(899);
    });

    test("leaves payloads above 64 KiB out, ends at 4 MiB, and each payload can be had exactly", async () => {
      const registry = await scene();
      const { sequence: start } = await registry.head(caller);
      await append(registry, 1, { size: 65_400 });
      await append(registry, 1, { size: 65_600 });
      await append(registry, 120, { size: 60_000 });
      const page = await registry.readEvents(caller, { since: start, limit: 1000 });
      const [small, large] = page.events as [FeedEvent, FeedEvent];
      expect(small.payload).toHaveLength(small.payload_size as number);
      const [, stored] = await registry.ledger.read({ since: start, limit: 2 });
      expect([large.payload, large.payload_size, large.salt?.length]).toEqual([
        null,
        stored?.payload?.length as number,
        16,
      ]);
      expect(large.payload_size).toBeGreaterThan(64 * 1024);
      expect(page.events.length).toBeGreaterThan(60);
      expect(page.events.length).toBeLessThan(72);
      expect(page.pending).toBe(122 - page.events.length);
      expect(page.last_sequence).toBe(start + page.events.length);
      expect((await readAll(registry, caller, { since: start, limit: 1000 })).found).toHaveLength(122);
      expect(await registry.getEventPayload(caller, large.sequence)).toEqual(stored?.payload as never);
      for await (const event of registry.tailEvents(caller, { since: start + 1, follow: false })) {
        expect(event.payload).toEqual(stored?.payload as never);
        break;
      }
      for (const sequence of [0, -1, 1.5, 1e9, Number.NaN]) {
        expect(await codeOf(registry.getEventPayload(caller, sequence))).toBe("event_not_found");
      }
    });

    test("has null for what was erased, which is no size either", async () => {
      const registry = await scene();
      const { package_id } = await newPackage(registry);
      const { sequence } = await registry.head(caller);
      await deletePackage(registry, caller, package_id);
      await registry.redactEvent(caller, { sequence, reason: "asked" });
      const [event] = (await registry.readEvents(caller, { since: sequence - 1, limit: 1 })).events;
      expect(event).toMatchObject({ payload: null, payload_size: null, salt: null, context: null });
      expect(await codeOf(registry.getEventPayload(caller, sequence))).toBe("event_not_found");
    });

    test("is refused for types that do not exist, none, or subjects that are no id", async () => {
      const registry = await scene();
      for (const filter of [
        { types: [] },
        { types: ["v1.nothing"] },
        { subject: "" },
        { subject: "x".repeat(201) },
        { subject: "a\0" },
      ]) {
        const wrong = { since: 0, ...filter } as never as { since: number };
        expect(await codeOf(registry.readEvents(caller, { ...wrong, limit: 1 }))).toBe("invalid_argument");
        expect(
          await codeOf(
            registry
              .tailEvents(caller, wrong)
              .next()
              .then(() => {}),
          ),
        ).toBe("invalid_argument");
        expect(() => registry.followEvents(caller, wrong)).toThrow();
      }
      for (const wait of [-1, 60_001, Number.NaN]) {
        expect(await codeOf(registry.readEvents(caller, { since: 0, limit: 1, wait }))).toBe("invalid_argument");
      }
    });
  });

  describe("who acts for a tenant", () => {
    test("sees its events only, counted by themselves, and nothing that counts the others", async () => {
      const registry = await scene();
      await append(registry, 3, { who: tenant });
      await append(registry, 4);
      await append(registry, 2, { who: tenant, subject: "t" });
      const page = await registry.readEvents(tenant, { since: 1, limit: 100 });
      expect(page.events.map((e) => [e.sequence, e.tenant_sequence, e.tenant, e.prev_hash, e.hash])).toEqual(
        [2, 3, 4, 5].map((n) => [n, n, "elsewhere", null, null]),
      );
      expect([page.last_sequence, page.pending]).toEqual([5, 0]);
      expect(await registry.feedHead(tenant)).toEqual({ sequence: 5, hash: null });
      const [fourth] = (await registry.readEvents(tenant, { since: 0, limit: 9, subject: "t" })).events;
      expect(fourth?.sequence).toBe(4);
      expect(await registry.getEventPayload(tenant, 4)).toEqual(fourth?.payload as never);
      expect(await codeOf(registry.getEventPayload(tenant, 6))).toBe("event_not_found");
      const tail: FeedEvent[] = [];
      for await (const event of registry.tailEvents(tenant, { since: 0, follow: false })) tail.push(event);
      expect(tail.slice(1)).toEqual([...page.events]);
    });

    test("may not ask for another tenant, nor for the head and the check of the whole log", async () => {
      const registry = await scene();
      const refused = {
        readEvents: () => registry.readEvents(tenant, { since: 0, limit: 1, tenant: "default" }),
        tailEvents: async () => registry.tailEvents(tenant, { since: 0, tenant: "default" }),
        followEvents: async () => registry.followEvents(tenant, { since: 0, tenant: "default" }),
        head: () => registry.head(tenant),
        verifyEvents: () => registry.verifyEvents(tenant),
      };
      for (const [name, call] of Object.entries(refused)) {
        expect({ name, code: await codeOf(call()) }).toEqual({ name, code: "access_denied" });
      }
      expect((await registry.readEvents(tenant, { since: 0, limit: 1, tenant: "elsewhere" })).events).toEqual([]);
    });

    test("has the chain as long as the log is its own", async () => {
      const registry = await scene();
      const guest = { ...tenant, principal: { ...tenant.principal, tenants: ["default"] }, tenant: "default" };
      const { events } = await registry.readEvents(guest, { since: 0, limit: 100 });
      expect(events).toEqual([...(await registry.readEvents(caller, { since: 0, limit: 100 })).events]);
      expect(await registry.feedHead(guest)).toEqual(await registry.head(caller));
      await append(registry, 1, { who: tenant });
      await append(registry, 1);
      expect((await registry.readEvents(guest, { since: events.length, limit: 9 })).events).toMatchObject([
        { sequence: events.length + 1, prev_hash: null, hash: null },
      ]);
      expect(await registry.feedHead(guest)).toEqual({ sequence: events.length + 1, hash: null });
    });
  });
});

test("every search of a feed walks an index on SQLite", async () => {
  const { openSqliteDatabase } = await import("../../../adapters/database-sqlite/mod.ts");
  const { temporaryDirectory } = await import("../../support/storage_temporary.ts");
  const directory = temporaryDirectory("feed-plans");
  const seen: string[] = [];
  const database = await openSqliteDatabase({ path: `${directory.path}/a.db` });
  const read = database.read.withPlugin({
    transformQuery: ({ node }) => {
      seen.push(database.read.getExecutor().compileQuery(node, { queryId: "" } as never).sql);
      return node;
    },
    transformResult: async ({ result }) => result,
  });
  const { registry } = await openFixture({ database: { ...database, read } });
  await append(registry, 50);
  await append(registry, 50, { who: tenant });
  seen.length = 0;
  const types = ["v1.package.created", "v1.metadata_schema.registered"] as const;
  for (const filter of [{}, { types }, { subject: "s" }, { subject: "s", types }]) {
    for (const who of [caller, tenant]) await registry.readEvents(who, { since: 3, limit: 5, ...filter });
  }
  expect(new Set(seen).size).toBeGreaterThan(8);
  for (const statement of new Set(seen)) {
    const { rows } = await sql<{
      detail: string;
    }>`explain query plan ${sql.raw(statement.replaceAll("?", "1"))}`.execute(database.read);
    const plan = rows.map((row) => row.detail);
    expect({ statement, scans: plan.filter((step) => /^SCAN (?!walk|\(|COMPOUND|\d)|TEMP B-TREE/.test(step)) }).toEqual(
      {
        statement,
        scans: [],
      },
    );
  }
  await closeFixtures();
  directory.remove();
});
