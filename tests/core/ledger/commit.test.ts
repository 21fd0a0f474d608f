import { afterEach, describe, expect, test } from "bun:test";
import type { NewEvent } from "../../../core/events/types.ts";
import { decodeCbor, isRegistryError, type Manifest, type Registry, RegistryError } from "../../../core/mod.ts";
import { factKeys } from "../../../core/views/keys.ts";
import { want } from "../../../core/views/loader.ts";
import { tenantByName } from "../../../core/views/tenants.ts";
import { forEachDatabase, openTarget } from "../../support/postgres.ts";
import {
  caller,
  closeFixtures,
  codeOf,
  failureOf,
  ingest,
  newPackage,
  openFixture,
  source,
  stranger,
  wholeLog,
} from "../../support/registry_fixture.ts";
import { runChild } from "../../support/registry_process.ts";
import { commitRaw } from "../../support/registry_tamper.ts";

/** Sequences without gaps, per tenant too, and a chain that verifies. */
async function expectGapless(registry: Registry): Promise<number> {
  const log = await wholeLog(registry);
  expect(log.map((event) => event.sequence)).toEqual(log.map((_, i) => i + 1));
  const byTenant = new Map<string, number>();
  for (const { tenant, tenant_sequence } of log) {
    const next = (byTenant.get(tenant) ?? 0) + 1;
    expect(tenant_sequence).toBe(next);
    byTenant.set(tenant, next);
  }
  expect(await registry.ledger.verify()).toMatchObject({ ok: true, events: log.length });
  return log.length;
}

/** A manifest that nobody checked against the package. */
function manifestOf(packageId: string, name: string, version: string): Manifest {
  const at = "2026-01-02T03:04:05.006Z";
  return {
    manifest_version: 1,
    package: {
      package_id: packageId,
      tenant: "default",
      name,
      version,
      created_at: at,
      retention_class: "working",
      metadata: {},
      metadata_schema: null,
      external_refs: [],
    },
    files: [],
    storage_receipts: [],
    retention_summary: { retention_class: "working", mode: "none", expires_at: null },
    provenance: { created_by: "x", finalized_by: "x", finalized_at: at },
  };
}

const finalizedBlindly = (packageId: string) =>
  ({ type: "v1.package.finalized", subject: packageId, payload: manifestOf(packageId, "demo", "1") }) as const;

afterEach(closeFixtures);

