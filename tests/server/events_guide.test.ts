/** docs/guides/events.md: its commands, run one block after the other against a server started as the guide says. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PATIENCE, ROOT, start, temporary } from "../cli/support.ts";

setDefaultTimeout(PATIENCE);
const dir = temporary("events-guide");
const guide = readFileSync(join(ROOT, "docs/guides/events.md"), "utf8");
const blocks = [...guide.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, code]) => code as string);

let server: ReturnType<typeof start>;
let store: string;
beforeAll(async () => {
  server = start(["serve", "--listen", "127.0.0.1:0"], { data: join(dir, "data") });
  let said = "";
  for await (const chunk of server.stdout) {
    said += new TextDecoder().decode(chunk);
    const [, url] = /listens on (\S+)\n/.exec(said) ?? [];
    if (url === undefined) continue;
    store = url;
    break;
  }
});
afterAll(async () => {
  server.kill("SIGINT");
  await server.exited;
});

/** What the block with `part` in it prints. Those that never end are ended. */
function run(part: string, seconds?: number): string {
  const found = blocks.filter((block) => block.includes(part));
  expect(found).toHaveLength(1);
  const script = `store=${store}\n${(found[0] as string).replace(/^store=.*$/m, "")}`;
  const command = [...(seconds === undefined ? [] : ["timeout", String(seconds)]), "bash", "-c", script];
  const { exitCode, stdout, stderr } = Bun.spawnSync(command, { cwd: dir });
  expect({ exitCode, stderr: stderr.toString() }).toEqual({ exitCode: seconds === undefined ? 0 : 124, stderr: "" });
  return stdout.toString();
}

const lineOf = (page: string) => JSON.parse(page) as { events: { sequence: number; type: string }[]; pending: number };

describe("the guide to events", () => {
  test("has no command that is not tried here, and names the address that serve listens on by default", () => {
    expect(blocks).toHaveLength(5);
    expect(blocks[0]).toStartWith("store=http://127.0.0.1:8000\n");
  });

  test("makes something happen", () => {
    expect(JSON.parse(run("-d '{"))).toMatchObject({ name: "demo", state: "open" });
  });

  test("reads pages, by type as well, and the head", () => {
    const [, page = "", created = "", head = ""] =
      /^(\{.*\})(\{"events.*\})(\{.*\})\n$/.exec(run("since=0&limit=2")) ?? [];
    expect(lineOf(page)).toMatchObject({ events: [{ sequence: 1 }, { sequence: 2 }], last_sequence: 2, pending: 6 });
    expect(lineOf(created).events.map(({ type }) => type)).toEqual(["v1.package.created"]);
    expect(JSON.parse(head)).toEqual({ sequence: 8, hash: expect.stringMatching(/^[0-9a-f]{64}$/) as unknown });
    // As the guide writes it.
    expect(page).toMatch(/^\{"events":\[.*\],"last_sequence":2,"pending":6\}$/);
  });

  test("waits in a loop, which gives every event once", () => {
    const pages = run("wait=30", 4).trimEnd().split("\n").map(lineOf);
    expect(pages.flatMap(({ events }) => events.map(({ sequence }) => sequence))).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(pages.at(-1)?.pending).toBe(0);
  });

  test("follows a stream", () => {
    const said = run("text/event-stream", 3);
    expect(said).toStartWith("retry: 1000\n\nid: 1\nevent: v1.tenant.created\ndata: {");
    expect([...said.matchAll(/^id: (\d+)$/gm)].map(([, id]) => id)).toEqual(["1", "2", "3", "4", "5", "6", "7", "8"]);
  });

  test("fetches stored bytes", () => {
    run("page.cbor");
    const [page, payload] = ["page.cbor", "payload.cbor"].map((name) => readFileSync(join(dir, name)));
    // Canonical CBOR: {"events": ...} and {"tenant": "default"}.
    expect(page?.toString("latin1")).toStartWith("\xa3\x66events\x88");
    expect(payload?.toString("latin1")).toBe("\xa1\x66tenant\x67default");
  });
});
