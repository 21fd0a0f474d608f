/** The tables of calls below `/v2/` against real servers of every runtime. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createAsker } from "../http/asking.ts";
import { RUNTIMES, raw, startServer, type TestServer } from "../http/servers.ts";
import { digestOf, manifest, OCI_MANIFEST } from "./content.ts";
import { malformed } from "./form.ts";
import { TABLE } from "./table.ts";

describe.each(Object.entries(RUNTIMES))("on %s", (_, command) => {
  let server: TestServer;
  const { ask, seen } = createAsker(() => server.url, "errors.0.code");

  beforeAll(async () => {
    server = await startServer(command);
  }, 60_000);
  afterAll(async () => {
    await server.stop();
  });

  test.each(Object.entries(TABLE))(
    "%s",
    async (_, calls) => {
      for (const call of calls) {
        const answer = await ask(call);
        const { found, wanted } = seen(call, answer);
        expect(found).toEqual(wanted);
        // The other door has a form of its own.
        if (!/ (\/v2|\{up\})/.test(call.call)) continue;
        expect([call.call, malformed(answer, call.call.split(" ")[0] as string)]).toEqual([call.call, undefined]);
      }
      expect(server.leftovers()).toEqual([]);
    },
    60_000,
  );

  const push = (path: string, body: string, headers: Record<string, string> = {}) =>
    fetch(`${server.url}${path}`, { method: path.includes("/manifests/") ? "PUT" : "POST", headers, body });

  test("one blob pushed by many at once is there for all of them, and once", async () => {
    const content = "the same bytes from everybody".repeat(1000);
    const path = `/v2/many/blobs/uploads/?digest=${digestOf(content)}`;
    const answers = await Promise.all(Array.from({ length: 20 }, () => push(path, content)));
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(201));
    expect(await (await fetch(`${server.url}/v2/many/blobs/${digestOf(content)}`)).text()).toBe(content);
    expect(server.leftovers()).toEqual([]);
  });

  test("one tag pushed by many at once points at one of theirs, and every manifest is there", async () => {
    const config = digestOf("{}");
    await push(`/v2/many/blobs/uploads/?digest=${config}`, "{}");
    const all = Array.from({ length: 20 }, (_, i) => manifest("{}", [], { annotations: { from: String(i) } }));
    const type = { "content-type": OCI_MANIFEST };
    const answers = await Promise.all(all.map((one) => push("/v2/many/manifests/latest", one, type)));
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(201));
    const tagged = await (await fetch(`${server.url}/v2/many/manifests/latest`)).text();
    expect(all).toContain(tagged);
    for (const one of all) {
      expect(await (await fetch(`${server.url}/v2/many/manifests/${digestOf(one)}`)).text()).toBe(one);
    }
    const tags = (await (await fetch(`${server.url}/v2/many/tags/list`)).json()) as { tags: string[] };
    expect(tags.tags).toEqual(["latest"]);
  });

  test("a body in chunks that nobody announced is appended, as Docker sends it", async () => {
    const begun = await fetch(`${server.url}/v2/docker/blobs/uploads/`, { method: "POST" });
    const path = begun.headers.get("location") as string;
    const head = `Host: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n`;
    const first = await raw(server.port, `PATCH ${path} HTTP/1.1\r\n${head}5\r\nhello\r\n0\r\n\r\n`);
    expect([first.split("\r\n")[0], /^range: .*$/im.exec(first)?.[0].toLowerCase()]).toEqual([
      "HTTP/1.1 202 Accepted",
      "range: 0-4",
    ]);
    const second = await raw(server.port, `PATCH ${path} HTTP/1.1\r\n${head}3\r\n, w\r\n4\r\norld\r\n0\r\n\r\n`);
    expect(/^range: .*$/im.exec(second)?.[0].toLowerCase()).toBe("range: 0-11");
    const digest = digestOf("hello, world");
    const done = await raw(server.port, `PUT ${path}?digest=${digest} HTTP/1.1\r\n${head}0\r\n\r\n`);
    expect(done).toStartWith("HTTP/1.1 201 ");
    expect(await (await fetch(`${server.url}/v2/docker/blobs/${digest}`)).text()).toBe("hello, world");
  });

  test("a name that is not ours, in Host, is refused in the words of the spec", async () => {
    const answer = await raw(server.port, "GET /v2/ HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n");
    expect(answer).toStartWith("HTTP/1.1 421 ");
    expect(answer).toContain('{"errors":[{"code":"DENIED"');
  });

  test("dot segments lead nowhere that is not meant", async () => {
    for (const path of ["/v2/x/../../v2/_catalog", "/v2/x/%2e%2e/%2E./v2/_catalog", "/v2/a/./../_catalog"]) {
      const answer = await raw(server.port, `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
      expect([path, answer.slice(0, 12)]).toEqual([
        path,
        expect.stringMatching(/^HTTP\/1.1 (200|400)$/) as unknown as string,
      ]);
    }
  });

  test("what is too large is refused before it is asked for", async () => {
    const head = (call: string, length: number) =>
      `${call} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: ${length}\r\n\r\n`;
    const large = await raw(server.port, head("PUT /v2/x/manifests/latest", 5_000_000));
    expect(large).toStartWith("HTTP/1.1 413 ");
    expect(large).toContain('"code":"SIZE_INVALID"');
    const path = `/v2/x/blobs/uploads/?digest=${digestOf("x")}`;
    const huge = await raw(server.port, head(`POST ${path}`, 1024 ** 4 + 1));
    expect(huge).toStartWith("HTTP/1.1 413 ");
    const unnamed = await raw(server.port, head("POST /v2/X/blobs/uploads/?digest=x", 1000));
    expect(unnamed).toStartWith("HTTP/1.1 400 ");
    expect(unnamed).toContain('"code":"NAME_INVALID"');
    expect(server.leftovers()).toEqual([]);
  });
});
