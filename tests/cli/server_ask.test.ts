/** How a server is asked: when a broken connection is tried again, and when not. */
import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createServer } from "../../cli/remote/server.ts";
import { localCaller } from "../../core/mod.ts";
import { createClient } from "../../sdk/typescript/mod.ts";
import { hasher } from "../support/registry_fixture.ts";

setDefaultTimeout(60_000);
const caller = localCaller("somebody");
const head = { sequence: 0, hash: "0".repeat(64) };
const open: { stop(now: boolean): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.stop(true);
});

/** A server that answers the nth request so. */
function answering(answer: (n: number) => Response | Promise<Response>, stall?: number) {
  let count = 0;
  const listening = Bun.serve({ hostname: "127.0.0.1", port: 0, idleTimeout: 0, fetch: () => answer(++count) });
  open.push(listening);
  const url = listening.url.origin;
  const server = createServer({ url, api: createClient({ server: url }), hasher }, stall);
  return { server, url, listening, count: () => count };
}
const problem = (status: number, code: string, headers = {}) =>
  Response.json({ code, status, title: "T", detail: "D", data: { a: 1 } }, { status, headers });

describe("an answer of the server is final", () => {
  test.each([
    [404, "package_not_found"],
    [503, "maintenance_in_progress"],
    [500, "object_corrupt"],
    [507, "storage_full"],
  ])("%d %s", async (status, code) => {
    const { server, count } = answering((n) => (n === 1 ? Response.json(head) : problem(status, code)));
    const ask = () => server.ask(caller, (asked) => server.api.getEventHead(asked));
    await ask();
    await expect(ask()).rejects.toMatchObject({ name: "RegistryError", code, message: "D", data: { a: 1 } });
    expect(count()).toBe(2);
  });
});

describe("what a proxy or a server that stops says passes", () => {
  test.each([502, 503, 504, 429])("%d", async (status) => {
    const { server, count } = answering((n) => (n === 2 ? new Response("busy", { status }) : Response.json(head)));
    const ask = () => server.ask(caller, (asked) => server.api.getEventHead(asked));
    await ask();
    expect((await ask()).data).toEqual(head);
    expect(count()).toBe(3);
  });
});

test("what must not be done twice is asked once", async () => {
  const { server, count } = answering((n) => (n === 1 ? Response.json(head) : new Response("", { status: 502 })));
  await server.ask(caller, (asked) => server.api.getEventHead(asked));
  const call = () => server.ask(caller, (asked) => server.api.fixStore(asked), { again: false });
  await expect(call()).rejects.toMatchObject({ code: "server_unavailable" });
  expect(count()).toBe(2);
});

test("a server that never answered is not waited for; one that did is, but not for ever", async () => {
  const { server, listening, url } = answering(() => Response.json(head));
  let calls = 0;
  const ask = () =>
    server.ask(caller, (asked) => {
      calls++;
      return server.api.getEventHead(asked);
    });
  await ask();
  await listening.stop(true);
  await expect(ask()).rejects.toMatchObject({ code: "server_unavailable", data: { server: url } });
  expect(calls).toBe(1 + 5);
  const other = createServer({ url, api: createClient({ server: url }), hasher });
  let asked = 0;
  const first = other.ask(caller, (options) => {
    asked++;
    return other.api.getEventHead(options);
  });
  await expect(first).rejects.toMatchObject({ code: "server_unavailable" });
  expect(asked).toBe(1);
});

test("a wire on which nothing comes counts as dead, unless it may take long", async () => {
  const later = Promise.withResolvers<void>();
  const { server } = answering(() => later.promise.then(() => Response.json(head)), 50);
  const ask = (long: boolean) => server.ask(caller, (asked) => server.api.getEventHead(asked), { long });
  const patient = ask(true);
  await expect(ask(false)).rejects.toMatchObject({ code: "server_unavailable" });
  later.resolve();
  expect((await patient).data).toEqual(head);
});

test("the caller's signal ends it with its own reason", async () => {
  const reached = Promise.withResolvers<void>();
  const { server } = answering(() => {
    reached.resolve();
    return new Promise(() => {});
  });
  const stop = new AbortController();
  const asking = server.ask({ ...caller, signal: stop.signal }, (asked) => server.api.getEventHead(asked));
  await reached.promise;
  stop.abort(new Error("enough"));
  await expect(asking).rejects.toThrow("enough");
});

describe("what HTTP itself refuses has a code of ours", () => {
  test.each([
    [401, "access_denied"],
    [403, "access_denied"],
    [421, "access_denied"],
    [404, "unsupported"],
    [405, "unsupported"],
    [413, "limit_exceeded"],
    [414, "limit_exceeded"],
    [400, "invalid_argument"],
    [500, "server_unavailable"],
    [503, "server_unavailable"],
  ])("%d: %s", async (status, code) => {
    const { server, url } = answering(() => new Response("<html>", { status }));
    const asking = server.ask(caller, (asked) => server.api.getEventHead(asked));
    await expect(asking).rejects.toMatchObject({ code, message: expect.stringContaining(url) });
  });
});
