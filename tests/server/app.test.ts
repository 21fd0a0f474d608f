import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Hono } from "hono";
import { openSqliteDatabase } from "../../adapters/database-sqlite/mod.ts";
import type { Registry } from "../../core/mod.ts";
import { type ErrorCode, type HealthReport, RegistryError } from "../../core/spi/mod.ts";
import type { AppEnv, Ask } from "../../server/env.ts";
import { hostPolicy } from "../../server/middleware/allowed_hosts.ts";
import { createApp, ERROR_ANSWERS, errorResponse, type FailedRequest, type Problem } from "../../server/mod.ts";
import { notFound } from "../../server/not_found.ts";
import { caller, closeFixtures, openFixture } from "../support/registry_fixture.ts";
import { temporaryDirectory } from "../support/storage_temporary.ts";

const directory = temporaryDirectory("app");
let registry: Registry;
beforeAll(async () => {
  const database = await openSqliteDatabase({ path: `${directory.path}/app.db` });
  ({ registry } = await openFixture({ database }));
});
afterAll(async () => {
  await closeFixtures();
  directory.remove();
});

const report: HealthReport = {
  status: "ok",
  version: "0.1.0",
  commit: "0123456789ab",
  registry: { ok: true, head: { sequence: 3, hash: "ab".repeat(32) } },
  database: { ok: true, kind: "sqlite", version: "3.53.4", synchronous: "FULL", journal_mode: "wal" },
  storage: [{ backend_id: "local", kind: "fs", ok: true, writable: true, free_bytes: 1, total_bytes: 2 }],
  hasher: { kernel: "native", name: "@napi-rs/blake-hash" },
  runtime: { name: "bun", version: "1.4.4" },
};

function appWith(health: () => Promise<HealthReport> = async () => report) {
  const errors: { error: unknown; request: FailedRequest }[] = [];
  const app = createApp({
    registry,
    authenticate: () => caller,
    health,
    onError: (error, request) => errors.push({ error, request }),
  });
  return { app, errors };
}

async function problemOf(response: Response): Promise<Problem> {
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  const problem = (await response.json()) as Problem;
  expect(problem.status).toBe(response.status);
  expect(problem.request_id).toBe(response.headers.get("x-request-id") ?? "");
  return problem;
}

describe("GET /health", () => {
  test("answers 200 with the report as it stands", async () => {
    const response = await appWith().app.request("/health");
    expect(response.status).toBe(200);
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect((await response.json()) as HealthReport).toEqual(report);
  });

  test("answers 503 with the report when degraded", async () => {
    const degraded: HealthReport = { ...report, status: "degraded", registry: { ok: false, head: null } };
    const response = await appWith(async () => degraded).app.request("/health");
    expect(response.status).toBe(503);
    expect((await response.json()) as HealthReport).toEqual(degraded);
  });

  test("answers HEAD without a body", async () => {
    const response = await appWith().app.request("/health", { method: "HEAD" });
    expect(response.status).toBe(200);
    expect(await response.text()).toBe("");
  });
});

describe("errors", () => {
  test("an unexpected one tells the caller nothing but the request id, and the log everything", async () => {
    const secret = new Error("ENOENT: /secret/path postgres://u:p@h");
    const { app, errors } = appWith(async () => {
      throw secret;
    });
    const response = await app.request("/health", { headers: { "x-request-id": "abc-1" } });
    const problem = await problemOf(response);
    expect(problem).toEqual({
      type: "urn:artifact-store:error:internal",
      title: "Internal error",
      status: 500,
      code: "internal",
      request_id: "abc-1",
    });
    expect(errors).toEqual([{ error: secret, request: { request_id: "abc-1", method: "GET", path: "/health" } }]);
  });

  test("one of ours below 500 carries message and data; from 500 on only the title", async () => {
    for (const [code, { status, title }] of Object.entries(ERROR_ANSWERS)) {
      const error = new RegistryError(code as ErrorCode, "see /secret/path", { path: "/secret/path" });
      const response = errorResponse(error, "r");
      const text = await response.text();
      const problem = JSON.parse(text) as Problem;
      expect([response.status, problem.status, problem.title, problem.code]).toEqual([status, status, title, code]);
      const told = status < 500 || code === "unsupported";
      expect(text.includes("/secret/path")).toBe(told);
      if (told) expect(problem.data).toEqual({ path: "/secret/path" });
    }
  });

  test("busy answers say when to try again", () => {
    expect(errorResponse(new RegistryError("database_busy", "x"), "r").headers.get("retry-after")).toBe("1");
  });
});

