/** What an intruder with the database's password can do, and what `events verify` says to it. */
import { afterEach, describe, expect, test } from "bun:test";
import { toHex } from "../../../core/base/bytes.ts";
import { encodeCbor } from "../../../core/base/cbor.ts";
import { parseHead, type Registry } from "../../../core/mod.ts";
import { forEachDatabase } from "../../support/postgres.ts";
import {
  caller,
  closeFixtures,
  codeOf,
  failureOf,
  newPackage,
  openFixture,
  text,
} from "../../support/registry_fixture.ts";
import { forge, literal, tamper } from "../../support/registry_tamper.ts";

afterEach(closeFixtures);

forEachDatabase((kind, open) => {
  const log = async () => {
    const fixture = await openFixture({ database: await open() });
    for (let i = 0; i < 5; i++) await newPackage(fixture.registry);
    expect(await fixture.registry.ledger.verify()).toMatchObject({ ok: true, erased: 0 });
    return fixture;
  };
  const problem = async (registry: Registry) => {
    const verdict = await registry.verifyEvents(caller);
    return verdict.ok ? undefined : `${verdict.problem?.sequence}: ${verdict.problem?.message}`;
  };
  const blob = (bytes: Uint8Array) => literal(kind, bytes);

  describe("verify finds", () => {
    test("a changed payload, salt or context", async () => {
      for (const [column, value] of [
        ["payload", encodeCbor({ name: "other" })],
        ["salt", new Uint8Array(16)],
        ["context", encodeCbor({ ip: "10.0.0.1" })],
      ] as const) {
        const { registry, database } = await log();
        await tamper(database, `update event_payloads set ${column} = ${blob(value)} where sequence = 9`);
        expect(await problem(registry)).toBe("9: the payload of event 9 was changed");
      }
    });

    test("any changed field of an envelope", async () => {
      const id = crypto.randomUUID();
      for (const change of [
        `event_id = '${id}'`,
        "type = 'v1.package.abandoned'",
        "tenant = 'other'",
        "tenant_sequence = 999",
        "subject = 'other'",
        "actor = 'local:other'",
        "occurred_at = '2020-01-01T00:00:00.000Z'",
        `commitment = ${blob(new Uint8Array(32))}`,
        `prev_hash = ${blob(new Uint8Array(32))}`,
        `hash = ${blob(new Uint8Array(32))}`,
      ]) {
        const { registry, database } = await log();
        await tamper(database, `update events set ${change} where sequence = 9`);
        expect({ change, found: await problem(registry) }).toEqual({ change, found: expect.stringMatching(/^9: /) });
      }
    });

    test("a removed last event, a removed middle event, a removed payload row", async () => {
      const last = await log();
      const { sequence } = await last.registry.ledger.head();
      await tamper(
        last.database,
        `delete from events where sequence = ${sequence}`,
        `delete from event_payloads where sequence = ${sequence}`,
      );
      expect(await problem(last.registry)).toBe(
        `${sequence - 1}: the head does not name the last event: events were removed from the end`,
      );
      const middle = await log();
      await tamper(middle.database, "delete from events where sequence = 9");
      expect(await problem(middle.registry)).toBe("9: event 9 is missing");
      const payload = await log();
      await tamper(payload.database, "delete from event_payloads where sequence = 9");
      expect(await problem(payload.registry)).toBe(
        "9: the payload of event 9 is gone without an event that redacts it",
      );
    });

    test("a payload that was erased without a redaction, wholly or in part", async () => {
      const { registry, database } = await log();
      await tamper(
        database,
        "update event_payloads set salt = null, context = null, payload = null where sequence = 9",
      );
      expect(await problem(registry)).toBe("9: the payload of event 9 is gone without an event that redacts it");
      const half = await log();
      await tamper(half.database, "update event_payloads set salt = null where sequence = 9");
      expect(await problem(half.registry)).toBe("9: event 9 is half erased");
    });

    test("a log that was rewritten as a whole, by a head that was kept elsewhere", async () => {
      const { registry, database } = await log();
      const kept = await registry.head(caller);
      expect((await registry.verifyEvents(caller, { expect: [kept] })).ok).toBe(true);
      // Cut back to the beginning and built again with other facts: every hash and link is right.
      await tamper(
        database,
        "delete from events where sequence > 6",
        "delete from event_payloads where sequence > 6",
        "update event_head set sequence = 6, hash = (select hash from events where sequence = 6)",
      );
      await forge(database, "v1.retention_class.registered", encodeCbor({ name: "x", duration_days: 1, mode: "none" }));
      expect((await registry.verifyEvents(caller)).ok).toBe(true);
      const shorter = await registry.verifyEvents(caller, { expect: [kept] });
      expect(shorter).toMatchObject({
        ok: false,
        problem: { message: `the log ends before the expected event ${kept.sequence}` },
      });
      while ((await registry.ledger.head()).sequence < kept.sequence + 2) {
        await forge(database, "v1.tenant.created", encodeCbor({ tenant: "x" }));
      }
      const rewritten = await registry.verifyEvents(caller, { expect: [kept] });
      expect(rewritten.ok).toBe(false);
      expect(rewritten.problem?.sequence).toBe(kept.sequence);
      expect(rewritten.problem?.message).toContain("rewritten");
    });

    test("either of two expectations for one event", async () => {
      const { registry } = await log();
      const head = await registry.head(caller);
      const wrong = { sequence: head.sequence, hash: "0".repeat(64) };
      for (const pair of [
        [head, wrong],
        [wrong, head],
      ]) {
        expect((await registry.verifyEvents(caller, { expect: pair })).ok).toBe(false);
      }
      expect((await registry.verifyEvents(caller, { expect: [head, head] })).ok).toBe(true);
    });

    test("an expectation for the empty log that is not 64 zeros", async () => {
      const { registry } = await log();
      expect((await registry.verifyEvents(caller, { expect: [{ sequence: 0, hash: "0".repeat(64) }] })).ok).toBe(true);
      expect((await registry.verifyEvents(caller, { expect: [{ sequence: 0, hash: "1".repeat(64) }] })).ok).toBe(false);
    });
  });

  describe("a type or version that this program does not know", () => {
    test("stops replay, its check and verify, naming the event and what to do", async () => {
      for (const type of ["v2.package.created", "v1.package.sealed", "nonsense"]) {
        const { registry, database } = await log();
        const views = await registry.checkReplay(caller);
        await forge(database, type);
        const { sequence } = await registry.ledger.head();
        for (const call of [
          () => registry.verifyEvents(caller),
          () => registry.checkReplay(caller),
          () => registry.replay(caller, { holder: "test" }),
        ]) {
          const error = await failureOf(call());
          expect(error).toMatchObject({ code: "unknown_event", data: { sequence, type } });
          expect(error?.message).toContain("newer");
        }
        // Nothing was rebuilt: the views are as they were.
        const after = await database.read.selectFrom("artifact_packages").select("package_id").execute();
        expect(after).toHaveLength(5);
        expect(views.ok).toBe(true);
      }
    });
  });

  test("a damaged log is not replayed: the views stay as they were", async () => {
    for (const statement of [
      `update event_payloads set payload = ${blob(encodeCbor({}))} where sequence = 9`,
      "update events set actor = 'x' where sequence = 9",
      "delete from events where sequence = (select max(sequence) from events)",
      "delete from event_payloads where sequence = (select max(sequence) from events)",
      "update event_payloads set salt = null, context = null, payload = null where sequence = 9",
    ]) {
      const { registry, database } = await log();
      const before = await database.read.selectFrom("artifact_packages").selectAll().orderBy("package_id").execute();
      await tamper(database, statement);
      expect({ statement, code: await codeOf(registry.replay(caller, { holder: "test" })) }).toEqual({
        statement,
        code: "chain_broken",
      });
      expect({ statement, code: await codeOf(registry.checkReplay(caller)) }).toEqual({
        statement,
        code: "chain_broken",
      });
      expect(await database.read.selectFrom("artifact_packages").selectAll().orderBy("package_id").execute()).toEqual(
        before,
      );
    }
  });
});

test("a head reads <sequence>:<hash> and nothing else", () => {
  const hash = toHex(text("j".repeat(32)));
  expect(parseHead(`12:${hash}`)).toEqual({ sequence: 12, hash });
  for (const bad of [
    "",
    hash,
    `:${hash}`,
    `01:${hash}`,
    `-1:${hash}`,
    `1:${hash.slice(1)}`,
    `1:${hash.toUpperCase()}`,
    `1:${hash} `,
    `99999999999999999:${hash}`,
  ]) {
    expect(() => parseHead(bad)).toThrow(expect.objectContaining({ code: "invalid_argument" }));
  }
});
