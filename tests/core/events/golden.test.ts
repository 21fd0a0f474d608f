/**
 * Golden bytes. What a log holds must verify in ten years: a library, a refactoring or a runtime that changes one byte
 * of what is written fails here. Files in `tests/vectors/events/` are added, never changed.
 */
import { expect, test } from "bun:test";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { createPortableHasher } from "../../../adapters/hasher-portable/mod.ts";
import { concatBytes, toHex, utf8 } from "../../../core/base/bytes.ts";
import { decodeCbor, encodeCbor } from "../../../core/base/cbor.ts";
import { commitmentOf, GENESIS_HASH, hashOf } from "../../../core/events/chain.ts";
import { EVENT_TYPES, type StoredEvent } from "../../../core/events/types.ts";
import { createLedger } from "../../../core/ledger/mod.ts";
import { localCaller } from "../../../core/mod.ts";
import { migrate } from "../../../migrations/mod.ts";
import { forEachDatabase } from "../../support/postgres.ts";
import { countingIds, hasher, settableClock } from "../../support/registry_fixture.ts";
import { SAMPLES } from "./samples.ts";

const folder = join(import.meta.dir, "../../vectors/events");
const portable = createPortableHasher();

const envelopeOf = (e: StoredEvent) =>
  encodeCbor([e.sequence, e.event_id, e.type, e.tenant, e.subject, e.actor, e.occurred_at, e.commitment, e.prev_hash]);

/** What a vector says of an event. */
function vectorOf(e: StoredEvent): Record<string, unknown> {
  return {
    type: e.type,
    sequence: e.sequence,
    tenant_sequence: e.tenant_sequence,
    event_id: e.event_id,
    tenant: e.tenant,
    subject: e.subject,
    actor: e.actor,
    occurred_at: e.occurred_at,
    salt: toHex(e.salt ?? new Uint8Array()),
    context: toHex(e.context ?? new Uint8Array()),
    payload: toHex(e.payload ?? new Uint8Array()),
    commitment: toHex(e.commitment),
    prev_hash: toHex(e.prev_hash),
    envelope: toHex(envelopeOf(e)),
    hash: toHex(e.hash),
  };
}

test("there is a golden vector of every event type, and a sample of each", () => {
  const files = readdirSync(folder).map((name) => name.replace(/\.json$/, ""));
  expect(files.toSorted()).toEqual([...EVENT_TYPES].sort());
  expect(SAMPLES.map((event) => event.type).toSorted()).toEqual([...EVENT_TYPES].sort() as never);
});

forEachDatabase((_, open) => {
  test("every event type is written with the same bytes, commitment and hash as ever", async () => {
    const database = await open();
    await migrate(database);
    const ledger = createLedger({ database, hasher, clock: settableClock(), ids: countingIds() });
    const caller = { ...localCaller("tester"), context: { request_id: "r-1", ip: "127.0.0.1" } };
    const commit = async (events: typeof SAMPLES) => {
      for (const event of events) {
        await ledger.commit(caller, { wants: {}, decide: () => ({ events: [event], result: undefined }) });
      }
    };
    const redaction = SAMPLES.findIndex((event) => event.type === "v1.event.redacted");
    await commit(SAMPLES.slice(0, redaction));
    // Before the redaction, which erases one of them.
    const stored = await ledger.read({ since: 0, limit: 100 });
    await commit(SAMPLES.slice(redaction));
    stored.push(...(await ledger.read({ since: stored.length, limit: 100 })));
    expect(stored).toHaveLength(SAMPLES.length);
    for (const event of stored) {
      const path = join(folder, `${event.type}.json`);
      const golden = existsSync(path) ? await Bun.file(path).json() : {};
      expect(vectorOf(event)).toEqual(golden);
    }
  });
});

for (const name of readdirSync(folder)) {
  test(`${name} hangs together: chain rules over another hash kernel`, async () => {
    const golden = (await Bun.file(join(folder, name)).json()) as Record<string, string>;
    const bytes = (key: string) =>
      Uint8Array.from((golden[key] as string).match(/../g) ?? [], (h) => Number.parseInt(h, 16));
    // The commitment hashes [salt, context, payload] as three byte strings; written out by hand here.
    const string = (b: Uint8Array) => {
      const head =
        b.length < 24 ? [0x40 + b.length] : b.length < 256 ? [0x58, b.length] : [0x59, b.length >> 8, b.length & 255];
      return concatBytes([Uint8Array.from(head), b]);
    };
    const committed = concatBytes([
      Uint8Array.of(0x83),
      string(bytes("salt")),
      string(bytes("context")),
      string(bytes("payload")),
    ]);
    expect(toHex(portable.hash("blake3", committed))).toBe(golden.commitment as string);
    expect(toHex(commitmentOf(portable, bytes("salt"), bytes("context"), bytes("payload")))).toBe(
      golden.commitment as string,
    );
    expect(toHex(portable.hash("blake3", bytes("envelope")))).toBe(golden.hash as string);
    expect(decodeCbor(bytes("context"))).toEqual({ request_id: "r-1", ip: "127.0.0.1" });
    const sealed = { ...golden, commitment: bytes("commitment"), prev_hash: bytes("prev_hash") };
    expect(toHex(hashOf(portable, sealed as never))).toBe(golden.hash as string);
  });
}

test("the first event links to 32 zero bytes", async () => {
  expect(toHex(GENESIS_HASH)).toBe("0".repeat(64));
  const first = await Bun.file(join(folder, "v1.tenant.created.json")).json();
  expect([first.sequence, first.prev_hash]).toEqual([1, "0".repeat(64)]);
});

test("each field of the envelope and of the commitment changes its hash", () => {
  const event = {
    sequence: 1,
    event_id: "id",
    type: "v1.tenant.created" as const,
    tenant: "t",
    subject: "s",
    actor: "a",
    occurred_at: "2026-01-02T03:04:05.006Z",
    commitment: new Uint8Array(32),
    prev_hash: new Uint8Array(32),
  };
  const others: Record<string, unknown> = {
    ...{ sequence: 2, event_id: "ie", type: "v1.package.created", tenant: "u", subject: "r", actor: "b" },
    ...{
      occurred_at: "2026-01-02T03:04:05.007Z",
      commitment: new Uint8Array(32).fill(1),
      prev_hash: new Uint8Array(32).fill(1),
    },
  };
  expect(Object.keys(others).toSorted()).toEqual(Object.keys(event).toSorted());
  const hashes = new Set([toHex(hashOf(hasher, event))]);
  for (const [key, value] of Object.entries(others))
    hashes.add(toHex(hashOf(hasher, { ...event, [key]: value } as never)));
  expect(hashes.size).toBe(10);
  const commitments = new Set(
    [
      ["a", "b", "c"],
      ["x", "b", "c"],
      ["a", "x", "c"],
      ["a", "b", "x"],
      // Bytes that move from one part to the next are another commitment.
      ["ab", "", "c"],
      ["a", "bc", ""],
    ].map(([salt, context, payload]) =>
      toHex(commitmentOf(hasher, utf8(salt ?? ""), utf8(context ?? ""), utf8(payload ?? ""))),
    ),
  );
  expect(commitments.size).toBe(6);
});