forEachDatabase((kind, open, target) => {
  describe("the sequence", () => {
    test("is gapless and in commit order under 256 concurrent callers of two tenants", async () => {
      const { registry } = await openFixture({ database: await open() });
      const before = (await wholeLog(registry)).length;
      let left = 1024;
      const worker = async (_: unknown, i: number) => {
        while (left-- > 0) {
          if (i % 3 === 0) await registry.createPackage(stranger, { name: "theirs", retentionClass: "working" });
          else await newPackage(registry);
        }
      };
      await Promise.all(Array.from({ length: 256 }, worker));
      expect(await expectGapless(registry)).toBe(before + 2048);
    });

    test("is gapless when two processes write, and each sees the other's packages", async () => {
      const where = await target();
      const { registry } = await openFixture({ database: await openTarget(where) });
      const child = () => runChild<{ ids: string[] }>(where, "create", "150");
      const children = [child(), child()];
      const mine = await Promise.all(Array.from({ length: 100 }, () => newPackage(registry)));
      const theirs = (await Promise.all(children)).flatMap((out) => out.ids);
      expect(theirs).toHaveLength(300);
      const known = new Set<string>();
      for (let cursor: string | undefined, more = true; more; more = cursor !== undefined) {
        const page = await registry.listPackages(caller, { limit: 150, ...(cursor === undefined ? {} : { cursor }) });
        for (const { package_id } of page.items) known.add(package_id);
        cursor = page.cursor;
      }
      expect([...known].sort()).toEqual([...theirs, ...mine.map((p) => p.package_id)].sort());
      await expectGapless(registry);
      await registry.close();
    });
  });

  describe("of units that share a group", () => {
    test("a refusal is its own caller's alone, and leaves no event", async () => {
      const { registry } = await openFixture({ database: await open() });
      const before = (await registry.ledger.head()).sequence;
      const good = Array.from({ length: 40 }, () => newPackage(registry));
      const bad = Array.from({ length: 20 }, () => codeOf(newPackage(registry, { retentionClass: "no-such" })));
      expect(new Set(await Promise.all(bad))).toEqual(new Set(["unknown_retention_class"]));
      expect(new Set((await Promise.all(good)).map((p) => p.package_id)).size).toBe(40);
      expect((await registry.ledger.head()).sequence).toBe(before + 80);
    });

    test("one whose write the database refuses fails alone", async () => {
      const { registry } = await openFixture({ database: await open() });
      const version = "1";
      const [first, second] = await Promise.all([newPackage(registry, { version }), newPackage(registry, { version })]);
      await commitRaw(registry, caller, finalizedBlindly(first.package_id));
      const outcomes = await Promise.all([
        ...Array.from({ length: 20 }, () => codeOf(newPackage(registry))),
        // Violates the unique index on finalised name@version; it asked nobody.
        codeOf(commitRaw(registry, caller, finalizedBlindly(second.package_id))),
        ...Array.from({ length: 20 }, () => codeOf(newPackage(registry))),
      ]);
      expect(outcomes.filter((code) => code !== undefined)).toEqual(["database_failed"]);
      expect(outcomes[20]).toBe("database_failed");
      expect((await registry.getPackage(caller, second.package_id)).state).toBe("open");
      await expectGapless(registry);
      expect((await registry.checkReplay(caller)).ok).toBe(true);
    });

    test("one whose decision is broken fails alone, as an internal error", async () => {
      const { registry } = await openFixture({ database: await open() });
      const broken = registry.ledger.commit(caller, {
        wants: {},
        decide(): never {
          throw new TypeError("undefined is not a function");
        },
      });
      const good = Array.from({ length: 5 }, () => newPackage(registry));
      const error = await failureOf(broken);
      expect(error?.code).toBe("internal");
      expect(error?.message).toContain("undefined is not a function");
      await Promise.all(good);
    });

    test("one whose payload cannot be encoded fails alone", async () => {
      const { registry } = await openFixture({ database: await open() });
      const payload = { reason: "\ud800" };
      const bad = codeOf(commitRaw(registry, caller, { type: "v1.package.abandoned", subject: "x", payload }));
      const good = Array.from({ length: 5 }, () => newPackage(registry));
      expect(await bad).toBe("invalid_argument");
      await Promise.all(good);
      await expectGapless(registry);
    });

    test("what one writes beside its events is there with them, or not at all", async () => {
      const { registry, database } = await openFixture({ database: await open() });
      const version = "1";
      const [first, second] = await Promise.all([newPackage(registry, { version }), newPackage(registry, { version })]);
      await commitRaw(registry, caller, finalizedBlindly(first.package_id));
      const beside = (upload_id: string, events: readonly NewEvent[]) =>
        registry.ledger.commit(caller, {
          wants: {},
          decide: () => ({ events, result: upload_id }),
          beside: async (trx, result) => {
            const at = { created_at: "2026-01-02T03:04:05.006Z", expires_at: "2026-01-02T03:04:05.006Z" };
            const whose = { tenant: "default", owner: "x", door: "oci", backend_id: "fs", target: result, max_size: 1 };
            const row = { upload_id, ...whose, ...at, state: "open", epoch: 0, upload_offset: 0 } as const;
            await trx
              .insertInto("upload_sessions")
              .values(row as never)
              .execute();
          },
        });
      // The second violates the unique index on finalised name@version, which undoes the first of its group too.
      const outcomes = await Promise.all([
        codeOf(beside("without events", [])),
        codeOf(beside("refused", [finalizedBlindly(second.package_id)])),
        codeOf(newPackage(registry)),
      ]);
      expect(outcomes).toEqual([undefined, "database_failed", undefined]);
      const rows = await database.read.selectFrom("upload_sessions").select(["upload_id", "target"]).execute();
      expect(rows).toEqual([{ upload_id: "without events", target: "without events" }]);
    });

    test("one that was cancelled meanwhile appends nothing", async () => {
      const { registry } = await openFixture({ database: await open() });
      const before = (await registry.ledger.head()).sequence;
      const abort = new AbortController();
      const call = codeOf(
        registry.createPackage({ ...caller, signal: abort.signal }, { name: "demo", retentionClass: "working" }),
      );
      abort.abort();
      expect(await call).toBe("cancelled");
      await registry.ledger.settled();
      expect((await registry.ledger.head()).sequence).toBe(before);
    });
  });

  describe("units that touch the same facts are decided one after the other", () => {
    test("50 concurrent ingests of one path: one stands, 49 are told path_exists", async () => {
      const { registry } = await openFixture({ database: await open() });
      const { package_id } = await newPackage(registry);
      const calls = Array.from({ length: 50 }, (_, i) => codeOf(ingest(registry, package_id, "same", `content ${i}`)));
      const codes = await Promise.all(calls);
      expect(codes.filter((code) => code === undefined)).toHaveLength(1);
      expect(codes.filter((code) => code === "path_exists")).toHaveLength(49);
      const entries = (await wholeLog(registry)).filter((e) => e.type === "v1.package.file_ingested");
      expect(entries).toHaveLength(1);
    });

    test("two finalisers of one name@version: exactly one wins, the other stays open", async () => {
      const { registry } = await openFixture({ database: await open() });
      for (let round = 0; round < 10; round++) {
        const version = `1.${round}`;
        const packages = await Promise.all([newPackage(registry, { version }), newPackage(registry, { version })]);
        const codes = await Promise.all(packages.map((p) => codeOf(registry.finalizePackage(caller, p.package_id))));
        expect(codes.toSorted()).toEqual(["version_exists", undefined]);
        const states = await Promise.all(
          packages.map(async (p) => (await registry.getPackage(caller, p.package_id)).state),
        );
        expect(states.toSorted()).toEqual(["finalized", "open"]);
        const winner = packages[states.indexOf("finalized")]?.package_id;
        expect((await registry.getPackage(caller, `demo@${version}`)).package_id).toBe(winner as string);
      }
    });

    test("concurrent replacements end with the entry of the last event", async () => {
      const { registry } = await openFixture({ database: await open() });
      const { package_id } = await newPackage(registry);
      await ingest(registry, package_id, "a", "0");
      await Promise.all(
        Array.from({ length: 30 }, (_, i) =>
          registry.replaceFile(caller, { packageId: package_id, path: "a", source: source(`content ${i}`) }),
        ),
      );
      const { items } = await registry.listFiles(caller, package_id);
      expect((await registry.checkReplay(caller)).ok).toBe(true);
      expect(items).toHaveLength(1);
      const log = (await wholeLog(registry)).filter((e) => e.type === "v1.package.file_replaced");
      expect(log).toHaveLength(30);
      expect(decodeCbor(log.at(-1)?.payload as Uint8Array)).toEqual(items[0] as never);
    });

    test("a decision sees what an earlier unit of its own group wrote", async () => {
      const { registry } = await openFixture({ database: await open() });
      const once = (tenant: string) =>
        registry.ledger.commit(caller, {
          wants: { tenant: want(tenantByName, tenant) },
          decide({ tenant: found }) {
            if (found !== undefined) return { events: [], result: "there" };
            return { events: [{ type: "v1.tenant.created", subject: tenant, payload: { tenant } }], result: "made" };
          },
        });
      const results = await Promise.all(Array.from({ length: 30 }, (_, i) => once(`t${i % 3}`)));
      expect(results.filter((r) => r === "made")).toHaveLength(3);
      expect(factKeys.tenant("t0")).toBe(tenantByName.keyOf("t0"));
    });
  });

  test("events of one unit stand together, with the caller's context and one time", async () => {
    const { registry } = await openFixture({ database: await open() });
    const since = (await registry.ledger.head()).sequence;
    const context = { ip: "10.0.0.1", request_id: "r7" };
    await registry.createPackage({ ...caller, context }, { name: "demo", retentionClass: "working" });
    const [created, applied] = await registry.ledger.read({ since, limit: 10 });
    expect([created?.type, applied?.type]).toEqual(["v1.package.created", "v1.retention.default_applied"]);
    expect(created?.occurred_at).toBe(applied?.occurred_at as string);
    expect(created?.context).toEqual(applied?.context as Uint8Array);
    expect(created?.salt).not.toEqual(applied?.salt as Uint8Array);
    expect(created?.salt).toHaveLength(16);
  });

  if (kind === "sqlite") {
    test("a refusal passes its error through unchanged", async () => {
      const { registry } = await openFixture({ database: await open() });
      const refusal = new RegistryError("conflict", "no", { why: 1 });
      const call = registry.ledger.commit(caller, {
        wants: {},
        decide() {
          throw refusal;
        },
      });
      expect(await call.catch((error) => error)).toBe(refusal);
      expect(isRegistryError(refusal)).toBe(true);
    });
  }
});
