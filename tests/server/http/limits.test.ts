/** What a request may have, on the limit and one beyond, as the program comes: no setting, every runtime. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { connect } from "node:net";
import { DEFAULT_LIMITS, type PackageEntry } from "../../../core/mod.ts";
import { RUNTIMES, raw, startServer, type TestServer } from "./servers.ts";

const JSON_TYPE = { "content-type": "application/json" };

/** So many bytes, 254 a segment, two-byte letters as far as they go. */
function longPath(bytes: number): string {
  let left = bytes;
  const segments: string[] = [];
  while (left > 0) {
    const size = Math.min(left, 254);
    segments.push("ö".repeat(size >> 1) + "o".repeat(size & 1));
    left -= size + 1;
  }
  return segments.join("/");
}

/** Every byte as %XX, slashes too. */
const escaped = (text: string) =>
  [...new TextEncoder().encode(text)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`).join("");

describe.each(Object.entries(RUNTIMES))("on %s", (_, command) => {
  let server: TestServer;
  let id: string;
  beforeAll(async () => {
    server = await startServer(command);
    const body = JSON.stringify({ name: "limits", retention_class: "transient" });
    const made = await fetch(`${server.url}/packages`, { method: "POST", headers: JSON_TYPE, body });
    id = ((await made.json()) as { package_id: string }).package_id;
  }, 60_000);
  afterAll(async () => {
    await server.stop();
  });

  const codeOf = async (response: Response) => [response.status, ((await response.json()) as { code: string }).code];

  test("a path of 4,096 bytes, each as %XX, can be put, read, listed and deleted; one more byte is refused", async () => {
    const path = longPath(4096);
    expect(new TextEncoder().encode(path).length).toBe(4096);
    const url = `${server.url}/packages/${id}/files/${escaped(path)}`;
    expect(url.length).toBeGreaterThan(12_288);
    const put = await fetch(url, { method: "PUT", body: "content" });
    expect([put.status, ((await put.json()) as PackageEntry).path]).toEqual([201, path]);
    // Where it says that it is can be asked for as it stands.
    expect(await (await fetch(new URL(put.headers.get("location") ?? "", server.url))).text()).toBe("content");
    expect(await (await fetch(url)).text()).toBe("content");
    expect((await fetch(url, { method: "HEAD" })).headers.get("content-length")).toBe("7");
    const page = (await (await fetch(`${server.url}/packages/${id}/files?limit=1`)).json()) as {
      items: PackageEntry[];
    };
    expect(page.items.map((entry) => entry.path)).toEqual([path]);
    expect((await fetch(url, { method: "DELETE" })).status).toBe(204);
    expect((await fetch(url)).status).toBe(404);
    const longer = `${server.url}/packages/${id}/files/${escaped(longPath(4097))}`;
    for (const method of ["PUT", "GET", "DELETE"]) {
      const refused = await fetch(longer, { method, ...(method === "PUT" ? { body: "x" } : {}) });
      expect(await codeOf(refused), method).toEqual([400, "invalid_path"]);
    }
  });

  test("an upload to such a path begins, too", async () => {
    const path = longPath(4096);
    const query = `package_id=${id}&path=${escaped(path)}`;
    const headers = { "upload-complete": "?1", "upload-length": "3" };
    const made = await fetch(`${server.url}/uploads?${query}`, { method: "POST", headers, body: "abc" });
    expect(made.status).toBe(201);
    const url = `${server.url}/packages/${id}/files/${escaped(path)}`;
    expect(await (await fetch(url)).text()).toBe("abc");
    expect((await fetch(url, { method: "DELETE" })).status).toBe(204);
  });

  test("a URL may have 16 KiB, and not a byte more", async () => {
    const base = `${server.url}/packages?name=`;
    const ask = (length: number) => fetch(base + "x".repeat(length - base.length));
    expect(await codeOf(await ask(16 * 1024))).not.toContain("uri_too_long");
    expect(await codeOf(await ask(16 * 1024 + 1))).toEqual([414, "uri_too_long"]);
  });

  test("a JSON body may have 1 MiB, and not a byte more, told before or not", async () => {
    const body = (length: number) => {
      const text = JSON.stringify({ name: "limits", retention_class: "transient", metadata: {} });
      return text.replace("{}", `{"a":"${"x".repeat(length - text.length - 6)}"}`);
    };
    const post = (text: string) => fetch(`${server.url}/packages`, { method: "POST", headers: JSON_TYPE, body: text });
    expect(body(1024 * 1024).length).toBe(1024 * 1024);
    expect((await post(body(1024 * 1024))).status).toBe(201);
    expect(await codeOf(await post(body(1024 * 1024 + 1)))).toEqual([413, "limit_exceeded"]);
    const chunk = `${(1024 * 1024 + 1).toString(16)}\r\n${body(1024 * 1024 + 1)}\r\n0\r\n\r\n`;
    const head =
      "POST /packages HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n";
    const answer = await raw(server.port, `${head}Transfer-Encoding: chunked\r\n\r\n${chunk}`, true);
    expect(answer).toStartWith("HTTP/1.1 413 ");
  });

  test("a file that is announced with more than 1 TiB is refused before a byte of it is asked for", async () => {
    expect(DEFAULT_LIMITS.maxObjectBytes).toBe(1024 ** 4);
    const ask = (call: string, headers: string) =>
      raw(server.port, `${call} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${headers}\r\n`);
    const over = 1024 ** 4 + 1;
    const put = await ask(`PUT /packages/${id}/files/big`, `Expect: 100-continue\r\nContent-Length: ${over}\r\n`);
    expect(put).toStartWith("HTTP/1.1 413 ");
    expect(put).toContain('"code":"limit_exceeded"');
    const upload = await ask(
      `POST /uploads?package_id=${id}&path=big`,
      `Upload-Complete: ?0\r\nUpload-Length: ${over}\r\nContent-Length: 0\r\n`,
    );
    expect(upload).toStartWith("HTTP/1.1 413 ");
    expect(server.leftovers()).toEqual([]);
  });

  test("one that is announced with 1 TiB is not: it is let in, unless the disk has no room for it", async () => {
    const socket = connect(server.port, "127.0.0.1");
    const said = new Promise<string>((resolve) => socket.once("data", (data) => resolve(data.toString("latin1"))));
    const path = `/packages/${id}/files/big`;
    const headers = `Host: localhost\r\nExpect: 100-continue\r\nContent-Length: ${1024 ** 4}\r\n`;
    socket.write(`PUT ${path} HTTP/1.1\r\n${headers}\r\n`);
    expect(await said).toMatch(/^HTTP\/1\.1 (100|507) /);
    socket.destroy();
    while (server.leftovers().length > 0) await Bun.sleep(10);
  });
});
