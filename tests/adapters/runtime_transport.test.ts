/** The transport alone, on real sockets, on all three runtimes. */
import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { fileURLToPath } from "node:url";
import { makeCertificate } from "../support/certificates.ts";
import { exchange, openRaw, RUNTIMES, type Server, startServer, stopServers } from "../support/serving.ts";

setDefaultTimeout(60_000);
afterEach(stopServers);

const CHILD = fileURLToPath(new URL("./runtime_transport_child.ts", import.meta.url));
const H = "Host: localhost\r\n";
const get = (path: string, headers = "") => `GET ${path} HTTP/1.1\r\n${H}${headers}\r\n`;
const post = (headers: string, body: string, path = "/count") => `POST ${path} HTTP/1.1\r\n${H}${headers}\r\n${body}`;
const smuggled = get("/smuggled");
const CHUNKED = "Transfer-Encoding: chunked\r\n";

/** [name, request, status]: refused, nothing of what follows is read as a request, and the connection is closed. */
const REFUSED: readonly (readonly [string, string, number])[] = [
  ["Content-Length and Transfer-Encoding", post(`Content-Length: 4\r\n${CHUNKED}`, `0\r\n\r\n${smuggled}`), 400],
  ["Transfer-Encoding and Content-Length", post(`${CHUNKED}Content-Length: 4\r\n`, `0\r\n\r\n${smuggled}`), 400],
  ["two Content-Lengths", post("Content-Length: 4\r\nContent-Length: 5\r\n", `abcde${smuggled}`), 400],
  ["a list of lengths", post("Content-Length: 4, 4\r\n", `abcd${smuggled}`), 400],
  ["a length with a sign", post("Content-Length: +4\r\n", `abcd${smuggled}`), 400],
  ["a negative length", post("Content-Length: -4\r\n", `abcd${smuggled}`), 400],
  ["a hexadecimal length", post("Content-Length: 0x4\r\n", `abcd${smuggled}`), 400],
  ["a length beyond 2^64", post("Content-Length: 99999999999999999999999\r\n", "abcd"), 400],
  ["a chunk size that is no number", post(CHUNKED, `zz\r\nabcd\r\n0\r\n\r\n${smuggled}`), 400],
  ["a negative chunk size", post(CHUNKED, `-4\r\nabcd\r\n0\r\n\r\n${smuggled}`), 400],
  ["a chunk size beyond 2^64", post(CHUNKED, `fffffffffffffffff\r\nabcd\r\n0\r\n\r\n${smuggled}`), 400],
  ["a chunk without its end", post(CHUNKED, `4\r\nabcdX\r\n0\r\n\r\n${smuggled}`), 400],
  ["bare line feeds between chunks", post(CHUNKED, `4\nabcd\n0\n\n${smuggled}`), 400],
  ["another Transfer-Encoding", post("Transfer-Encoding: gzip\r\n", `abcd${smuggled}`), 400],
  ["chunked and then another", post("Transfer-Encoding: chunked, gzip\r\n", `0\r\n\r\n${smuggled}`), 400],
  ["nearly chunked", post("Transfer-Encoding: xchunked\r\n", `0\r\n\r\n${smuggled}`), 400],
  ["two Transfer-Encodings", post(`${CHUNKED}Transfer-Encoding: identity\r\n`, `0\r\n\r\n${smuggled}`), 400],
  ["a space before a colon", post("Content-Length : 4\r\n", `abcd${smuggled}`), 400],
  ["a folded header", get("/hello", "X: a\r\n b\r\n"), 400],
  ["a NUL in a header", get("/hello", "X: a\0b\r\n"), 400],
  ["a bare CR in a header", get("/hello", "X: a\rY: b\r\n"), 400],
  ["bare line feeds", "GET /hello HTTP/1.1\nHost: localhost\n\n", 400],
  ["no Host", "GET /hello HTTP/1.1\r\n\r\n", 400],
  ["two Hosts", get("/hello", "Host: localhost\r\n"), 400],
  ["HTTP/2 without asking", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400],
  ["TLS where there is none", "\x16\x03\x01\x02\x00garbage\r\n\r\n", 400],
  ["dot segments", get("/a/../hello"), 400],
  ["encoded dot segments", get("/a/%2E%2e/hello"), 400],
  ["a fragment", get("/hello#here"), 400],
  ["a backslash", get("/a\\b"), 400],
  ["a byte beyond ASCII in the path", get("/caf\xe9"), 400],
  ["a path without a slash", get("hello"), 400],
  ["headers above the limit", get("/hello", `X: ${"x".repeat(100_000)}\r\n`), 431],
  ["very many headers", get("/hello", "X:\r\n".repeat(20_000)), 431],
  ["a URL above the limit", get(`/${"x".repeat(100_000)}`), 431],
  ["trailers above the limit", post(CHUNKED, `4\r\nabcd\r\n0\r\nx: ${"x".repeat(100_000)}\r\n\r\n`), 431],
];

