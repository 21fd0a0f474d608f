import { afterEach, describe, expect, test } from "bun:test";
import type { Caller, CreatePackageInput, Registry } from "../../../core/mod.ts";
import { forEachDatabase } from "../../support/postgres.ts";
import {
  caller,
  closeFixtures,
  codeOf,
  failureOf,
  openFixture,
  settableClock,
} from "../../support/registry_fixture.ts";

afterEach(closeFixtures);

const input: CreatePackageInput = { name: "demo", retentionClass: "working", metadata: { a: [1, { b: null }] } };
const DAY = 24 * 60 * 60 * 1000;

forEachDatabase((_, open) => {
  describe("createPackage() with an idempotency key", () => {
    const once = (registry: Registry, idempotencyKey: string, over: Partial<CreatePackageInput> = {}, by = caller) =>
      registry.createPackage(by, { ...input, ...over }, { idempotencyKey });
    const count = async (registry: Registry) => (await registry.listPackages(caller)).items.length;
    const start = async () => {
      const clock = settableClock();
      const { registry, database } = await openFixture({ database: await open(), clock });
      return { registry, database, clock };
    };

    test("gives the first answer again, also when the package has changed since", async () => {
      const { registry } = await start();
      const first = await once(registry, "k");
      await registry.finalizePackage(caller, first.package_id);
      expect(await once(registry, "k")).toEqual(first);
      expect(await once(registry, "k", { metadata: { a: [1, { b: null }] } })).toEqual(first);
      expect(await count(registry)).toBe(1);
    });

    test("refuses the key for any other request, and keeps the keys of principals apart", async () => {
      const { registry } = await start();
      const first = await once(registry, "k");
      for (const over of [{ name: "other" }, { metadata: {} }, { version: "1" }, { retentionClass: "transient" }]) {
        expect(await codeOf(once(registry, "k", over))).toBe("idempotency_mismatch");
      }
      const other: Caller = { ...caller, principal: { ...caller.principal, subject: "local:other" } };
      expect((await once(registry, "k", {}, other)).package_id).not.toBe(first.package_id);
      expect(await count(registry)).toBe(2);
    });

    test("many at once make one package; those that come too early are told to ask again", async () => {
      const { registry } = await start();
      const answers = await Promise.allSettled(Array.from({ length: 20 }, () => once(registry, "k")));
      const made = new Set<string>();
      for (const answer of answers) {
        if (answer.status === "fulfilled") made.add(answer.value.package_id);
        else expect(answer.reason.code).toBe("idempotency_in_flight");
      }
      expect(made.size).toBe(1);
      expect(await count(registry)).toBe(1);
    });

    test("a crash after the package and before the answer: the package that stands there is the answer", async () => {
      const { registry, database } = await start();
      const first = await once(registry, "k");
      await database.write((trx) =>
        trx.updateTable("idempotency_keys").set({ status: "running", answer: null }).execute(),
      );
      await registry.finalizePackage(caller, first.package_id);
      expect(await once(registry, "k")).toEqual(first);
      const row = await database.read.selectFrom("idempotency_keys").selectAll().executeTakeFirstOrThrow();
      expect([row.status, JSON.parse(row.answer ?? "null")]).toEqual(["done", first]);
    });

    test("a crash before the package: in flight for a minute, then made under the id that was chosen", async () => {
      const { registry, database, clock } = await start();
      // A twin leaves the fingerprint of this request behind, as a process would that died right after its claim.
      await once(registry, "twin");
      const twin = await database.read.selectFrom("idempotency_keys").selectAll().executeTakeFirstOrThrow();
      const subject = "01900000-0000-7000-8000-00000000abcd";
      const claim = { ...twin, idempotency_key: "k", status: "running", answer: null, subject };
      await database.write((trx) => trx.insertInto("idempotency_keys").values(claim).execute());
      clock.time += 59_000;
      expect(await codeOf(once(registry, "k"))).toBe("idempotency_in_flight");
      clock.time += 1_001;
      const answers = await Promise.allSettled([once(registry, "k"), once(registry, "k")]);
      const made = answers.flatMap((one) => (one.status === "fulfilled" ? [one.value.package_id] : []));
      expect(new Set(made)).toEqual(new Set([subject]));
      expect((await once(registry, "k")).package_id).toBe(subject);
      expect(await count(registry)).toBe(2);
    });

    test("what was refused leaves the key free", async () => {
      const { registry } = await start();
      expect(await codeOf(once(registry, "k", { retentionClass: "nope" }))).toBe("unknown_retention_class");
      expect(await codeOf(once(registry, "k", { metadataSchema: "nope" }))).toBe("unknown_metadata_schema");
      expect((await once(registry, "k")).state).toBe("open");
    });

    test("a key is forgotten after a day, and its row goes", async () => {
      const { registry, database, clock } = await start();
      const first = await once(registry, "k");
      clock.time += DAY;
      expect(await once(registry, "k")).toEqual(first);
      clock.time += 1;
      expect((await once(registry, "k", { name: "other" })).package_id).not.toBe(first.package_id);
      clock.time += DAY + 1;
      await once(registry, "another");
      const rows = await database.read.selectFrom("idempotency_keys").select("idempotency_key").execute();
      expect(rows).toEqual([{ idempotency_key: "another" }]);
    });

    test("a key that is none is refused, and makes nothing", async () => {
      const { registry } = await start();
      for (const key of ["", " ", "a b", "é", "\0", "x".repeat(256)]) {
        expect((await failureOf(once(registry, key)))?.code).toBe("invalid_argument");
      }
      expect(await count(registry)).toBe(0);
    });
  });
});
