/**
 * Every command gives the same answer through a server as on the store itself: stdout and stderr byte for byte, and the
 * exit code, as text and with --json.
 */
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { nobody, pushManifest, serveStore, through } from "./server_support.ts";
import { cli, difference, ingest, json, PATIENCE, type Run, temporary } from "./support.ts";
import { awkwardTree, put } from "./trees.ts";

setDefaultTimeout(PATIENCE);
const dir = temporary("server-commands");
const tree = join(dir, "tree");
awkwardTree(tree);
const data = join(dir, "data");
const { package_id } = await ingest(tree, { data }, "--version", "1.0", "--metadata", "branch=main", "--sha512");
const { sequence, hash } = await json(["events", "head"], { data });
// Enough that pages are more than one, and payloads are more than a feed carries along.
const many = join(dir, "many");
for (let i = 0; i < 1100; i++) put(many, `some-directory-with-a-long-name/file-${i}`, `${i % 7}`);
await ingest(many, { data }, "--version", "many");
const server = await serveStore({ data });
const { package_id: open } = await (
  await fetch(`${server.url}/packages`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ name: "open/one", retention_class: "working", metadata: { nested: { "1": [null, -0.5] } } }),
  })
).json();
afterAll(() => server.stop());
const once = await pushManifest(server.url, "acme/app", "latest", "once");
await pushManifest(server.url, "acme/app", "latest", "now");
await pushManifest(server.url, "acme/app/base", "1.0", "base");
await pushManifest(server.url, "other", "tags", "other");
const { items } = await (await fetch(`${server.url}/v1/repositories/acme/app/tags/latest/history`)).json();
const moves: readonly number[] = items.map((entry: { sequence: number }) => entry.sequence);

const out = join(dir, "out");
const occupied = join(dir, "occupied");
put(occupied, "file");

async function both(args: readonly string[], before: () => void = () => {}): Promise<{ here: Run; there: Run }> {
  before();
  const here = timeless(await cli(args, { data }));
  before();
  const there = timeless(await through(server.url, args));
  return { here, there };
}

