/** `artifactstore serve` as a stranger on the network meets it, on all three runtimes. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { copyFileSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect } from "node:tls";
import type { HealthReport } from "../../../core/spi/mod.ts";
import { type Json, PATIENCE, RUNTIME_NAMES, start, temporary, until } from "../../cli/support.ts";
import { makeCertificate } from "../../support/certificates.ts";
import { exchange, openRaw } from "../../support/serving.ts";

setDefaultTimeout(PATIENCE);
const dir = temporary("network");

/** The common name of the certificate that a new connection is shown. */
function shown(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", servername: "localhost", rejectUnauthorized: false }, () => {
      resolve(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
    socket.on("error", reject);
  });
}

/** Answers over TLS, with a certificate that nobody vouches for. */
const secure = (url: string, init: RequestInit = {}) =>
  fetch(url, { ...init, tls: { rejectUnauthorized: false } } as RequestInit);

describe.each(RUNTIME_NAMES)("on %s", (runtime) => {
  let servers = 0;
  async function serve(...settings: readonly string[]) {
    const data = join(dir, `${runtime}-${servers++}`);
    const args = ["serve", "--listen", "127.0.0.1:0", "--set", "log.format=json", ...settings];
    const child = start(args, { runtime, data });
    let printed = "";
    let logged = "";
    const read = async (stream: ReadableStream<Uint8Array>, take: (text: string) => void) => {
      const decoder = new TextDecoder();
      for await (const chunk of stream) take(decoder.decode(chunk, { stream: true }));
    };
    void read(child.stdout, (text) => {
      printed += text;
    });
    void read(child.stderr, (text) => {
      logged += text;
    });
    const url = await until(() => {
      if (child.exitCode !== null) throw new Error(`serve ended with ${child.exitCode}: ${logged}`);
      return / listens on (\S+)\n/.exec(printed)?.[1];
    });
    const log = () =>
      logged
        .split("\n")
        .slice(0, -1)
        .map((line) => JSON.parse(line) as Json);
    return {
      child,
      url,
      port: Number(new URL(url).port),
      log,
      descriptors: () => readdirSync(`/proc/${child.pid}/fd`).length,
    };
  }
  const post = (headers: string, body: string) => `POST /packages HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n${body}`;
  const JSON_TYPE = "Content-Type: application/json\r\n";
  const wanted = JSON.stringify({ name: "demo", retention_class: "working" });

  test("TLS: answers, refuses plain text, and shows a new certificate to new connections when its files change", async () => {
    const one = makeCertificate(dir, `${runtime}-one`);
    const two = makeCertificate(dir, `${runtime}-two`);
    const [cert, key] = [join(dir, `${runtime}.crt`), join(dir, `${runtime}.key`)];
    const put = (pair: { cert: string; key: string }) => {
      // As certbot does: each file appears whole.
      for (const [from, to] of [
        [pair.cert, cert],
        [pair.key, key],
      ] as const) {
        copyFileSync(from, `${to}.new`);
        renameSync(`${to}.new`, to);
      }
    };
    put(one);
    const server = await serve("--set", `server.tls_cert=${cert}`, "--set", `server.tls_key=${key}`);
    expect(server.url).toStartWith("https://127.0.0.1:");
    const health = await secure(`${server.url}/health`);
    expect(health.headers.get("strict-transport-security")).toBe("max-age=31536000");
    expect(((await health.json()) as HealthReport).runtime.name).toBe(runtime);
    const stream = await secure(`${server.url}/openapi.json`, { method: "HEAD" });
    expect(stream.status).toBe(200);
    expect(await exchange(server.port, "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")).not.toContain(
      "HTTP/1.1 200",
    );
    expect(await shown(server.port)).toBe(`${runtime}-one`);

    // A pair that does not fit is told once, and the old one stays.
    writeFileSync(key, await Bun.file(two.key).text());
    server.child.kill("SIGHUP");
    await until(() => server.log().some(({ event }) => event === "certificate_refused"));
    expect(await shown(server.port)).toBe(`${runtime}-one`);

    // By the files alone.
    put(two);
    await until(() => server.log().some(({ event }) => event === "certificate_replaced"));
    expect(await shown(server.port)).toBe(`${runtime}-two`);
    expect((await secure(`${server.url}/ready`)).status).toBe(200);
    put(one);
    server.child.kill("SIGHUP");
    await until(async () => (await shown(server.port)) === `${runtime}-one`);
    server.child.kill("SIGTERM");
    expect(await server.child.exited).toBe(0);
  });

  test("limits and time-outs of the settings are told as problems", async () => {
    const set = [
      "server.read_timeout=300ms",
      "limits.max_headers=10",
      "limits.max_header_bytes=1KiB",
      "limits.max_url_bytes=1KiB",
    ];
    const { port, log } = await serve(...set.flatMap((item) => ["--set", item]));
    const close = "Connection: close\r\n";
    const get = (path: string, headers = "") => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${close}${headers}\r\n`;
    for (const [request, status, code] of [
      [get(`/ready?${"x".repeat(1100)}`), 414, "uri_too_long"],
      [get("/ready", "X:\r\n".repeat(20)), 431, "headers_too_large"],
      [get("/ready", `X: ${"y".repeat(1100)}\r\n`), 431, "headers_too_large"],
      [get("/ready", `X: ${"y".repeat(20_000)}\r\n`), 431, "headers_too_large"],
      [get("/a/../ready"), 400, "malformed_request"],
      [post(`${JSON_TYPE}${close}Content-Length: 2000000\r\n`, ""), 413, "limit_exceeded"],
      [post(`${JSON_TYPE}Content-Length: 100\r\n`, "{"), 408, "request_timeout"],
      ["GET /ready HTTP/1.1\r\n", 408, "request_timeout"],
      ["", 408, "request_timeout"],
    ] as const) {
      const answer = await exchange(port, request);
      const name = request.slice(0, 60);
      expect(answer, name).toStartWith(`HTTP/1.1 ${status} `);
      expect(answer, name).toContain("content-type: application/problem+json");
      const problem = JSON.parse(answer.split("\r\n\r\n")[1] ?? "") as Json;
      expect([problem.status, problem.code], name).toEqual([status, code]);
    }
    await until(() => log().some(({ status }) => status === 413));
    expect(log().filter(({ event }) => event === "answer_failed" || event === "request_failed")).toEqual([]);
  });

  test("the address is the peer's unless a trusted proxy says otherwise, in the log and in the events", async () => {
    for (const [trust, ip] of [
      ["10.0.0.0/8", "127.0.0.1"],
      ["127.0.0.1", "198.51.100.7"],
    ] as const) {
      const { url, log } = await serve("--set", `server.trust_proxy=${trust}`);
      const made = await fetch(`${url}/packages?secret=1`, {
        method: "POST",
        headers: { "content-type": "application/json", "x-forwarded-for": "1.1.1.1, 198.51.100.7" },
        body: wanted,
      });
      expect(made.status).toBe(201);
      const entry = await until(() => log().find(({ event }) => event === "request"));
      expect(entry).toMatchObject({ level: "info", method: "POST", path: "/packages", status: 201, ip });
      expect(entry.request_id).toBe(made.headers.get("x-request-id") as string);
      expect(entry.bytes).toBe(Number(made.headers.get("content-length")));
      expect(JSON.stringify(log())).not.toContain("secret");
    }
  });

  test("a server that stops lets an upload and a download end whole, says 503 to the rest, and ends well", async () => {
    const { child, url, port, log } = await serve();
    const id = (
      (await (
        await fetch(`${url}/packages`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: wanted,
        })
      ).json()) as Json
    ).package_id;
    const content = new Uint8Array(24_000_000).fill(98);
    expect((await fetch(`${url}/packages/${id}/files/big`, { method: "PUT", body: content })).status).toBe(201);
    const download = openRaw(port, `GET /packages/${id}/files/big HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    await download.until("HTTP/1.1 200");
    download.socket.pause();
    const upload = openRaw(
      port,
      `PUT /packages/${id}/files/late HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2000\r\n\r\n`,
    );
    upload.write("x".repeat(1000));
    await Bun.sleep(100);
    child.kill("SIGTERM");
    await until(() => log().some(({ event }) => event === "stopping"));
    const refused = await until(async () => {
      const response = await fetch(`${url}/packages`, { headers: { connection: "close" } });
      return response.status === 503 ? response : undefined;
    });
    expect([refused.headers.get("connection"), ((await refused.json()) as Json).code]).toEqual(["close", "stopping"]);
    expect((await fetch(`${url}/ready`)).status).toBe(503);
    expect((await fetch(`${url}/health`)).status).toBe(200);
    upload.write("x".repeat(1000));
    expect(await upload.closed).toStartWith("HTTP/1.1 201 ");
    download.socket.resume();
    const whole = await download.closed;
    expect(whole.length - whole.indexOf("\r\n\r\n") - 4).toBe(content.length);
    expect(await child.exited).toBe(0);
  });

  test("what outlives the time for stopping is cut off", async () => {
    const { child, port, log } = await serve("--set", "server.shutdown_timeout=200ms");
    const stuck = openRaw(port, post(`${JSON_TYPE}Content-Length: 100\r\n`, "{"));
    await Bun.sleep(100);
    child.kill("SIGTERM");
    expect(await stuck.closed).toBe("");
    expect(await child.exited).toBe(0);
    expect(log().map(({ event }) => event)).toContain("cut_off");
  });

  test("clients that go in the middle of anything leave no descriptor", async () => {
    const { url, port, descriptors } = await serve();
    const id = (
      (await (
        await fetch(`${url}/packages`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: wanted,
        })
      ).json()) as Json
    ).package_id;
    await fetch(`${url}/packages/${id}/files/big`, { method: "PUT", body: new Uint8Array(20_000_000) });
    await fetch(`${url}/packages/${id}/files/big`, { headers: { connection: "close" } }).then((r) => r.arrayBuffer());
    const round = async (round: number) => {
      const all = [
        openRaw(port),
        openRaw(port, "GET /hea"),
        openRaw(port, `GET /packages/${id}/files/big HTTP/1.1\r\nHost: localhost\r\n\r\n`),
        openRaw(
          port,
          `PUT /packages/${id}/files/cut-${round} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999999\r\n\r\n`,
          "x".repeat(500_000),
        ),
        openRaw(port, `GET /events?since=9999&wait=60 HTTP/1.1\r\nHost: localhost\r\n\r\n`),
        openRaw(
          port,
          `PUT /packages/${id}/files/bad-${round} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n`,
          "4\r\nabcdX",
        ),
      ];
      await Promise.all(all.map(({ socket }) => new Promise((resolve) => socket.once("connect", resolve))));
      await Bun.sleep(20);
      for (const { socket } of all) socket.destroy();
    };
    // The first one opens what stays: a reader of the database for the feed, for instance.
    await round(0);
    await Bun.sleep(500);
    const before = descriptors();
    for (let next = 1; next <= 10; next++) await round(next);
    await until(() => descriptors() <= before + 1);
  });
});
