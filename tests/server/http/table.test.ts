/** The table of calls against real servers, and every answer against the description that the server gives of itself. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Description, undescribed } from "./described.ts";
import { RUNTIMES, startServer, type TestServer } from "./servers.ts";
import { bodyBytes, type Call, TABLE } from "./table.ts";

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Uint8Array;
  readonly body: string;
}

describe.each(Object.entries(RUNTIMES))("on %s", (name, command) => {
  let server: TestServer;
  let description: Description;
  const kept: Record<string, string> = {};

  beforeAll(async () => {
    server = await startServer(command);
    description = (await (await fetch(`${server.url}/openapi.json`)).json()) as Description;
  }, 60_000);
  afterAll(async () => {
    await server.stop();
  });

  const fill = (text: string) => text.replace(/\{(\w+)\}/g, (whole, key) => kept[key] ?? whole);

  async function ask(call: Call): Promise<Answer> {
    const [method = "", path = ""] = fill(call.call).split(/ (.*)/s);
    const body = bodyBytes(call.body);
    const isJson = typeof call.body === "object" && !(call.body instanceof Uint8Array);
    const headers = new Headers(isJson ? { "content-type": "application/json" } : {});
    for (const [field, value] of Object.entries(call.headers ?? {})) headers.set(field, fill(value));
    const response = await fetch(`${server.url}${path}`, { method, headers, ...(body === undefined ? {} : { body }) });
    const bytes = new Uint8Array(await response.arrayBuffer());
    const { status } = response;
    return { status, headers: response.headers, bytes, body: new TextDecoder().decode(bytes) };
  }

  /** What the answer has where the call wants something. */
  function seen(call: Call, answer: Answer) {
    const isJson = answer.body !== "" && answer.headers.get("content-type")?.endsWith("json") === true;
    const json = isJson ? JSON.parse(answer.body) : undefined;
    const found: Record<string, unknown> = { call: call.call, status: answer.status };
    const wanted: Record<string, unknown> = { call: call.call, status: call.status };
    if (call.code !== undefined) [found.code, wanted.code] = [json?.code, call.code];
    for (const [field, value] of Object.entries(call.sends ?? {})) {
      [found[field], wanted[field]] = matched(answer.headers.get(field), value);
    }
    if (call.gives instanceof Uint8Array) {
      [found.bytes, wanted.bytes] = [Buffer.compare(answer.bytes, call.gives), 0];
    } else if (typeof call.gives === "string") {
      [found.body, wanted.body] = [answer.body, call.gives];
    } else {
      for (const [path, value] of Object.entries(call.gives ?? {})) {
        const member = path.split(".").reduce((at: Record<string, unknown>, key) => at?.[key] as never, json);
        [found[path], wanted[path]] = matched(member, value);
      }
    }
    for (const [as, what] of Object.entries(call.keep ?? {}))
      kept[as] = String(json?.[what] ?? answer.headers.get(what));
    return { found, wanted };
  }

  /** A pattern that matches wants what is there. */
  function matched(found: unknown, wanted: unknown): [unknown, unknown] {
    if (wanted instanceof RegExp) return [found, wanted.test(String(found)) ? found : String(wanted)];
    return [found, typeof wanted === "string" ? fill(wanted) : wanted];
  }

  test.each(Object.entries(TABLE))(
    "%s",
    async (_, calls) => {
      for (const call of calls) {
        const answer = await ask(call);
        const { found, wanted } = seen(call, answer);
        expect(found).toEqual(wanted);
        const [method = "", path = ""] = fill(call.call).split(/[ ?]/);
        expect(undescribed(description, method, path, answer)).toBeUndefined();
      }
      expect(server.leftovers()).toEqual([]);
    },
    60_000,
  );

  test("the description says which version it is of", () => {
    expect([description.openapi, description.info.version]).toEqual(["3.1.0", "1.2.3"]);
    expect(server.name).toBe(name);
  });
});