describe("what is not there", () => {
  test("an unknown path is a 404 problem", async () => {
    const response = await appWith().app.request("/nope");
    expect(response.status).toBe(404);
    expect((await problemOf(response)).code).toBe("not_found");
  });

  test("a wrong method is a 405 problem that names the right ones, and the body sent along is ignored", async () => {
    const response = await appWith().app.request("/health", { method: "POST", body: "x".repeat(100_000) });
    expect(response.status).toBe(405);
    expect(response.headers.get("allow")).toBe("GET, HEAD");
    expect((await problemOf(response)).code).toBe("method_not_allowed");
  });

  test("routes with parameters and catch-alls are found too", async () => {
    const app = new Hono<AppEnv>();
    app.put("/blobs/:id", (c) => c.text("put"));
    app.post("/blobs/:id", (c) => c.text("post"));
    app.notFound(notFound(app));
    const ask = { requestId: "1" } as Ask;
    const response = await app.request("/blobs/1", { method: "DELETE" }, ask);
    expect([response.status, response.headers.get("allow")]).toEqual([405, "POST, PUT"]);
    expect((await app.request("/blobs/1/x", { method: "DELETE" }, ask)).status).toBe(404);
    // And through all of the app.
    const real = await appWith().app.request("/packages/1/abandon", { method: "DELETE" });
    expect([real.status, real.headers.get("allow")]).toEqual([405, "POST"]);
  });
});

describe("headers", () => {
  test.each(["/health", "/nope"])("%s carries the security headers and no Server", async (path) => {
    const { headers } = await appWith().app.request(path);
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("content-security-policy")).toBe("default-src 'none'; frame-ancestors 'none'");
    expect(headers.get("server")).toBeNull();
    expect(headers.get("x-powered-by")).toBeNull();
  });

  test("a sane X-Request-Id is kept, any other is replaced", async () => {
    const { app } = appWith();
    const idFor = async (sent: string) =>
      (await app.request("/health", { headers: { "x-request-id": sent } })).headers.get("x-request-id");
    expect(await idFor("build-42")).toBe("build-42");
    expect(await idFor("a b")).toMatch(/^[0-9a-f-]{36}$/);
    expect(await idFor("x".repeat(65))).toMatch(/^[0-9a-f-]{36}$/);
  });
});

describe("the Host header", () => {
  const local = { listenHost: "127.0.0.1" };
  test.each([
    [local, "localhost:8000", true],
    [local, "LOCALHOST", true],
    [local, "localhost.:8000", true],
    [local, "127.0.0.1:1", true],
    [local, "[::1]:8000", true],
    [local, "evil.example", false],
    [local, "localhost.evil.example", false],
    [local, "127.0.0.1.evil.example:8000", false],
    [local, "evil.example:127.0.0.1", false],
    [local, "user@localhost", false],
    [local, "192.168.1.2", false],
    [local, "", false],
    [{ listenHost: "store.example" }, "Store.Example:8000", true],
    [{ listenHost: "::1", allowedHosts: ["Proxy.example", "[2001:db8::1]"] }, "proxy.example", true],
    [{ listenHost: "::1", allowedHosts: ["Proxy.example", "[2001:db8::1]"] }, "[2001:db8::1]:443", true],
    [{ listenHost: "0.0.0.0" }, "192.168.1.2:8000", true],
    [{ listenHost: "::" }, "[2001:db8::2]", true],
    [{ listenHost: "0.0.0.0" }, "evil.example", false],
    [{ listenHost: "0.0.0.0" }, "1.2.3.4.evil.example", false],
  ])("%j and %p: %p", (rules, host, allowed) => {
    expect(hostPolicy(rules)(host)).toBe(allowed);
  });

  test("one that this server is not known by gets 421 on every path, before any route runs", async () => {
    const { app } = appWith(async () => {
      throw new Error("reached the route");
    });
    for (const path of ["/health", "/nope"]) {
      const response = await app.request(path, { headers: { host: "evil.example" } });
      expect(response.status).toBe(421);
      expect((await problemOf(response)).code).toBe("misdirected_request");
      expect(response.headers.get("x-content-type-options")).toBe("nosniff");
    }
  });
});

test("the app is a Hono app that others can mount", () => {
  expect(appWith().app).toBeInstanceOf(Hono);
});

test("what images and probes need loads no schema; that waits for the first request for a route that has one", () => {
  const { exitCode, stdout } = Bun.spawnSync([process.execPath, `${import.meta.dirname}/lazy_child.ts`]);
  expect(exitCode).toBe(0);
  expect(JSON.parse(stdout.toString())).toEqual({
    statuses: [200, 200, 200, 405],
    before: [],
    after: expect.arrayContaining([expect.stringContaining("@hono/zod-openapi")]),
  });
});
