/** What stands before the routes, one rule at a time. */
import { afterAll, describe, expect, test } from "bun:test";
import { openSqliteDatabase } from "../../../adapters/database-sqlite/mod.ts";
import type { HealthReport, RefusalStatus } from "../../../core/spi/mod.ts";
import { clientRule } from "../../../server/middleware/client.ts";
import {
  type AddressRange,
  createApp,
  inRanges,
  type NetworkRules,
  type Problem,
  parseRange,
  type RequestEntry,
  refusal,
} from "../../../server/mod.ts";
import { caller, closeFixtures, openFixture } from "../../support/registry_fixture.ts";
import { temporaryDirectory } from "../../support/storage_temporary.ts";

const directory = temporaryDirectory("network");
const database = await openSqliteDatabase({ path: `${directory.path}/a.db` });
const { registry } = await openFixture({ database });
afterAll(async () => {
  await closeFixtures();
  directory.remove();
});

const range = (text: string) => parseRange(text) as AddressRange;

function appWith(config: NetworkRules = {}, more: { stopping?: AbortSignal; status?: HealthReport["status"] } = {}) {
  const entries: RequestEntry[] = [];
  const app = createApp({
    registry,
    authenticate: () => caller,
    health: async () => ({ status: more.status ?? "ok" }) as HealthReport,
    config,
    log: (entry) => entries.push(entry),
    ...(more.stopping && { stopping: more.stopping }),
  });
  return { app, entries };
}

const codeOf = async (response: Response): Promise<string> => ((await response.json()) as Problem).code;

describe("the client behind proxies", () => {
  const clientOf = clientRule([range("10.0.0.0/8"), range("fd00::/8")]);
  const seen = (ip: string | undefined, headers: Record<string, string>, encrypted = false) =>
    clientOf(ip === undefined ? {} : { ip, encrypted }, new Headers(headers));

  test.each([
    ["is the peer where nobody is between", "203.0.113.9", {}, "203.0.113.9", "http"],
    [
      "is the peer whatever it claims",
      "203.0.113.9",
      { "x-forwarded-for": "1.2.3.4", "x-forwarded-proto": "https" },
      "203.0.113.9",
      "http",
    ],
    [
      "is whom the proxy names",
      "10.0.0.1",
      { "x-forwarded-for": "198.51.100.7", "x-forwarded-proto": "https" },
      "198.51.100.7",
      "https",
    ],
    [
      "is the last that is no proxy, not what it claims to be",
      "10.0.0.1",
      { "x-forwarded-for": "1.2.3.4, 198.51.100.7, 10.9.9.9" },
      "198.51.100.7",
      "http",
    ],
    ["may have a port", "10.0.0.1", { "x-forwarded-for": "198.51.100.7:1234" }, "198.51.100.7", "http"],
    [
      "may be IPv6, in brackets with a port",
      "fd00::1",
      { "x-forwarded-for": "[2001:db8::7]:443" },
      "2001:db8::7",
      "http",
    ],
    ["is the proxy where it names nobody", "10.0.0.1", {}, "10.0.0.1", "http"],
    ["is the proxy where it names nonsense", "10.0.0.1", { "x-forwarded-for": "evil; drop, <b>" }, "10.0.0.1", "http"],
    [
      "is the last proxy where all are proxies",
      "10.0.0.1",
      { "x-forwarded-for": "10.0.0.3, 10.0.0.2" },
      "10.0.0.3",
      "http",
    ],
  ] as const)("%s", (_name, ip, headers, wanted, scheme) => {
    expect(seen(ip, headers)).toEqual({ ip: wanted, scheme });
  });

  test("is unknown without a transport, and its scheme is ours where we decrypt", () => {
    expect(seen(undefined, { "x-forwarded-for": "1.2.3.4" })).toEqual({ ip: undefined, scheme: "http" });
    expect(seen("203.0.113.9", {}, true)).toEqual({ ip: "203.0.113.9", scheme: "https" });
  });
});

