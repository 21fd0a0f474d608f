/** The table of calls against real servers, and every answer against the description that the server gives of itself. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createAsker } from "./asking.ts";
import { type Description, undescribed } from "./described.ts";
import { RUNTIMES, startServer, type TestServer } from "./servers.ts";
import { TABLE } from "./table.ts";

describe.each(Object.entries(RUNTIMES))("on %s", (name, command) => {
  let server: TestServer;
  let description: Description;
  const { ask, fill, seen } = createAsker(() => server.url, "code");

  beforeAll(async () => {
    server = await startServer(command);
    description = (await (await fetch(`${server.url}/openapi.json`)).json()) as Description;
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
        const [method = "", path = ""] = fill(call.call).split(/[ ?]/);
        // `/v2/` has a specification of its own.
        if (path.startsWith("/v2/")) continue;
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
