import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { openSqliteDatabase } from "../../adapters/database-sqlite/mod.ts";
import { type Caller, type CborValue, decodeCbor, encodeCbor, jcsText, type Registry } from "../../core/mod.ts";
import { createApp, type Problem } from "../../server/mod.ts";
import { append, tenant } from "../core/feed/support.ts";
import { caller, closeFixtures, newPackage, openFixture } from "../support/registry_fixture.ts";
import { temporaryDirectory } from "../support/storage_temporary.ts";

const directory = temporaryDirectory("events");
let registry: Registry;
let large: number;
let total: number;
let subject: string;

beforeAll(async () => {
  const database = await openSqliteDatabase({ path: `${directory.path}/events.db` });
  ({ registry } = await openFixture({ database }));
  ({ package_id: subject } = await newPackage(registry, { metadata: { "$a ü": 1.5, "€": [1e-300, -0.1] } }));
  await append(registry, 1, { size: 65_600 });
  large = (await registry.head(caller)).sequence;
  await append(registry, 3, { who: tenant });
  await append(registry, 20);
  total = (await registry.head(caller)).sequence;
});
afterAll(async () => {
  await closeFixtures();
  directory.remove();
});

const report = { status: "ok" } as never;

function get(path: string, accept?: string, who: Caller = caller, more: RequestInit = {}) {
  const app = createApp({ registry, authenticate: () => who, health: async () => report });
  return app.request(path, { headers: { ...(accept && { accept }) }, ...more });
}

interface Page {
  readonly events: readonly Record<string, unknown>[];
  readonly last_sequence: number;
  readonly pending: number;
}
const pageOf = async (path: string, who?: Caller) => (await (await get(path, undefined, who)).json()) as Page;
const sequencesOf = (page: Page) => page.events.map((event) => event.sequence);

