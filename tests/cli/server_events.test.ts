/** The log through a server: followed whatever happens to it, and proven on the reader's side. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { openSqliteDatabase } from "../../adapters/database-sqlite/mod.ts";
import { openLocal } from "../../adapters/local.ts";
import { type CborMap, decodeCbor, encodeCbor } from "../../core/base/cbor.ts";
import { deletePackage, tamper } from "../support/registry_tamper.ts";
import { type Meddle, meddler, type Serving, serveStore, through } from "./server_support.ts";
import { cli, ingest, jsonLines, PATIENCE, RUNTIME_NAMES, start, temporary } from "./support.ts";
import { put } from "./trees.ts";

setDefaultTimeout(PATIENCE);
const dir = temporary("server-events");
const data = join(dir, "data");
const tree = join(dir, "tree");
for (let i = 0; i < 5; i++) put(tree, `file-${i}`);
const { package_id } = await ingest(tree, { data });
// One event whose payload is erased.
const registry = await openLocal({ dir: data });
await deletePackage(registry, registry.caller, package_id);
let created = 0;
for await (const event of registry.tailEvents(registry.caller, { since: 0, follow: false })) {
  if (event.type === "v1.package.created") created = event.sequence;
}
await registry.redactEvent(registry.caller, { sequence: created, reason: "asked for" });
await registry.close();

let server: Serving;
beforeAll(async () => {
  server = await serveStore({ data });
});
afterAll(() => server.stop());

test.each(["events tail", "events tail --json", "events verify", "events verify --json"])(
  "%s shows erased payloads as the store itself does",
  async (line) => {
    const here = await cli(line.split(" "), { data });
    expect(await through(server.url, line.split(" "))).toEqual(here);
    expect(here.code).toBe(0);
    expect(here.stdout).toMatch(/\(erased\)|"payload":null|1 erased|"erased":1/);
  },
);

describe("verify believes nothing that a network says", () => {
  /** Changes the events of a page. */
  const events = (change: (event: Record<string, unknown>) => void): Meddle => {
    return (answer, request) => {
      if (!new URL(request.url).pathname.endsWith("/events")) return answer;
      const page = decodeCbor(answer) as CborMap;
      for (const event of page.events as unknown as Record<string, unknown>[]) change(event);
      return encodeCbor(page);
    };
  };
  const LIES: Readonly<Record<string, [Meddle, RegExp]>> = {
    "another actor": [
      events((event) => {
        if (event.sequence === 8) event.actor = "local:them";
      }),
      /event 8 was changed/,
    ],
    "another payload": [
      events((event) => {
        if (event.sequence === 8) event.payload = encodeCbor({ any: "thing" });
      }),
      /payload of event 8 was changed/,
    ],
    "a payload that nobody erased is gone": [
      events((event) => {
        if (event.sequence === 8)
          Object.assign(event, { salt: null, context: null, payload: null, payload_size: null });
      }),
      /payload of event 8 is gone without an event that redacts it/,
    ],
    "another head": [
      (answer, request) =>
        request.url.endsWith("/events/head")
          ? new TextEncoder().encode(JSON.stringify({ sequence: 7, hash: "1".repeat(64) }))
          : answer,
      /the head does not name the last event/,
    ],
  };
  test.each(Object.entries(LIES))("%s: exit code 5", async (_name, [meddle, problem]) => {
    const run = await through(meddler(server.url, meddle), ["events", "verify"]);
    expect(run.code).toBe(5);
    expect(run.stdout).toMatch(problem);
  });

  test("something that is no page is said to be none: exit code 6", async () => {
    const meddle: Meddle = (answer, request) => (request.url.includes("since=") ? answer.subarray(1) : answer);
    const run = await through(meddler(server.url, meddle), ["events", "verify"]);
    expect(run).toMatchObject({ code: 6, stdout: "" });
    expect(run.stderr).toContain("is no page of events");
  });
});

test.each(RUNTIME_NAMES)(
  "on %s, tail --follow goes on when the server comes back, each event once, and Ctrl-C ends it with 0",
  async (runtime) => {
    const first = await serveStore({ data });
    const child = start(["events", "tail", "--follow", "--json", "--server", first.url], { runtime });
    const reader = child.stdout.getReader();
    let text = "";
    const seen = () => jsonLines(text.slice(0, text.lastIndexOf("\n") + 1)).map(({ sequence }) => sequence as number);
    const read = async (count: number) => {
      while (seen().length < count) {
        const { done, value } = await reader.read();
        if (done) throw new Error("the tail ended");
        text += new TextDecoder().decode(value);
      }
    };
    const events = async () => {
      const { stdout } = await cli(["events", "tail", "--json"], { data });
      return jsonLines(stdout).map(({ sequence }) => sequence as number);
    };
    await read((await events()).length);
    await first.stop();
    await ingest(tree, { data }, "--version", runtime);
    const again = await serveStore({ data }, first.port);
    const all = await events();
    await read(all.length);
    expect(seen()).toEqual(all);
    child.kill("SIGINT");
    expect(await child.exited).toBe(0);
    await again.stop();
  },
);

describe("a log that was tampered with", () => {
  const TRICKS: Readonly<Record<string, string[]>> = {
    "an event is gone": ["delete from events where sequence = 9", "delete from event_payloads where sequence = 9"],
    "events are gone from the end": [
      "delete from event_payloads where sequence > 12",
      "delete from events where sequence > 12",
    ],
    "an actor is another": ["update events set actor = 'local:them' where sequence = 8"],
  };
  test.each(Object.entries(TRICKS))("%s: the same verdict, exit code 5", async (name, statements) => {
    const own = join(dir, name.replaceAll(" ", "-"));
    await ingest(tree, { data: own });
    await ingest(tree, { data: own });
    const database = await openSqliteDatabase({ path: join(own, "artifact-store.db") });
    await tamper(database, ...statements);
    await database.close();
    const serving = await serveStore({ data: own });
    const there = await through(serving.url, ["events", "verify"]);
    await serving.stop();
    expect(there).toEqual(await cli(["events", "verify"], { data: own }));
    expect(there.code).toBe(5);
  });
});