describe("address ranges", () => {
  test.each([
    ["10.0.0.0/8", "10.255.0.1", true],
    ["10.0.0.0/8", "11.0.0.1", false],
    ["10.0.0.0/8", "::ffff:10.1.2.3", true],
    ["0.0.0.0/0", "203.0.113.9", true],
    ["0.0.0.0/0", "2001:db8::1", false],
    ["127.0.0.1", "127.0.0.1", true],
    ["127.0.0.1", "127.0.0.2", false],
    ["2001:db8::/32", "2001:db8:ffff::1", true],
    ["2001:db8::/32", "2001:db9::1", false],
    ["::1", "0:0:0:0:0:0:0:1", true],
    ["::1", "", false],
    ["::1", "localhost", false],
  ])("%s holds %s: %p", (text, address, held) => {
    expect(inRanges(address, [range(text)])).toBe(held);
  });

  test.each([
    "10.0.0.1/8",
    "10.0.0.0/33",
    "10.0.0/8",
    "256.0.0.0/8",
    "::/129",
    "1::2::3",
    ":::",
    "1:2:3",
    "fe80::1%eth0",
    "x",
    "",
  ])("%p is none", (text) => expect(parseRange(text)).toBeUndefined());
});

describe("a request that changes something", () => {
  const { app } = appWith({ publicUrl: "https://a.example/store" });
  const send = (headers: Record<string, string>, method = "POST") =>
    app.request("http://localhost:8000/packages", { method, headers: { host: "localhost:8000", ...headers } });

  test.each([
    [{ origin: "https://evil.example" }],
    [{ origin: "null" }],
    [{ origin: "http://localhost:9000" }],
    [{ origin: "https://localhost:8000" }],
    [{ "sec-fetch-site": "cross-site" }],
    [{ "sec-fetch-site": "same-site" }],
    [{ "sec-fetch-site": "cross-site", origin: "http://localhost:8000" }],
  ])("is refused from a page elsewhere: %j", async (headers) => {
    for (const method of ["POST", "PUT", "PATCH", "DELETE"]) {
      const response = await send(headers as Record<string, string>, method);
      expect([response.status, await codeOf(response)]).toEqual([403, "cross_origin"]);
    }
  });

  test.each([
    [{}],
    [{ origin: "http://localhost:8000", "sec-fetch-site": "same-origin" }],
    [{ origin: "https://a.example" }],
    [{ "sec-fetch-site": "none" }],
  ])("passes from our own page and from no page: %j", async (headers) => {
    expect((await send(headers as Record<string, string>)).status).not.toBe(403);
  });

  test("may be read about from anywhere, though no page can see it", async () => {
    const response = await app.request("/ready", { headers: { origin: "https://evil.example" } });
    expect(response.status).toBe(200);
    expect(response.headers.get("access-control-allow-origin")).toBeNull();
    expect(response.headers.get("cross-origin-resource-policy")).toBe("same-origin");
  });
});

describe("limits", () => {
  test("of the head: URL, number and bytes of headers", async () => {
    const { app } = appWith({ limits: { maxUrlBytes: 100, maxHeaders: 5, maxHeaderBytes: 200 } });
    const ask = async (path: string, headers: Record<string, string>, env: object = {}) => {
      const response = await app.request(path, { headers }, env);
      return response.ok ? "ok" : `${response.status} ${await codeOf(response)}`;
    };
    expect(await ask("/ready", {})).toBe("ok");
    expect(await ask(`/ready?${"x".repeat(100)}`, {})).toBe("414 uri_too_long");
    const six = Object.fromEntries([1, 2, 3, 4, 5, 6].map((n) => [`x-${n}`, ""]));
    expect(await ask("/ready", six)).toBe("431 headers_too_large");
    expect(await ask("/ready", { x: "y".repeat(200) })).toBe("431 headers_too_large");
    // The transport's own count is believed: it saw the lines that came twice.
    expect(await ask("/ready", {}, { headerCount: 6, headerBytes: 10 })).toBe("431 headers_too_large");
  });

  test("of requests that wait: one more gets 429, and probes still get through", async () => {
    const { app } = appWith({ limits: { maxInFlight: 1 } });
    let end = () => {};
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        end = () => controller.close();
      },
    });
    const headers = { "content-type": "application/json" };
    const waiting = app.request("/packages", { method: "POST", headers, body });
    const refused = await app.request("/packages");
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "1"]);
    expect(await codeOf(refused)).toBe("too_many_requests");
    expect((await app.request("/ready")).status).toBe(200);
    end();
    expect((await waiting).status).toBe(400);
    expect((await app.request("/packages")).status).toBe(200);
  });
});