/** Without the progress that a slow machine shows every five seconds. */
function timeless({ stderr, ...rest }: Run): Run {
  const lines = stderr.split("\n").filter((line) => !/^\{"progress":|\d files {2}/.test(line));
  return { ...rest, stderr: lines.join("\n") };
}

/** The line, and the exit code that both give. */
const COMMANDS: readonly (readonly [string[], number])[] = [
  [["show", package_id], 0],
  [["show", "demo@1.0"], 0],
  [["show", open], 0],
  [["show", "demo@2"], 4],
  [["show", ".."], 4],
  [["show", ""], 4],
  [["show", "no/such package?"], 4],
  [["ls"], 0],
  [["ls", "--name", "demo", "--state", "finalized"], 0],
  [["ls", "--name", "Not A Name"], 2],
  [["ls", "--state", "abandoned"], 0],
  [["ls", "--state", "nonsense"], 2],
  [["ls", "demo@1.0"], 0],
  [["ls", "demo@many"], 0],
  [["ls", open], 0],
  [["ls", "nobody@1"], 4],
  [["manifest", "demo@1.0"], 0],
  [["manifest", "demo@1.0", "--cbor"], 0],
  [["manifest", "demo@many"], 0],
  [["manifest", open], 4],
  [["manifest", "nobody@1"], 4],
  [["verify", "demo@1.0"], 0],
  [["verify", open], 0],
  [["verify", "nobody@1"], 4],
  [["events", "head"], 0],
  [["events", "tail"], 0],
  [["events", "tail", "--since", "7"], 0],
  [["events", "tail", "--since", "100000"], 0],
  [["events", "tail", "--since", "minus"], 2],
  [["events", "verify"], 0],
  [["events", "verify", "--expect", `${sequence}:${hash}`], 0],
  [["events", "verify", "--expect", `${sequence}:${"0".repeat(64)}`], 5],
  [["events", "verify", "--expect", `999999:${hash}`], 5],
  [["events", "verify", "--expect", "nonsense"], 2],
  [["doctor"], 0],
  [["doctor", "--grace", "0s"], 0],
  [["doctor", "--grace", "soon"], 2],
  [["fetch", "demo@1.0", out], 0],
  [["fetch", "demo@many", out, "--concurrency", "32"], 0],
  [["fetch", open, out], 0],
  [["fetch", "nobody@1", out], 4],
  [["fetch", "demo@1.0", occupied], 4],
  [["fetch", "demo@1.0", out, "--concurrency", "0"], 2],
  [["repo", "list"], 0],
  [["repo", "list", "acme/"], 0],
  [["repo", "list", "nothing"], 0],
  [["repo", "list", "x".repeat(301)], 2],
  [["repo", "show", "acme/app"], 0],
  [["repo", "show", "acme/nothing"], 4],
  [["repo", "show", "No Name"], 2],
  [["repo", "show", ""], 2],
  [["repo", "show", ".."], 2],
  [["repo", "delete", "acme/app", "--dry-run"], 0],
  [["repo", "delete", "nobody", "--dry-run"], 4],
  [["repo", "delete", "nobody", "--reason", "it is over"], 4],
  [["repo", "delete", "acme/app"], 2],
  [["repo", "delete", "acme/app", "--reason", ""], 2],
  [["repo", "delete", "acme/app", "--reason", "x".repeat(2001)], 2],
  [["repo", "tag", "history", "acme/app", "latest"], 0],
  [["repo", "tag", "history", "acme/app", "nothing"], 4],
  [["repo", "tag", "history", "nobody", "latest"], 4],
  [["repo", "tag", "history", "acme/app", "-"], 2],
  [["repo", "tag", "history", "acme/app", "no/tag"], 2],
  [["repo", "tag", "restore", "acme/app", "latest"], 2],
  [["repo", "tag", "restore", "acme/app", "latest", "--as-of", "soon"], 2],
  [["repo", "tag", "restore", "acme/app", "latest", "--as-of", "999999"], 2],
  [["repo", "tag", "restore", "acme/app", "latest", "--as-of", "0"], 4],
  [["repo", "tag", "restore", "acme/app", "latest", "--as-of", "2001-01-01T00:00:00Z"], 4],
  [["repo", "tag", "restore", "acme/app", "latest", "--as-of", `${moves[0]}`], 0],
  [["repo", "tag", "restore", "nobody", "latest", "--as-of", "1"], 4],
];

describe.each(["text", "--json"] as const)("as %s", (form) => {
  const more = form === "--json" ? ["--json"] : [];
  test.each(COMMANDS.map(([args, code]) => [args.join(" ").replaceAll(dir, ""), args, code] as const))(
    "%s",
    async (_name, args, code) => {
      const { here, there } = await both([...args, ...more], () => rmSync(out, { recursive: true, force: true }));
      expect(there).toEqual(here);
      expect(there.code).toBe(code);
    },
  );

  test("doctor --fix, with leftovers to remove", async () => {
    const { here, there } = await both(["doctor", "--fix", "--grace", "0s", ...more], () => {
      const left = join(data, "objects/blake3/00/00", "0".repeat(64));
      mkdirSync(join(left, ".."), { recursive: true });
      writeFileSync(left, "nobody knows this");
    });
    expect(there).toEqual(here);
    expect(there.code).toBe(0);
    expect(there.stdout).toContain(form === "--json" ? '"removed_orphans":1' : "1 orphans");
  });

  test("repo tag restore, and what it did", async () => {
    const args = ["repo", "tag", "restore", "acme/app", "latest", "--as-of", `${moves[1]}`, ...more];
    const back = ["repo", "tag", "restore", "acme/app", "latest", "--as-of", `${moves[0]}`];
    const here = await cli(args, { data });
    await cli(back, { data });
    const there = await through(server.url, args);
    await cli(back, { data });
    expect(there).toEqual(here);
    expect(there).toMatchObject({ code: 0, stderr: "" });
    expect(there.stdout).toContain(once);
    const after = await both(["repo", "tag", "history", "acme/app", "latest", ...more]);
    expect(after.there).toEqual(after.here);
    expect(after.there.stdout).toContain(
      form === "--json" ? `"restored_from":${moves[1]}` : `tag_moved (from ${moves[1]})`,
    );
    expect(after.there.stdout).toContain(form === "--json" ? '"state":"kept"' : "kept, protected until 2");
  });

  test("repo delete, and what is told of it afterwards", async () => {
    const args = ["repo", "delete", "acme/gone", "--reason", "it is over", ...more];
    await pushManifest(server.url, "acme/gone", "1", "gone");
    const here = await cli(args, { data });
    await pushManifest(server.url, "acme/gone", "1", "gone");
    const there = await through(server.url, args);
    const nameless = ({ stdout, ...rest }: Run) => ({ ...rest, stdout: stdout.replace(/"repository_id":"[^"]*"/, "") });
    expect(nameless(there)).toEqual(nameless(here));
    expect(there).toMatchObject({ code: 0, stderr: "" });
    const text = "deleted acme/gone with 1 tag, 1 manifest and 0 blobs\n";
    if (form === "text") expect(there.stdout).toBe(text);
    for (const [line, code] of [
      ["tag history acme/gone 1", 0],
      ["show acme/gone", 4],
      [`tag restore acme/gone 1 --as-of ${moves[0]}`, 4],
    ] as const) {
      const after = await both(["repo", ...line.split(" "), ...more]);
      expect(after.there).toEqual(after.here);
      expect(after.there.code).toBe(code);
    }
  });

  test("health, but for the room on the disk of that moment", async () => {
    const { here, there } = await both(["health", ...more]);
    const steady = ({ code, stdout, stderr }: Run) => ({
      code,
      stderr,
      // Somebody may commit between the two.
      stdout: stdout.replace(/"free_bytes":\d+|[\d.]+ \wiB free|"commit":"[^"]*"|\([0-9a-f]{12}(-dirty)?\)/g, ""),
    });
    expect(steady(there)).toEqual(steady(here));
    expect(there.code).toBe(0);
  });
});

test("fetch through a server writes what was ingested", async () => {
  rmSync(out, { recursive: true, force: true });
  expect(await through(server.url, ["fetch", "demo@1.0", out])).toMatchObject({ code: 0, stderr: "" });
  expect(difference(tree, out)).toBe("");
});

test("version tells the server's as well", async () => {
  const { code, stdout } = await through(server.url, ["version", "--json"]);
  const { version, runtime } = await json(["version"]);
  expect(code).toBe(0);
  const commit = expect.stringMatching(/./);
  const its = { url: server.url, version, commit, runtime };
  expect(JSON.parse(stdout)).toEqual({ version, commit, runtime, server: its });
});

describe("commands of the machine itself", () => {
  const commands = ["replay", "replay --check", "migrate", "serve", "config show", "adapter verify memory:"];

  test.each(commands)("%s refuses --server, and says where to run it", async (line) => {
    const run = await through(server.url, line.split(" "), { data: join(dir, "untouched") });
    expect(run).toMatchObject({ code: 2, stdout: "" });
    expect(run.stderr).toContain("run it where the server runs, without --server");
  });

  test.each(["replay --check", "migrate", "config show"])("%s passes over ARTIFACTSTORE_SERVER", async (line) => {
    const run = await cli(line.split(" "), { data, env: { ARTIFACTSTORE_SERVER: server.url } });
    expect(run).toMatchObject({ code: 0, stderr: "" });
  });
});

test("ARTIFACTSTORE_SERVER names the server as --server does", async () => {
  const run = await cli(["show", "demo@1.0"], { cwd: dir, env: { ARTIFACTSTORE_SERVER: `${server.url}/` } });
  expect(run).toEqual(await through(server.url, ["show", "demo@1.0"]));
});

describe("a server that does not answer", async () => {
  const url = await nobody();
  test.each(["show demo@1", "ls", "fetch demo@1 somewhere", "events tail", "events tail --follow", "doctor", "health"])(
    "%s: exit code 6, the URL, and what to do",
    async (line) => {
      const run = await through(url, [...line.split(" "), "--json"], { cwd: dir });
      expect(run).toMatchObject({ code: 6, stdout: "" });
      const { error } = JSON.parse(run.stderr.trim().split("\n").at(-1) as string);
      expect(error).toMatchObject({ code: "server_unavailable", data: { server: url } });
      expect(error.message).toStartWith(`No answer from ${url}: `);
      expect(error.message).toEndWith("; is the server running, and is the URL right?");
    },
  );

  test("something else answers: that is said", async () => {
    const other = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("<p>hello</p>") });
    const page = { headers: { "content-type": "text/html" } };
    const html = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("<p>hello</p>", page) });
    const lost = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("no", { status: 404 }) });
    try {
      for (const { url } of [other, html]) {
        for (const line of ["show demo@1", "ls", "events tail", "health", "doctor"]) {
          const run = await through(url.origin, line.split(" "));
          expect({ line, code: run.code, stdout: run.stdout }).toEqual({ line, code: 6, stdout: "" });
          expect(run.stderr).toContain(url.origin);
        }
      }
      const run = await through(lost.url.origin, ["ls"]);
      expect(run.code).toBe(4);
      expect(run.stderr).toContain("is this the URL of an artifact-store server");
    } finally {
      for (const each of [other, html, lost]) await each.stop(true);
    }
  });
});

describe("a URL that names no server", () => {
  test.each([
    "nonsense",
    "ftp://127.0.0.1",
    "http://user:secret@127.0.0.1",
    "http://secret@127.0.0.1",
    "http://a/?x=secret",
  ])("%s is a usage error, and shows no secret", async (url) => {
    const run = await through(url, ["ls"], { cwd: dir });
    expect(run).toMatchObject({ code: 2, stdout: "" });
    if (url.includes("@")) expect(run.stderr).not.toContain("secret");
    expect(run.stderr).toContain("client.server");
  });
});
