import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { connect } from "node:net";
import { fileURLToPath } from "node:url";
import type { HealthReport } from "../../core/spi/mod.ts";
import { temporaryDirectory } from "../support/storage_temporary.ts";

// Processes start slowly on a busy machine.
setDefaultTimeout(60_000);

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const SMOKE = fileURLToPath(new URL("./runtime_smoke.ts", import.meta.url));
const MODULES = `${ROOT}node_modules/`;
const RUNTIMES: Record<string, string[]> = {
  bun: [process.execPath],
  deno: [`${MODULES}.bin/deno`, "run", "-A", "--no-lock"],
  node: [`${MODULES}node/bin/node`],
};

type Line = Record<string, unknown>;

class Smoke {
  readonly child: Bun.Subprocess<"ignore", "pipe", "inherit">;
  /** Of this process only; a killed one cannot remove it. */
  readonly #directory = temporaryDirectory("smoke");
  readonly #lines: AsyncIterator<Line>;

  constructor(command: string[], args: string[]) {
    this.child = Bun.spawn([...command, SMOKE, ...args], {
      cwd: ROOT,
      stdin: "ignore",
      stdout: "pipe",
      stderr: "inherit",
      env: { ...process.env, DENO_NO_UPDATE_CHECK: "1", SMOKE_DIRECTORY: this.#directory.path },
    });
    this.#lines = jsonLines(this.child.stdout);
  }

  /** The next line that the child says. */
  async line(): Promise<Line> {
    const { done, value } = await this.#lines.next();
    if (done) throw new Error(`the smoke server ended with ${await this.child.exited}`);
    return value;
  }

  async end(): Promise<void> {
    this.child.kill("SIGKILL");
    await this.child.exited;
    this.#directory.remove();
  }
}

async function* jsonLines(stream: ReadableStream<Uint8Array>): AsyncGenerator<Line> {
  let rest = "";
  const decoder = new TextDecoder();
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) yield JSON.parse(line);
  }
}

/** Sends bytes as they are and gives back everything until the server closes. */
function raw(port: number, request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = "";
    const socket = connect(port, "127.0.0.1", () => socket.write(request));
    socket.on("data", (data) => {
      answer += data.toString("latin1");
    });
    socket.on("close", () => resolve(answer));
    socket.on("error", reject);
  });
}

const running: Smoke[] = [];
afterEach(async () => {
  for (const smoke of running.splice(0)) await smoke.end();
});

describe.each(Object.entries(RUNTIMES))("on %s", (name, command) => {
  async function start(...args: string[]): Promise<{ smoke: Smoke; url: string; port: number }> {
    const smoke = new Smoke(command, args);
    running.push(smoke);
    const { url, port, name: reported } = await smoke.line();
    expect(reported).toBe(name);
    return { smoke, url: url as string, port: port as number };
  }

  test("the app answers, refuses and ignores as it should", async () => {
    const { url, port } = await start();
    expect(url).toBe(`http://127.0.0.1:${port}`);

    const health = await fetch(`${url}/health`);
    expect(health.status).toBe(200);
    expect(((await health.json()) as HealthReport).runtime.name).toBe(name as "bun");
    expect(health.headers.get("x-content-type-options")).toBe("nosniff");
    expect(health.headers.get("server")).toBeNull();

    const head = await fetch(`${url}/health`, { method: "HEAD" });
    expect([head.status, await head.text()]).toEqual([200, ""]);

    const missing = await fetch(`${url}/nope`);
    expect([missing.status, missing.headers.get("content-type")]).toEqual([404, "application/problem+json"]);
    expect(((await missing.json()) as Line).code).toBe("not_found");

    const post = await fetch(`${url}/health`, { method: "POST", body: "x".repeat(1_000_000) });
    expect([post.status, post.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
    await post.arrayBuffer();

    const rebound = await raw(port, "GET /health HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n");
    expect(rebound).toStartWith("HTTP/1.1 421 ");
    expect(rebound).toContain('"code":"misdirected_request"');

    const body = "GET /health HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello";
    expect(await raw(port, body)).toStartWith("HTTP/1.1 200 ");
  });

  test("bodies above Bun's own limit of 128 MiB reach the application", async () => {
    const { url } = await start();
    const mib = new Uint8Array(2 ** 20);
    let left = 130;
    const body = new ReadableStream({
      pull(controller) {
        if (left-- > 0) controller.enqueue(mib);
        else controller.close();
      },
    });
    const response = await fetch(`${url}/count`, { method: "POST", body });
    expect((await response.json()) as Line).toEqual({ bytes: 130 * 2 ** 20 });
  });

  test("a graceful stop finishes the answer that is under way, refuses new ones and closes idle connections", async () => {
    const { smoke, url } = await start();
    await (await fetch(`${url}/health`)).text(); // leaves an idle keep-alive connection
    const slow = fetch(`${url}/slow`).then((response) => response.text());
    expect(await smoke.line()).toEqual({ slow: true });
    smoke.child.kill("SIGTERM");
    expect(await smoke.line()).toEqual({ signal: "SIGTERM" });
    expect(await slow).toBe(`begin,${"x".repeat(1_000_000)},end`);
    expect(await smoke.line()).toEqual({ stopped: true });
    expect(await smoke.child.exited).toBe(0);
    await expect(fetch(`${url}/health`)).rejects.toThrow();
  });

  test("a stop that is not graceful does not wait", async () => {
    const { smoke, url } = await start();
    const never = fetch(`${url}/never`).then(
      () => "answered",
      () => "cut",
    );
    expect(await smoke.line()).toEqual({ slow: true });
    smoke.child.kill("SIGINT");
    expect(await smoke.line()).toEqual({ signal: "SIGINT" });
    expect(await smoke.line()).toEqual({ stopped: true });
    expect(await smoke.child.exited).toBe(0);
    expect(await never).toBe("cut");
  });

  test("a port in use is a clear error that names the setting", async () => {
    const { port } = await start();
    const second = new Smoke(command, [String(port)]);
    running.push(second);
    const { code, message } = await second.line();
    expect(code).toBe("config_invalid");
    expect(message).toContain(`server.listen is "127.0.0.1:${port}": another program listens there`);
    expect(message).toContain("--listen");
    expect(await second.child.exited).toBe(2);
  });

  test("an address of another machine is a clear error", async () => {
    const smoke = new Smoke(command, ["0", "192.0.2.1"]);
    running.push(smoke);
    expect((await smoke.line()).message).toContain("this machine has no such address");
  });
});