describe("GET /events", () => {
  test("answers canonical JSON, an event with everything that the chain needs", async () => {
    const response = await get("/events?since=6&limit=2");
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "content-type": "application/json",
      "cache-control": "private, no-store",
      vary: "accept",
    });
    const text = await response.text();
    expect(response.headers.get("content-length")).toBe(String(new TextEncoder().encode(text).length));
    const page = JSON.parse(text) as Page;
    expect(text).toBe(jcsText(page as never).replaceAll('"$$', '"$'));
    expect([page.last_sequence, page.pending]).toEqual([8, total - 8]);
    expect(page.events[0]).toEqual({
      sequence: 7,
      event_id: expect.stringMatching(/^[0-9a-f-]{36}$/) as unknown as string,
      type: "v1.package.created",
      tenant: "default",
      tenant_sequence: 7,
      subject,
      actor: "local:tester",
      occurred_at: expect.stringMatching(/^2\d{3}-.*\.\d{3}Z$/) as unknown as string,
      commitment: expect.stringMatching(/^[0-9a-f]{64}$/) as unknown as string,
      prev_hash: expect.stringMatching(/^[0-9a-f]{64}$/) as unknown as string,
      hash: expect.stringMatching(/^[0-9a-f]{64}$/) as unknown as string,
      salt: expect.stringMatching(/^[0-9a-f]{32}$/) as unknown as string,
      context: {},
      payload: {
        name: "demo",
        version: null,
        retention_class: "working",
        metadata: { "$$a ü": 1.5, "€": [1e-300, -0.1] },
        metadata_schema: null,
        external_refs: [],
      },
      payload_size: expect.any(Number) as unknown as number,
      payload_url: null,
    });
  });

  test("answers CBOR with the stored bytes of context and payload", async () => {
    const response = await get("/events?limit=1000", "application/cbor");
    expect(response.headers.get("content-type")).toBe("application/cbor");
    const bytes = new Uint8Array(await response.arrayBuffer());
    const page = decodeCbor(bytes) as unknown as Page;
    expect(encodeCbor(page as unknown as CborValue)).toEqual(bytes as Uint8Array<ArrayBuffer>);
    const stored = await registry.ledger.read({ since: 0, limit: 1000 });
    expect(page.events).toHaveLength(stored.length);
    for (const [i, event] of page.events.entries()) {
      const { payload, ...rest } = stored[i] as (typeof stored)[number];
      const left = event.sequence === large;
      expect(event).toEqual({
        ...rest,
        payload: left ? null : payload,
        payload_size: payload?.length as number,
        payload_url: left ? `/events/${large}/payload` : null,
      });
    }
    expect([page.last_sequence, page.pending]).toEqual([total, 0]);
  });

  test("says the same in both forms", async () => {
    const names = (page: Page) => page.events.map((event) => Object.keys(event).toSorted());
    const cbor = decodeCbor(new Uint8Array(await (await get("/events", "application/cbor")).arrayBuffer()));
    expect(names(cbor as unknown as Page)).toEqual(names(await pageOf("/events")));
  });

  test("counts exclusively from since, filters by types and subject, and tells what is pending", async () => {
    expect(sequencesOf(await pageOf(`/events?since=${total - 1}`))).toEqual([total]);
    expect(await pageOf(`/events?since=${total}`)).toEqual({ events: [], last_sequence: total, pending: 0 });
    const both = await pageOf("/events?type=v1.package.created,v1.tenant.created&limit=1");
    expect([sequencesOf(both), both.pending]).toEqual([[1], 1]);
    expect(sequencesOf(await pageOf("/events?type=v1.package.created&type=v1.tenant.created"))).toEqual([1, 7]);
    const about = await pageOf(`/events?subject=${subject}`);
    expect([sequencesOf(about), about.last_sequence, about.pending]).toEqual([[7, 8], total, 0]);
    expect((await pageOf(`/events?subject=${subject}&type=v1.package.created`)).events).toHaveLength(1);
  });

  test.each([
    "since=-1",
    "since=1.5",
    "since=01",
    "since=1e3",
    "since=",
    "since=9999999999999999",
    "limit=0",
    "limit=1001",
    "wait=61",
    "wait=-1",
    "type=v1.nothing",
    "type=",
    "type=v1.package.created,",
    "subject=",
    "subject=a%00",
    `subject=${"x".repeat(201)}`,
    "sinse=3",
    "since=1&since=2",
  ])("refuses %s", async (query) => {
    const response = await get(`/events?${query}`);
    expect([response.status, ((await response.json()) as Problem).code]).toEqual([400, "invalid_argument"]);
  });

  test("knows no other form", async () => {
    expect((await get("/events", "text/html")).status).toBe(406);
    expect((await get("/events", "*/*")).headers.get("content-type")).toBe("application/json");
  });

  test("with wait answers as soon as something happens, and with nothing when it does not", async () => {
    const since = (await registry.head(caller)).sequence;
    const waiting = pageOf(`/events?since=${since}&wait=30&type=v1.metadata_schema.registered`);
    await newPackage(registry);
    await append(registry, 1);
    expect(sequencesOf(await waiting)).toEqual([since + 3]);
    expect(await pageOf(`/events?since=${since + 3}&wait=1`)).toEqual({
      events: [],
      last_sequence: since + 3,
      pending: 0,
    });
  });

  test("does not count among the requests being answered while it waits", async () => {
    const { sequence } = await registry.head(caller);
    const stopping = new AbortController();
    const options = { registry, authenticate: () => caller, health: async () => report, stopping: stopping.signal };
    const app = createApp({ ...options, config: { limits: { maxInFlight: 2 } } });
    const waiting = [];
    for (let i = 0; i < 5; i++) {
      waiting.push(app.request(`/events?since=${sequence}&wait=60`));
      await Bun.sleep(10);
    }
    expect((await app.request("/events/head")).status).toBe(200);
    stopping.abort();
    for (const response of waiting) expect((await response).status).toBe(200);
  });

  test("stops waiting when the client goes or the server stops", async () => {
    const { sequence } = await registry.head(caller);
    const gone = new AbortController();
    const abandoned = get(`/events?since=${sequence}&wait=60`, undefined, caller, { signal: gone.signal });
    const stopping = new AbortController();
    const app = createApp({
      registry,
      authenticate: () => caller,
      health: async () => report,
      stopping: stopping.signal,
    });
    const waiting = app.request(`/events?since=${sequence}&wait=60`);
    setTimeout(() => {
      gone.abort();
      stopping.abort();
    }, 20);
    expect((await waiting).status).toBe(200);
    expect((await abandoned).status).toBe(200);
    expect((await app.request(`/events?since=${sequence}&wait=60`)).status).toBe(503);
  });
});

describe("one tenant's caller", () => {
  test("gets its own events, head and payloads, counted by themselves", async () => {
    const page = await pageOf("/events", tenant);
    expect(page.events.map(({ sequence, tenant, hash, prev_hash }) => [sequence, tenant, hash, prev_hash])).toEqual(
      [1, 2, 3].map((n) => [n, "elsewhere", null, null]),
    );
    expect([page.last_sequence, page.pending]).toEqual([3, 0]);
    expect((await get("/events/head", undefined, tenant)).json()).resolves.toEqual({ sequence: 3, hash: null });
    expect((await get("/events/3/payload", undefined, tenant)).status).toBe(200);
    expect((await get("/events/4/payload", undefined, tenant)).status).toBe(404);
    const stream = await get("/events?since=2", "text/event-stream", tenant);
    expect(await firstFrames(stream, 1)).toMatchObject([{ id: "3", event: "v1.metadata_schema.registered" }]);
  });
});

