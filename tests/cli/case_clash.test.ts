/** Names that differ only in case are kept, and whoever finalises is told: on the terminal, as JSON, in the server's log. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cli, difference, type Json, jsonLines, ok, PATIENCE, start, temporary, until } from "./support.ts";

setDefaultTimeout(PATIENCE);
const dir = temporary("case-clash");
const data = join(dir, "data");
const tree = join(dir, "tree");
mkdirSync(tree);
for (const name of ["README.txt", "readme.txt", "other"]) writeFileSync(join(tree, name), name);
const args = (name: string) => ["ingest", tree, "--name", name, "--version", "1", "--retention-class", "transient"];

test("ingest prints it and succeeds, and all of them come back", async () => {
  const run = await cli(args("shown"), { data });
  expect(run.code).toBe(0);
  expect(run.stderr).toMatch(/warning: Paths differ only in case, such as "README.txt" and "readme.txt"/);
  await ok(["fetch", "shown@1", join(dir, "out")], { data });
  expect(difference(tree, join(dir, "out"))).toBe("");
});

test("ingest --json has it in the answer, too", async () => {
  const run = await cli([...args("json"), "--json"], { data });
  const answer = jsonLines(run.stdout).at(-1) as Json;
  expect(answer.warnings).toMatchObject([{ code: "case_clash", count: 1, examples: [["README.txt", "readme.txt"]] }]);
});

test("the server's log tells it with the request", async () => {
  const server = start(["serve", "--listen", "127.0.0.1:0", "--set", "log.format=json"], { data: join(dir, "served") });
  const said = { out: "", log: "" };
  const read = async (stream: ReadableStream<Uint8Array>, where: keyof typeof said) => {
    const decoder = new TextDecoder();
    for await (const chunk of stream) said[where] += decoder.decode(chunk, { stream: true });
  };
  void read(server.stdout, "out");
  void read(server.stderr, "log");
  try {
    const url = await until(() => / listens on (\S+)\n/.exec(said.out)?.[1]);
    const headers = { "content-type": "application/json" };
    const body = JSON.stringify({ name: "served", retention_class: "transient" });
    const made = await fetch(`${url}/packages`, { method: "POST", headers, body });
    const { package_id: id } = (await made.json()) as { package_id: string };
    for (const name of ["A", "a"]) await fetch(`${url}/packages/${id}/files/${name}`, { method: "PUT", body: name });
    await fetch(`${url}/packages/${id}/finalize`, { method: "POST" });
    const entry = await until(() =>
      said.log
        .split("\n")
        .slice(0, -1)
        .map((line) => JSON.parse(line) as Json)
        .find((line) => String(line.path).endsWith("/finalize")),
    );
    expect(entry).toMatchObject({ level: "warn", status: 200, warnings: ["case_clash"] });
  } finally {
    server.kill();
    await server.exited;
  }
});
