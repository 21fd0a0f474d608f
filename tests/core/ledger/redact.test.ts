import { afterEach, describe, expect, test } from "bun:test";
import { toHex } from "../../../core/base/bytes.ts";
import { digestViews } from "../../../core/ledger/mod.ts";
import { forEachDatabase } from "../../support/postgres.ts";
import {
  caller,
  closeFixtures,
  codeOf,
  hasher,
  ingest,
  newPackage,
  openFixture,
  stranger,
  wholeLog,
} from "../../support/registry_fixture.ts";
import { deletePackage } from "../../support/registry_tamper.ts";

afterEach(closeFixtures);

forEachDatabase((_, open) => {
  /** A finalised package with a history, one that stays, and the events of the first. */
  const scene = async () => {
    const fixture = await openFixture({ database: await open() });
    const { registry } = fixture;
    const kept = await newPackage(registry, { name: "kept", version: "1" });
    await ingest(registry, kept.package_id, "shared", "shared bytes");
    const gone = await newPackage(registry, { name: "gone", version: "1", metadata: { person: "Ada" } });
    await ingest(registry, gone.package_id, "Ada.txt", "about Ada");
    await ingest(registry, gone.package_id, "shared", "shared bytes");
    await registry.removeFile(caller, { packageId: gone.package_id, path: "shared" });
    await registry.finalizePackage(caller, gone.package_id);
    const own = (await wholeLog(registry)).filter((event) => event.subject === gone.package_id);
    return { ...fixture, kept, gone, own };
  };

  describe("redaction", () => {
    test("is refused while the subject lives", async () => {
      const { registry, own } = await scene();
      const head = await registry.ledger.head();
      for (const { sequence } of own) {
        expect(await codeOf(registry.redactEvent(caller, { sequence, reason: "asked" }))).toBe("conflict");
      }
      expect(await registry.ledger.head()).toEqual(head);
    });

    test("erases payload, salt and context of a deleted subject's event, and nothing else", async () => {
      const { registry, gone, own } = await scene();
      await deletePackage(registry, caller, gone.package_id);
      const target = own[1]?.sequence as number;
      const before = await wholeLog(registry);
      expect(await registry.redactEvent(caller, { sequence: target, reason: "asked by Ada" })).toEqual({
        erased: true,
      });
      const after = await wholeLog(registry);
      expect(after.at(-1)).toMatchObject({
        type: "v1.event.redacted",
        subject: gone.package_id,
        actor: "local:tester",
      });
      for (const [i, event] of before.entries()) {
        if (event.sequence === target) {
          expect(after[i]).toEqual({ ...event, salt: null, context: null, payload: null, payload_size: null });
        } else expect(after[i]).toEqual(event);
      }
    });

    test("of all events of a deleted package: the chain verifies, replay ends in the same views", async () => {
      const { registry, database, gone, own, kept } = await scene();
      await deletePackage(registry, caller, gone.package_id);
      const views = await digestViews(database.read, hasher);
      for (const { sequence } of own) {
        expect(await registry.redactEvent(caller, { sequence, reason: "asked" })).toEqual({ erased: true });
      }
      const verdict = await registry.verifyEvents(caller);
      expect(verdict).toMatchObject({ ok: true, erased: own.length });
      expect(await digestViews(database.read, hasher)).toEqual(views);
      expect((await registry.checkReplay(caller)).differing).toEqual([]);
      expect((await registry.replay(caller, { holder: "test" })).views).toEqual(views);
      // Nothing that was told is left anywhere in the log.
      const bytes = (await wholeLog(registry)).map((e) => toHex(e.payload ?? new Uint8Array())).join(" ");
      expect(bytes).not.toContain(toHex(new TextEncoder().encode("Ada")));
      expect((await registry.getPackage(caller, kept.package_id)).state).toBe("open");
    });

    test("in every order and before further commits leaves the live views equal to a replay", async () => {
      const { registry, gone, own } = await scene();
      await deletePackage(registry, caller, gone.package_id);
      for (const { sequence } of own.toReversed()) {
        await registry.redactEvent(caller, { sequence, reason: "asked" });
        await newPackage(registry, { name: "gone", version: "1" });
        expect((await registry.checkReplay(caller)).differing).toEqual([]);
      }
    });

    test("a second time does nothing, also when both come at once", async () => {
      const { registry, gone, own } = await scene();
      await deletePackage(registry, caller, gone.package_id);
      const sequence = own[0]?.sequence as number;
      const redact = () => registry.redactEvent(caller, { sequence, reason: "asked" });
      const results = await Promise.all([redact(), redact(), redact()]);
      expect(results.map((r) => r.erased).toSorted()).toEqual([false, false, true]);
      const head = await registry.ledger.head();
      expect(await redact()).toEqual({ erased: false });
      expect(await registry.ledger.head()).toEqual(head);
      expect((await registry.verifyEvents(caller)).ok).toBe(true);
    });

    test("never touches deletions, redactions, other tenants' events or what does not exist", async () => {
      const { registry, gone, own } = await scene();
      await deletePackage(registry, caller, gone.package_id);
      const deletion = (await registry.ledger.head()).sequence;
      await registry.redactEvent(caller, { sequence: own[0]?.sequence as number, reason: "asked" });
      const redaction = (await registry.ledger.head()).sequence;
      for (const sequence of [deletion, redaction]) {
        expect(await codeOf(registry.redactEvent(caller, { sequence, reason: "x" }))).toBe("unsupported");
      }
      const sequence = own[1]?.sequence as number;
      expect(await codeOf(registry.redactEvent(stranger, { sequence, reason: "x" }))).toBe("event_not_found");
      for (const absent of [0, -1, 10_000, 1.5, Number.NaN]) {
        expect(await codeOf(registry.redactEvent(caller, { sequence: absent, reason: "x" }))).toBe("event_not_found");
      }
      const first = await codeOf(registry.redactEvent(caller, { sequence: 1, reason: "x" }));
      expect(first).toBe("conflict");
    });

    test("wants a reason that fits and can be kept", async () => {
      const { registry, gone, own } = await scene();
      await deletePackage(registry, caller, gone.package_id);
      const sequence = own[0]?.sequence as number;
      for (const reason of ["", "x".repeat(2001), "\ud800"]) {
        expect(await codeOf(registry.redactEvent(caller, { sequence, reason }))).toBe("invalid_argument");
      }
    });
  });

  test("the database refuses every other change of the log, also from a program that tries", async () => {
    const { database } = await scene();
    const tries = [
      (db: typeof database) =>
        db.write((t) => t.updateTable("events").set({ actor: "x" }).where("sequence", "=", 1).execute()),
      (db: typeof database) => db.write((t) => t.deleteFrom("events").where("sequence", "=", 1).execute()),
      (db: typeof database) =>
        db.write((t) => t.updateTable("event_payloads").set({ payload: null }).where("sequence", "=", 1).execute()),
      (db: typeof database) => db.write((t) => t.deleteFrom("event_payloads").where("sequence", "=", 1).execute()),
      (db: typeof database) => db.write((t) => t.deleteFrom("event_head").execute()),
    ];
    for (const attempt of tries) {
      const error = await attempt(database).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      expect(database.fault(error)).toBe("append_only");
    }
  });
});