describe.each(Object.entries(RUNTIMES))("on %s", (_name, command) => {
  const start = (told: object = {}): Promise<Server> => startServer(command, CHILD, JSON.stringify(told));
  const count = async ({ url }: Server, what: "rss" | "descriptors"): Promise<number> =>
    ((await (await fetch(`${url}/memory`, { headers: { connection: "close" } })).json()) as Record<string, number>)[
      what
    ] as number;

  test("a refused request is told so in the application's words, and ends its connection", async () => {
    const { port } = await start();
    for (const [name, request, status] of REFUSED) {
      const answer = await exchange(port, request);
      expect(answer.slice(0, 13), name).toBe(`HTTP/1.1 ${status} `);
      expect(answer, name).toContain(`content-type: text/x-refusal\r\n`);
      expect(answer, name).toEndWith(`\r\n\r\nrefused ${status}\n`);
      expect(answer, name).not.toContain("smuggled");
      expect(answer.match(/HTTP\/1/g), name).toHaveLength(1);
    }
    expect(await (await fetch(`http://127.0.0.1:${port}/hello`)).text()).toBe("hello\n");
  });

  test("the application learns who asks, and the URL as it was sent", async () => {
    const { port, url } = await start();
    const body = async (request: string) => JSON.parse((await exchange(port, request)).split("\r\n\r\n")[1] as string);
    const close = "Connection: close\r\n";
    expect(await body(get("/a%2Fb/c?d=%20e", `${close}X: 1\r\nX: 2\r\n`))).toEqual({
      method: "GET",
      url: "http://localhost/a%2Fb/c?d=%20e",
      ip: "127.0.0.1",
      encrypted: false,
      header_count: 4,
      header_bytes: "Hostlocalhost".length + "Connectionclose".length + 4,
    });
    // The authority of an absolute form counts, and so do those who check the Host.
    expect((await body(`GET http://evil.example/x HTTP/1.1\r\n${H}${close}\r\n`)).url).toBe("http://evil.example/x");
    // A method that `new Request` refuses: who knows the routes says what is allowed instead.
    expect((await body(`TRACE /x HTTP/1.1\r\n${H}${close}\r\n`)).method).toBe("TRACE");
    expect((await body(`GET /x HTTP/1.0\r\n\r\n`)).url).toBe("http://127.0.0.1/x");
    expect(((await (await fetch(`${url}/x`)).json()) as { url: string }).url).toBe(`${url}/x`);
  });

  test("every answer has the length that it was given, or that it has at hand; HEAD has no body", async () => {
    const { url, port } = await start();
    const lengths: Record<string, string | null> = {};
    for (const path of [
      "/hello",
      "/stream?bytes=3000000",
      "/chunked?bytes=70",
      "/chunked?bytes=3000000",
      "/chunked?bytes=0",
      "/plain?bytes=0",
      "/plain?bytes=70",
      "/plain?bytes=3000000",
    ]) {
      const response = await fetch(`${url}${path}`);
      const { byteLength } = await response.arrayBuffer();
      const wanted = path.split("=")[1] ?? "6";
      expect(`${byteLength}`, path).toBe(wanted);
      lengths[path] = response.headers.get("content-length");
    }
    expect(lengths).toEqual({
      "/hello": "6",
      "/stream?bytes=3000000": "3000000",
      "/chunked?bytes=70": "70",
      "/chunked?bytes=3000000": null,
      "/chunked?bytes=0": "0",
      "/plain?bytes=0": "0",
      "/plain?bytes=70": "70",
      "/plain?bytes=3000000": "3000000",
    });
    const head = await exchange(port, `HEAD /stream?bytes=3000000 HTTP/1.1\r\n${H}Connection: close\r\n\r\n`);
    expect(head).toContain("content-length: 3000000\r\n");
    expect(head).toEndWith("\r\n\r\n");
    const empty = await exchange(port, get("/empty", "Connection: close\r\n"));
    expect(empty).toStartWith("HTTP/1.1 204 ");
    expect(empty).not.toMatch(/content-length|transfer-encoding/i);
  });

  test("an answer that is plain data is sent as it is", async () => {
    const { port } = await start();
    const close = "Connection: close\r\n";
    const whole = await exchange(port, get("/plain?bytes=5", close));
    expect(whole).toStartWith("HTTP/1.1 200 ");
    expect(whole).toMatch(/\r\nx-plain: 1\r\n/i);
    expect(whole).toEndWith("\r\n\r\naaaaa");
    const nothing = await exchange(port, get("/plain-nothing?status=202", close));
    expect(nothing).toStartWith("HTTP/1.1 202 ");
    expect(nothing).toMatch(/\r\ncontent-length: 0\r\n/i);
    const none = await exchange(port, get("/plain-nothing?status=204", close));
    expect(none).toStartWith("HTTP/1.1 204 ");
    expect(none).not.toMatch(/content-length|transfer-encoding/i);
    for (const path of ["/plain-head", "/plain?bytes=1234"]) {
      const head = await exchange(port, `HEAD ${path} HTTP/1.1\r\n${H}${close}\r\n`);
      expect(head, path).toStartWith("HTTP/1.1 200 ");
      expect(head, path).toEndWith("\r\n\r\n");
    }
    const told = await exchange(port, `HEAD /plain-head HTTP/1.1\r\n${H}${close}\r\n`);
    expect(told).toMatch(/\r\ncontent-length: 1234\r\n/i);
  });

  test("requests follow each other on a connection, also those that are sent at once", async () => {
    const { port } = await start();
    const raw = openRaw(
      port,
      get("/hello") + post("Content-Length: 3\r\n", "abc") + post(CHUNKED, "2\r\nab\r\n0\r\n\r\n"),
    );
    await raw.until('{"bytes":2}');
    raw.write(get("/hello", "Connection: close\r\n"));
    const text = await raw.closed;
    expect([...text.matchAll(/hello\n|\{"bytes":\d\}/g)].map(([part]) => part)).toEqual([
      "hello\n",
      '{"bytes":3}',
      '{"bytes":2}',
      "hello\n",
    ]);
  });

  test("an answer that does not fit its length, or whose stream fails, is cut off and says nothing of ours", async () => {
    const { port, line } = await start();
    for (const path of ["/short", "/long", "/plain-short", "/broken", "/broken?begun", "/throws"]) {
      const answer = await exchange(port, get(path));
      // What was not sent yet need not be sent: the connection may end without a word.
      expect(answer, path).toMatch(path === "/throws" ? /^HTTP\/1\.1 500 / : /^$|^HTTP\/1\.1 (200|500) /);
      expect(answer, path).not.toMatch(/\r\n\r\na{20}$/);
      expect(answer, path).not.toContain("secret");
      // The last chunk would make it look whole.
      expect(answer, path).not.toEndWith("0\r\n\r\n");
      while (!("error" in (await line())));
    }
  });

  test("100 Continue waits until the application wants the body", async () => {
    const { port } = await start();
    const expecting = "Content-Length: 3\r\nExpect: 100-continue\r\n";
    const raw = openRaw(port, post(`${expecting}Connection: close\r\n`, ""));
    await raw.until("HTTP/1.1 100 Continue\r\n\r\n");
    raw.write("abc");
    expect(await raw.closed).toContain('{"bytes":3}');
    const refused = await exchange(port, post(expecting, "", "/refuses"));
    expect(refused).toStartWith("HTTP/1.1 413 ");
    expect(refused).toContain("connection: close");
  });

  test("a client that still sends sees the answer of an application that does not want the rest", async () => {
    const { port } = await start();
    const raw = openRaw(port, post("Content-Length: 20000000\r\n", "x".repeat(1_000_000), "/refuses"));
    await raw.until("too large\n");
    raw.write("x".repeat(19_000_000));
    const answer = await raw.closed;
    expect(answer).toStartWith("HTTP/1.1 413 ");
    expect(answer).toContain("connection: close\r\n");
  });

  test("a first event is sent before there is a second one", async () => {
    const { port } = await start();
    const raw = openRaw(port, get("/sse"));
    expect(await raw.until("data: 1\n\n")).toContain("text/event-stream");
    raw.socket.destroy();
  });

  test("who says nothing, or dawdles over headers, is told 408 and cut off", async () => {
    const { port } = await start({ timeouts: { read: 300 } });
    expect(await exchange(port)).toStartWith("HTTP/1.1 408 ");
    const slow = openRaw(port, "GET /hello HTTP/1.1\r\n");
    const dripping = setInterval(() => slow.write("X: y\r\n"), 50);
    expect(await slow.closed).toEndWith("refused 408\n");
    clearInterval(dripping);
    // The second request of a connection too.
    const second = openRaw(port, get("/hello"));
    await second.until("hello\n");
    second.write("GET /hello HTTP/1.1\r\n");
    const again = setInterval(() => second.write("X: y\r\n"), 50);
    const both = await second.closed;
    clearInterval(again);
    expect(both).toEndWith("refused 408\n");
  });

  test("an idle connection is closed without a word, one that waits for its answer is not", async () => {
    const { port, line } = await start({ timeouts: { read: 300, idle: 300 } });
    const idle = openRaw(port, get("/hello"));
    expect((await idle.closed).match(/HTTP\/1/g)).toHaveLength(1);
    const waiting = openRaw(port, get("/waits"));
    expect(await line()).toEqual({ waiting: true });
    // Longer than both limits, by as many idle connections as it takes.
    for (let round = 0; round < 3; round++) await openRaw(port, get("/hello")).closed;
    expect(waiting.socket.destroyed).toBe(false);
    waiting.socket.destroy();
    expect(await line()).toEqual({ aborted: true });
  });

  test("a body that comes too slowly is told 408, one that keeps the rate is taken", async () => {
    const { port } = await start({ limits: { minRate: 1000, minRateWindow: 500 } });
    const silent = await exchange(port, post("Content-Length: 10000\r\n", "abc"));
    expect(silent).toEndWith("refused 408\n");
    const slow = openRaw(port, post("Content-Length: 10000\r\n", ""));
    const dripping = setInterval(() => slow.write("x"), 20);
    expect(await slow.closed).toEndWith("refused 408\n");
    clearInterval(dripping);
    const steady = openRaw(port, post("Content-Length: 4000\r\nConnection: close\r\n", ""));
    for (let part = 0; part < 20; part++) {
      steady.write("x".repeat(200));
      await Bun.sleep(60);
    }
    expect(await steady.closed).toContain('{"bytes":4000}');
  });

  test("a reader that stops is cut off, one that is slow holds no memory", async () => {
    const server = await start({ limits: { minRate: 100_000_000, minRateWindow: 500 } });
    const stopped = openRaw(server.port, get("/finished?bytes=1073741824"));
    await stopped.until("HTTP/1.1 200");
    stopped.socket.pause();
    const { finished } = (await server.line().then((line) => ("finished" in line ? line : server.line()))) as {
      finished: { bytes: number; whole: boolean };
    };
    expect(finished.whole).toBe(false);
    expect(finished.bytes).toBeLessThan(64 * 2 ** 20);
    stopped.socket.destroy();

    const patient = await start();
    const before = await count(patient, "rss");
    const slow = openRaw(patient.port, get("/stream?bytes=1073741824"));
    await slow.until("HTTP/1.1 200");
    slow.socket.pause();
    for (let round = 0; round < 5; round++) {
      await Bun.sleep(100);
      expect((await count(patient, "rss")) - before).toBeLessThan(64 * 2 ** 20);
    }
    slow.socket.destroy();
    expect(await patient.line()).toEqual({ cancelled: true });
  });

  test("memory of a body is used again, and only when the system has its bytes", async () => {
    const server = await start();
    const bytes = 64 * 2 ** 20;
    const read = async (pause: number) => {
      const { body } = await fetch(`${server.url}/reused?bytes=${bytes}`);
      const whole = Buffer.allocUnsafe(bytes);
      let length = 0;
      for await (const chunk of body ?? []) {
        whole.set(chunk, length);
        length += chunk.length;
        if (length % (4 * 2 ** 20) < chunk.length) await Bun.sleep(pause);
      }
      expect(length).toBe(bytes);
      for (let at = 0; at < bytes; at += 65_536) {
        const [first, last] = [whole[at + 4], whole[at + 65_535]];
        if (whole.readUInt32BE(at) !== at || first !== ((at / 65_536) & 255) || last !== first)
          throw new Error(`wrong bytes at ${at}`);
      }
    };
    await Promise.all([read(20), read(0), read(5)]);
    const { buffers } = (await (await fetch(`${server.url}/buffers`)).json()) as { buffers: number };
    expect(buffers).toBeLessThan(3 * 256);
  });

  test("an upload waits for an application that is slow, and holds no memory", async () => {
    const server = await start();
    const before = await count(server, "rss");
    // `/waits` never reads: what was sent stays in the system's buffers.
    const raw = openRaw(server.port, post("Content-Length: 1073741824\r\n", "", "/waits"));
    const block = Buffer.alloc(2 ** 20);
    let taken = 0;
    for (; taken < 64 && raw.socket.write(block); taken++) await Bun.sleep(1);
    for (let part = 0; part < 64; part++) raw.socket.write(block);
    await Bun.sleep(300);
    expect((await count(server, "rss")) - before).toBeLessThan(64 * 2 ** 20);
    raw.socket.destroy();
  });

  test("more connections than allowed are closed as they come, and make room when they go", async () => {
    const { port } = await start({ limits: { maxConnections: 2 } });
    const held = [openRaw(port, get("/hello")), openRaw(port, get("/hello"))];
    for (const one of held) await one.until("hello\n");
    expect(await exchange(port, get("/hello"))).toBe("");
    held[0]?.socket.destroy();
    for (;;) {
      const answer = await exchange(port, get("/hello", "Connection: close\r\n"));
      if (answer !== "") return expect(answer).toEndWith("hello\n");
    }
  });

  test("clients that go at any moment leave no descriptor behind", async () => {
    const server = await start();
    const before = await count(server, "descriptors");
    for (let round = 0; round < 20; round++) {
      const all = [
        openRaw(server.port),
        openRaw(server.port, "GET /hel"),
        openRaw(server.port, get("/stream?bytes=100000000")),
        openRaw(server.port, get("/waits")),
        openRaw(server.port, post("Content-Length: 1000\r\n", "abc")),
        openRaw(server.port, post(CHUNKED, "zz")),
      ];
      await Promise.all(all.map(({ socket }) => new Promise((resolve) => socket.once("connect", resolve))));
      await Bun.sleep(5);
      for (const { socket } of all) socket.destroy();
    }
    for (;;) {
      if ((await count(server, "descriptors")) <= before + 1) return;
      await Bun.sleep(20);
    }
  });

  test("over TLS too: clocks, lengths, many requests on a connection, a new certificate", async () => {
    const dir = mkdtempSync(join(tmpdir(), "artifactstore-tls-"));
    try {
      const pair = makeCertificate(dir, "one");
      const server = await start({ ...pair, timeouts: { read: 500, idle: 60_000 } });
      const open = () => connectTls({ port: server.port, host: "127.0.0.1", rejectUnauthorized: false });
      const all = (socket: TLSSocket, ...data: string[]) =>
        new Promise<string>((resolve) => {
          let text = "";
          socket.on("data", (chunk) => {
            text += chunk.toString("latin1");
          });
          socket.on("error", () => {});
          socket.on("close", () => resolve(text));
          for (const one of data) socket.write(one);
        });
      // Neither a handshake nor a request comes.
      expect(await exchange(server.port)).toBe("");
      expect(await all(open())).toStartWith("HTTP/1.1 408 ");
      const dripping = open();
      const drip = setInterval(() => dripping.write("X: y\r\n"), 50);
      expect(await all(dripping, get("/hello"), "GET /hello HTTP/1.1\r\n")).toEndWith("refused 408\n");
      clearInterval(drip);
      const many = await all(open(), get("/hello").repeat(200) + get("/hello", "Connection: close\r\n"));
      expect(many.match(/hello\n/g)).toHaveLength(201);
      const large = await all(open(), get("/stream?bytes=20000000", "Connection: close\r\n"));
      expect(large).toContain("content-length: 20000000\r\n");
      expect(large.length - large.indexOf("\r\n\r\n") - 4).toBe(20_000_000);
      const told = await all(open(), get("/x", "Connection: close\r\n"));
      expect(JSON.parse(told.split("\r\n\r\n")[1] ?? "")).toMatchObject({
        url: "https://localhost/x",
        ip: "127.0.0.1",
        encrypted: true,
      });
      writeFileSync(pair.key, "junk");
      server.child.kill("SIGHUP");
      expect(await server.line()).toEqual({ replaced: false, told: true });
      makeCertificate(dir, "one");
      server.child.kill("SIGHUP");
      expect(await server.line()).toEqual({ replaced: true });
      expect(await all(open(), get("/hello", "Connection: close\r\n"))).toEndWith("hello\n");
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });

  test("a graceful stop lets a download and an upload end whole, answers what comes meanwhile, then closes", async () => {
    const server = await start();
    const download = openRaw(server.port, get("/gate"));
    expect(await server.line()).toEqual({ waiting: true });
    const upload = openRaw(server.port, post("Content-Length: 4000000\r\n", "x".repeat(1_000_000)));
    const kept = openRaw(server.port, get("/hello"));
    await kept.until("hello\n");
    server.child.kill("SIGTERM");
    expect(await server.line()).toEqual({ signal: "SIGTERM" });
    const late = await exchange(server.port, get("/hello"));
    expect(late).toMatch(/connection: close\r\n/i);
    upload.write("x".repeat(3_000_000));
    expect(await upload.closed).toContain('{"bytes":4000000}');
    const whole = await download.closed;
    expect(whole.length - whole.indexOf("\r\n\r\n") - 4).toBe(5_000_000);
    expect(whole).toMatch(/connection: close\r\n/i);
    await kept.closed;
    expect(await server.line()).toEqual({ stopped: true });
    expect(await server.child.exited).toBe(0);
  });
});
