/** PostgreSQL goes away at COMMIT. Nobody is told yes for what is not there, or no for what is. */
import { afterEach, expect, test } from "bun:test";
import { sql } from "kysely";
import { openPostgresDatabase } from "../../../adapters/database-postgres/mod.ts";
import type { Database } from "../../../core/mod.ts";
import { testPostgres } from "../../support/postgres.ts";
import { caller, codeOf, newPackage, openFixture, wholeLog } from "../../support/registry_fixture.ts";
import { commitProxy } from "../../support/registry_proxy.ts";

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function behindProxy() {
  const direct = await testPostgres();
  const proxy = await commitProxy(direct);
  cleanups.push(() => proxy.stop());
  const database = await openPostgresDatabase({ url: proxy.url, max: 4 });
  cleanups.push(() => database.close());
  return { direct, proxy, ...(await openFixture({ database })) };
}

test("a commit whose answer is lost is looked up: acknowledged, and in the log once", async () => {
  const { proxy, registry } = await behindProxy();
  for (let round = 0; round < 5; round++) {
    const before = (await registry.ledger.head()).sequence;
    proxy.cutNext("after");
    const packages = await Promise.all(Array.from({ length: 20 }, () => newPackage(registry)));
    expect(proxy.cuts).toBe(round + 1);
    expect(new Set(packages.map((p) => p.package_id)).size).toBe(20);
    expect((await registry.ledger.head()).sequence).toBe(before + 40);
    for (const { package_id } of packages) expect((await registry.getPackage(caller, package_id)).state).toBe("open");
  }
  expect((await registry.ledger.verify()).ok).toBe(true);
});

test("a commit that never arrived is refused to all of its group, and nothing of it stays", async () => {
  const { proxy, registry } = await behindProxy();
  for (let round = 0; round < 5; round++) {
    const before = await registry.ledger.head();
    proxy.cutNext("before");
    const codes = await Promise.all(Array.from({ length: 20 }, () => codeOf(newPackage(registry))));
    expect(new Set(codes)).toEqual(new Set(["database_failed"]));
    expect(await registry.ledger.head()).toEqual(before);
  }
  await newPackage(registry);
  expect((await registry.ledger.verify()).ok).toBe(true);
});

test("when nobody can look, the answer is outcome_unknown", async () => {
  const { proxy, registry } = await behindProxy();
  const before = (await registry.ledger.head()).sequence;
  proxy.cutNext("after");
  const call = codeOf(newPackage(registry));
  while (proxy.cuts === 0) await new Promise((done) => setTimeout(done, 1));
  proxy.leave();
  expect(await call).toBe("outcome_unknown");
  await proxy.comeBack();
  // It had been committed: what the error says, "read the package before trying again", is the thing to do.
  expect((await registry.ledger.head()).sequence).toBe(before + 2);
}, 60_000);

test("backends killed at random moments: every yes is in the log once, every no is not", async () => {
  const url = await testPostgres();
  const database = await openPostgresDatabase({ url, max: 4 });
  const admin = await openPostgresDatabase({ url, max: 3 });
  cleanups.push(
    () => database.close(),
    () => admin.close(),
  );
  const { registry } = await openFixture({ database });
  const first = (await registry.ledger.head()).sequence;
  let busy = true;
  let killed = 0;
  const killer = async () => {
    while (busy) {
      await new Promise((done) => setTimeout(done, Math.random() * 12));
      killed += await killBackends(admin);
    }
  };
  const yes: string[] = [];
  let no = 0;
  const worker = async () => {
    for (let i = 0; i < 60; i++) {
      // A name of its own tells the packages of refused calls from those of others.
      const name = `p${crypto.randomUUID().replaceAll("-", "")}`;
      const code = await codeOf(newPackage(registry, { name }));
      if (code === undefined) yes.push(name);
      else {
        expect(code).toBe("database_failed");
        no++;
      }
    }
  };
  const killing = killer();
  await Promise.all(Array.from({ length: 12 }, worker));
  busy = false;
  await killing;
  expect(killed).toBeGreaterThan(10);
  const created = (await wholeLog(registry)).slice(first).filter((e) => e.type === "v1.package.created");
  const { rows } = await sql<{ name: string }>`select name from artifact_packages`.execute(admin.read);
  expect(rows.map((row) => row.name).toSorted()).toEqual(yes.toSorted());
  expect(created).toHaveLength(yes.length);
  expect(yes.length + no).toBe(720);
  expect((await registry.ledger.verify()).ok).toBe(true);
}, 60_000);

async function killBackends(admin: Database): Promise<number> {
  const { rows } = await sql`select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'
    and state <> 'idle'`.execute(admin.read);
  return rows.length;
}