describe("GET /ready", () => {
  const ready = async (app: ReturnType<typeof createApp>) => {
    const response = await app.request("/ready");
    return [response.status, ((await response.json()) as { status: string }).status];
  };

  test("says whether this server should be sent requests", async () => {
    expect(await ready(appWith().app)).toEqual([200, "ready"]);
    expect(await ready(appWith({}, { status: "degraded" }).app)).toEqual([503, "degraded"]);
  });

  test("and a server that stops says no, refuses new work, and is still alive", async () => {
    const { app } = appWith({}, { stopping: AbortSignal.abort() });
    expect(await ready(app)).toEqual([503, "stopping"]);
    expect((await app.request("/health")).status).toBe(200);
    const refused = await app.request("/packages");
    expect([refused.status, refused.headers.get("connection"), refused.headers.get("retry-after")]).toEqual([
      503,
      "close",
      "5",
    ]);
    expect(await codeOf(refused)).toBe("stopping");
  });
});

describe("behind a public URL", () => {
  const post = (app: ReturnType<typeof createApp>) =>
    app.request("/packages", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ name: "demo", retention_class: "working" }),
    });

  test("Location begins with it, its host is answered to, and HSTS is said", async () => {
    const { app } = appWith({ publicUrl: "https://a.example/store" });
    const made = await post(app);
    expect(made.headers.get("location")).toMatch(/^https:\/\/a\.example\/store\/packages\/[0-9a-f-]{36}$/);
    expect(made.headers.get("strict-transport-security")).toBe("max-age=31536000");
    expect((await app.request("/ready", { headers: { host: "a.example" } })).status).toBe(200);
    expect((await app.request("/ready", { headers: { host: "b.example" } })).status).toBe(421);
  });

  test("without one Location is a path, and HSTS is said only where TLS was spoken", async () => {
    const { app } = appWith({ trustProxy: [range("127.0.0.1")] });
    const made = await post(app);
    expect(made.headers.get("location")).toStartWith("/packages/");
    expect(made.headers.get("strict-transport-security")).toBeNull();
    const env = { ip: "127.0.0.1", encrypted: false };
    const proxied = await app.request("/ready", { headers: { "x-forwarded-proto": "https" } }, env);
    expect(proxied.headers.get("strict-transport-security")).toBe("max-age=31536000");
  });
});

test("the log has one entry a request, refused ones too, without the query", async () => {
  const { app, entries } = appWith();
  await app.request("/ready?token=secret", { headers: { "x-request-id": "mine" } }, { ip: "203.0.113.9" });
  await app.request("/packages/no%20such%0Athing");
  await app.request("/ready", { headers: { host: "evil.example" } });
  const ended = Promise.resolve({ bytes: 7, whole: false });
  await app.request("/ready", {}, { ip: "::1", finished: ended });
  await ended;
  await Bun.sleep(0);
  expect(entries.map(({ method, path, status }) => [method, path, status])).toEqual([
    ["GET", "/ready", 200],
    ["GET", "/packages/no%20such%0Athing", expect.any(Number)],
    ["GET", "/ready", 421],
    ["GET", "/ready", 200],
  ]);
  expect(entries[0]).toMatchObject({ request_id: "mine", ip: "203.0.113.9", bytes: null, ms: expect.any(Number) });
  expect(entries[3]).toMatchObject({ ip: "::1", bytes: 7, cut: true });
  expect(JSON.stringify(entries)).not.toContain("secret");
});

test.each([400, 408, 413, 431, 500] as RefusalStatus[])("what the transport refuses with %d is a problem", (status) => {
  const { headers, body } = refusal(status);
  const problem = JSON.parse(body) as Problem;
  expect(headers["content-type"]).toBe("application/problem+json");
  expect(problem).toMatchObject({ status, type: `urn:artifact-store:error:${problem.code}` });
  expect(problem.request_id).toBe(headers["x-request-id"] ?? "");
});
