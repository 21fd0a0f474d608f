/** ingest through a server says what ingest on a store says, and leaves the same package. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { nobody, type Serving, serveStore, through } from "./server_support.ts";
import { cli, difference, jsonLines, ok, PATIENCE, RUNTIME_NAMES, type Run, temporary } from "./support.ts";
import { awkwardTree, put } from "./trees.ts";

setDefaultTimeout(PATIENCE);
const dir = temporary("server-ingest");
const tree = join(dir, "tree");
awkwardTree(tree);
put(dir, "meta.json", '{"build": 7, "nested": {"a": [1, null, "ü"]}, "__proto__": 1}');
put(join(dir, "odd"), "file");
put(dir, "file", "no directory");

/** Ids, times and what follows from them differ by nature. */
function steady({ code, stdout, stderr }: Run): Run {
  const plain = (text: string) =>
    text
      .replace(/[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/g, "<id>")
      .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "<time>")
      .replace(/(manifest(?:_digest":"| +))blake3:[0-9a-f]{64}/g, "$1<digest>");
  return { code, stdout: plain(stdout), stderr: plain(stderr) };
}

const named = ["--name", "demo", "--retention-class", "working"];
/** In order: later ones meet what earlier ones stored. */
const COMMANDS: readonly (readonly [string[], number])[] = [
  [[tree, ...named, "--version", "1", "--sha512", "--metadata-file", join(dir, "meta.json"), "--metadata", "a=b"], 0],
  [[tree, ...named, "--version", "2", "--ref", "jira:AS-1=https://jira.example/AS-1", "--concurrency", "3"], 0],
  [[tree, ...named, "--version", "2"], 4],
  [[tree, "--name", "Not A Name", "--retention-class", "working"], 2],
  [[tree, "--name", "demo", "--retention-class", "for-ever"], 4],
  [[tree, ...named, "--metadata-schema", "nobody/knows"], 4],
  [[join(dir, "nowhere"), ...named], 2],
  [[join(dir, "file"), ...named], 2],
];

describe.each(["text", "--json"] as const)("as %s", (form) => {
  const data = join(dir, `data-${form}`);
  const behind = join(dir, `behind-${form}`);
  let server: Serving;
  beforeAll(async () => {
    server = await serveStore({ data: behind });
  });
  afterAll(() => server.stop());

  test.each(COMMANDS.map(([args, code]) => [args.join(" ").replaceAll(dir, ""), args, code] as const))(
    "%s",
    async (_name, args, code) => {
      const line = ["ingest", ...args, ...(form === "--json" ? ["--json"] : [])];
      const here = await cli(line, { data });
      expect(steady(await through(server.url, line))).toEqual(steady(here));
      expect(here.code).toBe(code);
    },
  );

  test("the entries are equal, and so is what fetch writes", async () => {
    const there = await through(server.url, ["ls", "demo@1", "--json"]);
    expect(there.stdout).toBe(await ok(["ls", "demo@1", "--json"], { data }));
    expect(jsonLines(there.stdout)[0]).toMatchObject({ digests: { sha512: expect.stringMatching(/^[0-9a-f]{128}$/) } });
    const out = join(dir, `out-${form}`);
    await ok(["fetch", "demo@1", out], { data: behind });
    expect(difference(tree, out)).toBe("");
  });
});

/** One run of every kind of command on each runtime. */
test.each(RUNTIME_NAMES)("on %s, the command line works through a server", async (runtime) => {
  const data = join(dir, `smoke-${runtime}`);
  const server = await serveStore({ data, runtime });
  const said = async (...line: string[]) => {
    const run = await through(server.url, line, { runtime });
    expect({ line, code: run.code, stderr: run.stderr }).toEqual({ line, code: 0, stderr: "" });
    return run.stdout;
  };
  try {
    await said("ingest", tree, ...named, "--version", "1");
    const out = join(dir, `smoke-out-${runtime}`);
    await said("fetch", "demo@1", out);
    expect(difference(tree, out)).toBe("");
    for (const line of ["ls demo@1", "manifest demo@1", "events tail --json"]) {
      expect(await said(...line.split(" "))).toBe(await ok(line.split(" "), { data, runtime }));
    }
    for (const line of ["show demo@1", "verify demo@1", "events verify", "doctor"]) await said(...line.split(" "));
    expect(await said("version")).toContain(` on ${runtime} `);
    const url = await nobody();
    const gone = await through(url, ["ls"], { runtime });
    expect(gone).toMatchObject({ code: 6, stdout: "" });
    expect(gone.stderr).toMatch(new RegExp(`^artifactstore: No answer from ${url}: .*refused`, "i"));
  } finally {
    await server.stop();
  }
});
