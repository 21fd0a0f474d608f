/** A request that is cut in the middle leaves nothing: no entry, no object, no temporary file. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { connect } from "node:net";
import type { PackageEntry } from "../../../core/mod.ts";
import { pattern } from "../../support/registry_fixture.ts";
import { RUNTIMES, startServer, type TestServer } from "./servers.ts";

const PART = pattern(300_000);

/** Begins a request, sends a part of its body, waits until the server has staged it, and lets go. */
async function cut(server: TestServer, path: string, framing: "length" | "chunked", how: "reset" | "end") {
  const header = framing === "length" ? "Content-Length: 9000000" : "Transfer-Encoding: chunked";
  const before = framing === "length" ? "" : `${PART.length.toString(16)}\r\n`;
  const after = framing === "length" ? "" : "\r\n";
  const socket = connect(server.port, "127.0.0.1");
  const closed = new Promise((resolve) => socket.once("close", resolve));
  socket.on("error", () => {});
  socket.resume();
  socket.write(`PUT ${path} HTTP/1.1\r\nHost: localhost\r\n${header}\r\n\r\n${before}`);
  socket.write(PART);
  socket.write(after);
  while (server.leftovers().length === 0) await Bun.sleep(10);
  if (how === "reset") socket.resetAndDestroy();
  else socket.end();
  await closed;
}

describe.each(Object.entries(RUNTIMES))("on %s", (_, command) => {
  let server: TestServer;
  let files: string;
  beforeAll(async () => {
    server = await startServer(command);
    const made = await fetch(`${server.url}/packages`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ name: "cut", retention_class: "transient" }),
    });
    files = `/packages/${((await made.json()) as { package_id: string }).package_id}/files`;
  }, 60_000);
  afterAll(async () => {
    await server.stop();
  });

  const listed = async () => {
    const page = (await (await fetch(`${server.url}${files}`)).json()) as { items: PackageEntry[] };
    return page.items.map((entry) => entry.path);
  };

  for (const framing of ["length", "chunked"] as const) {
    for (const how of ["reset", "end"] as const) {
      test(`a body by ${framing} whose sender is gone (${how})`, async () => {
        await cut(server, `${files}/${framing}-${how}`, framing, how);
        while (server.leftovers().length > 0) await Bun.sleep(10);
        expect(await listed()).toEqual([]);
        const address = `${server.url}${files}/${framing}-${how}`;
        expect((await fetch(address)).status).toBe(404);
      });
    }
  }

  test("and the same path takes the whole file afterwards", async () => {
    const answer = await fetch(`${server.url}${files}/length-reset`, { method: "PUT", body: PART });
    expect(answer.status).toBe(201);
    expect(await listed()).toEqual(["length-reset"]);
  });

  test("a reader that goes away in the middle does no harm", async () => {
    await fetch(`${server.url}${files}/big`, { method: "PUT", body: pattern(20_000_000) });
    const abort = new AbortController();
    const { body } = await fetch(`${server.url}${files}/big`, { signal: abort.signal });
    const reader = (body as ReadableStream<Uint8Array>).getReader();
    await reader.read();
    abort.abort();
    const whole = await fetch(`${server.url}${files}/big`);
    expect((await whole.arrayBuffer()).byteLength).toBe(20_000_000);
  });
});
