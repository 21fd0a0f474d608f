/** The feed of a server in a process of its own, over sockets: many readers, slow ones, ones that go, and its end. */
import { afterAll, afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { openRaw, RUNTIMES, type Server, startServer, stopServers } from "../support/serving.ts";
import { temporaryDirectory } from "../support/storage_temporary.ts";
import { pollReader, type Reader, streamReader } from "./events_readers.ts";

setDefaultTimeout(120_000);
const SCRIPT = join(import.meta.dirname, "events_child.ts");
const directory = temporaryDirectory("events-live");
afterEach(stopServers);
afterAll(() => directory.remove());

let databases = 0;
const start = (runtime: keyof typeof RUNTIMES) =>
  startServer(RUNTIMES[runtime], SCRIPT, join(directory.path, `${databases++}.db`));

const upTo = (last: number, first = 1) => Array.from({ length: last - first + 1 }, (_, i) => first + i);
const headOf = async ({ url }: Server) =>
  ((await (await fetch(`${url}/events/head`)).json()) as { sequence: number }).sequence;
const append = async ({ url }: Server, count: number, size = 0) => {
  const response = await fetch(`${url}/test/append?count=${count}&size=${size}`, { method: "POST" });
  expect(response.status).toBe(204);
};
const memory = async ({ url }: Server) => ((await (await fetch(`${url}/test/memory`)).json()) as { rss: number }).rss;

/** 64 writers, each `rounds` packages one after the other; two events each. */
async function write({ url }: Server, rounds: number): Promise<void> {
  const body = JSON.stringify({ name: "a", retention_class: "working" });
  const headers = { "content-type": "application/json" };
  await Promise.all(
    upTo(64).map(async () => {
      for (let i = 0; i < rounds; i++) {
        const response = await fetch(`${url}/packages`, { method: "POST", headers, body });
        expect(response.status).toBe(201);
        await response.arrayBuffer();
      }
    }),
  );
}

describe.each([
  ["bun", 1000, 5],
  ["deno", 200, 5],
  ["node", 200, 5],
] as const)("on %s", (runtime, count, rounds) => {
  test(`${count} readers, by streams and long-polls, see every event once and in order while 64 writers append`, async () => {
    const server = await start(runtime);
    const first = await headOf(server);
    const total = first + 64 * rounds * 2;
    const readers: Reader[] = upTo(count).map((i) => {
      const since = i % 10 === 0 ? 0 : first;
      return i % 2 === 0 ? streamReader(server.port, since) : pollReader(server.port, since);
    });
    const complete = readers.map((reader, i) => reader.has((i + 1) % 10 === 0 ? total : total - first));
    await write(server, rounds);
    await Promise.all(complete);
    for (const [i, { seen }] of readers.entries()) {
      expect({ i, seen }).toEqual({ i, seen: upTo(total, (i + 1) % 10 === 0 ? 1 : first + 1) });
    }
    for (const reader of readers) reader.close();
  });

  test("readers that stop reading hold up nobody, fill no memory, and lose nothing", async () => {
    const server = await start(runtime);
    const first = await headOf(server);
    const stream = `GET /events?since=${first} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n`;
    const stalled = upTo(50).map(() => openRaw(server.port, stream));
    for (const { socket } of stalled) socket.pause();
    const quick = streamReader(server.port, first);
    await append(server, 100, 60_000);
    await quick.has(100);
    const before = await memory(server);
    // 24 MB for each of them.
    for (let i = 0; i < 4; i++) await append(server, 100, 60_000);
    await quick.has(500);
    const grown = (await memory(server)) - before;
    // 50 readers that were queued for would hold 1.2 GB.
    expect(grown).toBeLessThan(250e6);
    const slow = stalled[7] as (typeof stalled)[number];
    let ids = 0;
    slow.socket.resume();
    const last = first + 500;
    await slow.until(`id: ${last}\n`);
    ids = [...slow.text().matchAll(/^id: (\d+)$/gm)]
      .map(([, id]) => Number(id))
      .filter((id, i) => id === first + 1 + i).length;
    expect(ids).toBe(500);
    quick.close();
  });

  test("a graceful stop ends streams and long-polls at once, with whole answers", async () => {
    const server = await start(runtime);
    const since = await headOf(server);
    const head = `HTTP/1.1\r\nHost: localhost\r\n`;
    const stream = openRaw(server.port, `GET /events?since=${since} ${head}Accept: text/event-stream\r\n\r\n`);
    const poll = openRaw(server.port, `GET /events?since=${since}&wait=60 ${head}\r\n`);
    await stream.until("retry: 1000");
    await append(server, 1);
    await stream.until(`id: ${since + 1}\n`);
    await poll.until('"pending":0}');
    poll.write(`GET /events?since=${since + 1}&wait=60 ${head}\r\n`);
    // The request has to be there before the stop: one that comes later is refused.
    await Bun.sleep(500);
    await fetch(`${server.url}/test/stop`, { method: "POST" });
    expect(await server.line()).toEqual({ stopped: true });
    expect(await stream.closed).toEndWith("0\r\n\r\n");
    expect(await poll.closed).toEndWith(`{"events":[],"last_sequence":${since + 1},"pending":0}`);
  });
});

/** All at once: it is mostly waiting. */
test("clients that go away are let go of, on every runtime: nothing is read for them any more", async () => {
  const letGo = async (runtime: keyof typeof RUNTIMES) => {
    const server = await start(runtime);
    const queries = async () => {
      await Bun.sleep(1500);
      return ((await (await fetch(`${server.url}/test/queries`)).json()) as { queries: number }).queries;
    };
    const since = await headOf(server);
    const head = `HTTP/1.1\r\nHost: localhost\r\n`;
    const clients = [`&wait=60 ${head}\r\n`, ` ${head}Accept: text/event-stream\r\n\r\n`].flatMap((rest) =>
      upTo(20).map(() => openRaw(server.port, `GET /events?since=${since}${rest}`)),
    );
    // Whoever follows the log has it looked at every second.
    let before = await queries();
    let now = await queries();
    expect({ runtime, looks: now > before }).toEqual({ runtime, looks: true });
    for (const { socket } of clients) socket.destroy();
    while (now !== before) [before, now] = [now, await queries()];
    // Long before a long-poll would have ended by itself.
  };
  await Promise.all((["bun", "deno", "node"] as const).map(letGo));
}, 50_000);
