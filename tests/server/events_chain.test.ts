/**
 * What docs/guides/events.md says of the chain is enough to check it: another CBOR library, another BLAKE3, and nothing
 * of ours but the answers.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { blake3 } from "@noble/hashes/blake3.js";
import { decode, encode } from "cborg";
import { openSqliteDatabase } from "../../adapters/database-sqlite/mod.ts";
import { createApp } from "../../server/mod.ts";
import { append } from "../core/feed/support.ts";
import { caller, closeFixtures, ingest, newPackage, openFixture } from "../support/registry_fixture.ts";
import { deletePackage } from "../support/registry_tamper.ts";
import { temporaryDirectory } from "../support/storage_temporary.ts";

const directory = temporaryDirectory("chain");
const HEX = "hex" as const;
let get: (path: string, accept?: string) => Promise<Response>;
let erased: number;

beforeAll(async () => {
  const { registry } = await openFixture({ database: await openSqliteDatabase({ path: `${directory.path}/a.db` }) });
  const app = createApp({ registry, authenticate: () => caller, health: async () => ({}) as never });
  get = async (path, accept = "*/*") => await app.request(path, { headers: { accept } });
  const metadata = {
    $bytes: "no bytes",
    $$: 1,
    "🌳": "z\u0000\u2028",
    ｅ: -0.5,
    numbers: [0, 23, 24, 255, 256, 65_536, 2 ** 32, 2 ** 53 - 1, -1, -25, 1.1, 1e-300, 0.1, 65504.5],
    deep: { a: [{}, [], null, true, false, ""] },
    ["k".repeat(30)]: 1,
  };
  const kept = await newPackage(registry, { metadata, version: "1" });
  await ingest(registry, kept.package_id, "ä/b", "content");
  await registry.finalizePackage({ ...caller, context: { ip: "127.0.0.1", request_id: "r-1" } }, kept.package_id);
  const gone = await newPackage(registry);
  erased = (await registry.head(caller)).sequence;
  await deletePackage(registry, caller, gone.package_id);
  await registry.redactEvent(caller, { sequence: erased, reason: "asked" });
  await append(registry, 1, { size: 100_000 });
});
afterAll(async () => {
  await closeFixtures();
  directory.remove();
});

interface Wire<B> {
  readonly sequence: number;
  readonly event_id: string;
  readonly type: string;
  readonly tenant: string;
  readonly subject: string;
  readonly actor: string;
  readonly occurred_at: string;
  readonly commitment: B;
  readonly prev_hash: B;
  readonly hash: B;
  readonly salt: B | null;
  readonly context: unknown;
  readonly payload: unknown;
  readonly payload_url: string | null;
}

/** Every event, by pages of three. */
async function readAll<B>(accept: string, parse: (body: ArrayBuffer) => unknown): Promise<Wire<B>[]> {
  const events: Wire<B>[] = [];
  for (let since = 0; ; ) {
    const response = await get(`/events?since=${since}&limit=3`, accept);
    const page = parse(await response.arrayBuffer()) as { events: Wire<B>[]; last_sequence: number; pending: number };
    events.push(...page.events);
    since = page.last_sequence;
    if (page.pending === 0) return events;
  }
}

/** Checks each link, and each commitment whose payload is still there. Answers the last hash and what was checked. */
async function check<B>(
  events: readonly Wire<B>[],
  toBytes: (value: B) => Uint8Array,
  encoded: (value: unknown) => Uint8Array,
) {
  let hash: Uint8Array = new Uint8Array(32);
  let commitments = 0;
  for (const [i, event] of events.entries()) {
    const { sequence, event_id, type, tenant, subject, actor, occurred_at } = event;
    expect(sequence).toBe(i + 1);
    expect(toBytes(event.prev_hash)).toEqual(hash);
    const commitment = toBytes(event.commitment);
    if (event.salt !== null) {
      const payload =
        event.payload_url === null
          ? encoded(event.payload)
          : new Uint8Array(await (await get(event.payload_url)).arrayBuffer());
      const opened = encode([toBytes(event.salt), encoded(event.context), payload]);
      expect({ sequence, commitment: blake3(opened) as Uint8Array }).toEqual({ sequence, commitment });
      commitments++;
    }
    hash = blake3(encode([sequence, event_id, type, tenant, subject, actor, occurred_at, commitment, hash]));
    expect({ sequence, hash: toBytes(event.hash) }).toEqual({ sequence, hash });
  }
  return { head: { sequence: events.length, hash: Buffer.from(hash).toString(HEX) }, commitments };
}

/** The value that a JSON projection stands for. */
function restored(json: unknown): unknown {
  if (typeof json !== "object" || json === null) return json;
  if (Array.isArray(json)) return json.map(restored);
  const entries = Object.entries(json);
  const [[key, value] = []] = entries;
  if (entries.length === 1 && key === "$bytes") return new Uint8Array(Buffer.from(value as string, "base64url"));
  if (entries.length === 1 && key === "$int") return BigInt(value as string);
  return Object.fromEntries(
    entries.map(([name, inner]) => [name.startsWith("$") ? name.slice(1) : name, restored(inner)]),
  );
}

describe("whoever reads the whole feed can compute the chain anew", () => {
  test("from JSON", async () => {
    const events = await readAll<string>("application/json", (body) => JSON.parse(new TextDecoder().decode(body)));
    const { head, commitments } = await check(
      events,
      (hex) => new Uint8Array(Buffer.from(hex, HEX)),
      (json) => encode(restored(json)),
    );
    expect(head).toEqual((await (await get("/events/head")).json()) as typeof head);
    expect(commitments).toBe(events.length - 1);
    expect(events[erased - 1]).toMatchObject({ salt: null, context: null, payload: null, payload_url: null });
    expect(events.some((event) => event.payload_url !== null)).toBe(true);
    expect(events.map((event) => event.context)).toContainEqual({ ip: "127.0.0.1", request_id: "r-1" });
  });

  test("from CBOR", async () => {
    const events = await readAll<Uint8Array>("application/cbor", (body) => decode(new Uint8Array(body)));
    const { head, commitments } = await check(
      events,
      (bytes) => bytes,
      (bytes) => bytes as Uint8Array,
    );
    expect(head).toEqual((await (await get("/events/head")).json()) as typeof head);
    expect(commitments).toBe(events.length - 1);
  });

  test("and is told by it of one changed letter", async () => {
    const events = await readAll<Uint8Array>("application/cbor", (body) => decode(new Uint8Array(body)));
    const forged = events.map((event, i) => (i === 4 ? { ...event, actor: "local:someone" } : event));
    const same = (bytes: unknown) => bytes as Uint8Array;
    expect(check(forged, same, same)).rejects.toThrow();
  });
});