describe("GET /events/head and /events/{sequence}/payload", () => {
  test("give the chain's head and the exact bytes of a payload of any size", async () => {
    expect((await get("/events/head")).json()).resolves.toEqual(await registry.head(caller));
    const [event] = (await pageOf(`/events?since=${large - 1}&limit=1`)).events;
    expect(event).toMatchObject({ payload: null, payload_url: `/events/${large}/payload` });
    const response = await get(event?.payload_url as string);
    const [stored] = await registry.ledger.read({ since: large - 1, limit: 1 });
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(stored?.payload as Uint8Array<ArrayBuffer>);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "content-type": "application/cbor",
      "content-length": String(event?.payload_size),
    });
    expect((await get("/events/1000000/payload")).status).toBe(404);
    for (const wrong of ["0", "-1", "x", "1.5", "01"]) expect((await get(`/events/${wrong}/payload`)).status).toBe(400);
  });
});

interface Frame {
  readonly id: string;
  readonly event: string;
  readonly data: Record<string, unknown>;
}

/** The first frames of a stream, which is then cancelled. */
async function firstFrames(response: Response, count: number): Promise<Frame[]> {
  const frames: Frame[] = [];
  let rest = "";
  for await (const chunk of response.body as ReadableStream<Uint8Array>) {
    const blocks = (rest + new TextDecoder().decode(chunk)).split("\n\n");
    rest = blocks.pop() as string;
    for (const block of blocks) {
      const fields = Object.fromEntries(block.split("\n").map((line) => line.split(/: (.*)/s).slice(0, 2)));
      if (fields.data !== undefined) frames.push({ ...fields, data: JSON.parse(fields.data) } as Frame);
    }
    if (frames.length >= count) break;
  }
  return frames;
}

describe("GET /events as a stream", () => {
  test("says retry first, then every event with its sequence, type and JSON, old ones and new ones", async () => {
    const { sequence: end } = await registry.head(caller);
    const response = await get("/events", "text/event-stream");
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "content-type": "text/event-stream",
      "cache-control": "private, no-store",
    });
    const reading = firstFrames(response, end + 2);
    await newPackage(registry);
    const frames = await reading;
    expect(frames.map((frame) => Number(frame.id))).toEqual(Array.from({ length: end + 2 }, (_, i) => i + 1));
    const page = await pageOf("/events?limit=1000");
    expect(frames.map((frame) => frame.data)).toEqual([...page.events]);
    expect(frames.map((frame) => frame.event)).toEqual(page.events.map((event) => event.type as string));
  });

  test("goes on after Last-Event-ID, which wins over since", async () => {
    const headers = { accept: "text/event-stream", "last-event-id": "6" };
    const response = await get("/events?since=1&type=v1.package.created", undefined, caller, { headers });
    expect((await firstFrames(response, 1))[0]?.id).toBe("7");
    for (const id of ["", "x", "-1"]) {
      const wrong = await get("/events", undefined, caller, { headers: { ...headers, "last-event-id": id } });
      expect(wrong.status).toBe(400);
    }
  });

  test("ends when the server stops", async () => {
    const { sequence } = await registry.head(caller);
    const stopping = new AbortController();
    const app = createApp({
      registry,
      authenticate: () => caller,
      health: async () => report,
      stopping: stopping.signal,
    });
    const response = await app.request(`/events?since=${sequence}`, { headers: { accept: "text/event-stream" } });
    setTimeout(() => stopping.abort(), 20);
    expect(await response.text()).toBe("retry: 1000\n\n");
  });

  test("breaks the silence with a comment, behind a filter with the position as well", async () => {
    const { sequence } = await registry.head(caller);
    const path = `/events?since=${sequence}&type=v1.package.deleted`;
    const stream = (await get(path, "text/event-stream")).body as ReadableStream<Uint8Array>;
    const reader = stream.getReader();
    const next = async () => new TextDecoder().decode((await reader.read()).value);
    expect(await next()).toBe("retry: 1000\n\n");
    await append(registry, 1);
    expect(await next()).toBe(`id: ${sequence + 1}\n:\n\n`);
    await reader.cancel();
  }, 30_000);

  test("holds nothing for a HEAD, or for a client that never reads", async () => {
    const response = await get("/events", "text/event-stream", caller, { method: "HEAD" });
    expect([response.status, await response.text()]).toEqual([200, ""]);
  });
});
