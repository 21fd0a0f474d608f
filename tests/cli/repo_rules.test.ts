/** `repo rules`: set, shown, asked and tried out, on the store and through a server alike, on every runtime. */
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { serveStore, through } from "./server_support.ts";
import { cli, commandLine, environment, PATIENCE, ROOT, RUNTIME_NAMES, type Run, temporary } from "./support.ts";

setDefaultTimeout(PATIENCE);
const dir = temporary("repo-rules");
const data = join(dir, "data");
mkdirSync(data);
const server = await serveStore({ data });
afterAll(() => server.stop());

const TYPE = "application/vnd.oci.image.index.v1+json";
const INDEX = JSON.stringify({ schemaVersion: 2, mediaType: TYPE, manifests: [] });
for (const at of ["acme/app/manifests/v1", "acme/app/manifests/latest", "web/manifests/v1"]) {
  const answer = await fetch(`${server.url}/v2/${at}`, {
    method: "PUT",
    headers: { "content-type": TYPE },
    body: INDEX,
  });
  expect(answer.status).toBe(201);
}

const file = (name: string, content: unknown): string => {
  const path = join(dir, name);
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  return path;
};
const RELEASES = { repositories: "acme/*", tags: "v[0-9]*" };
const releases = file("releases.json", [RELEASES]);

/** What both doors say, which is the same. */
async function both(args: readonly string[]): Promise<Run> {
  const here = await cli(args, { data });
  expect(await through(server.url, args)).toEqual(here);
  return here;
}
const rules = (...args: string[]) => both(["repo", "rules", ...args]);
const lines = (run: Run) => run.stdout.trimEnd().split("\n");

describe("repo rules", () => {
  test("are none, then those that are set, and shown as they are set", async () => {
    expect(lines(await rules("show"))).toEqual(["no rules, and there never were"]);
    const set = await rules("set", releases, "--reason", "releases stay");
    expect(set.code).toBe(0);
    expect(lines(set)).toEqual([
      expect.stringMatching(/^revision 1, set \S+Z by local:\S+: releases stay$/),
      "RULE  REPOSITORIES  TAGS",
      "   1  acme/*        v[0-9]*",
    ]);
    expect(await rules("show")).toEqual(set);
    const shown = JSON.parse((await rules("show", "--json")).stdout);
    expect(shown).toMatchObject({ revision: 1, rules: [RELEASES], reason: "releases stay" });
  });

  test("say which of them decides about a tag", async () => {
    expect(lines(await rules("test", "acme/app", "v1"))).toEqual([
      "acme/app:v1 is immutable: rule 1 (v[0-9]* in acme/*)",
    ]);
    expect(lines(await rules("test", "acme/team/app", "v1"))).toEqual(["acme/team/app:v1 is free: no rule has it"]);
    expect(JSON.parse((await rules("test", "acme/x", "v7", "--json")).stdout)).toEqual({
      repository: "acme/x",
      tag: "v7",
      immutable: true,
      rule: { position: 1, ...RELEASES },
    });
    const others = file("others.json", { rules: [{ repositories: "web", tags: "*" }, RELEASES] });
    expect(lines(await rules("test", "web", "v1", "--rules", others))).toEqual([
      "web:v1 is immutable: rule 1 (* in web)",
    ]);
    expect((await rules("test", "Web", "v1")).code).toBe(2);
    expect((await rules("test", "web", ".v1")).code).toBe(2);
  });

  test("can be tried: what would become immutable, and what free", async () => {
    const other = file("other.json", [{ repositories: "*", tags: "v1" }]);
    expect(lines(await rules("set", other, "--dry-run"))).toEqual([
      "3 tags, 1 of them immutable (revision 1)",
      "1 would become immutable",
      "  web:v1 (rule 1)",
      "1 would become free",
      "  acme/app:v1 (rule 1)",
    ]);
    const { stdout } = await rules("set", other, "--dry-run", "--json");
    expect(JSON.parse(stdout)).toMatchObject({ tags: 3, immutable: 1, becoming_free: { count: 1 } });
    expect(JSON.parse((await rules("show", "--json")).stdout).revision).toBe(1);
  });

  test("that somebody else set meanwhile are not overwritten", async () => {
    const behind = file("behind.json", { revision: 0, rules: [], set_by: "whoever" });
    const refused = await rules("set", behind, "--reason", "x");
    expect([refused.code, refused.stdout]).toEqual([4, ""]);
    expect(refused.stderr).toContain("The tag rules are at revision 1, not 0");
    expect((await rules("set", releases, "--reason", "x", "--expected", "1")).code).toBe(0);
    expect((await rules("set", file("empty.json", []), "--reason", "x", "--expected", "7")).code).toBe(4);
  });

  test.each([
    ["no reason", [RELEASES], [], "Say why with --reason"],
    ["no JSON", "{", ["--reason", "x"], "wrong.json is not a JSON file"],
    ["no list", {}, ["--reason", "x"], "a list of rules is wanted"],
    ["a member too many", [{ ...RELEASES, except: "x" }], ["--reason", "x"], "a list of rules is wanted"],
    ["a malformed pattern", [{ ...RELEASES, tags: "v[" }], ["--reason", "x"], "Rule 1, tags: The pattern"],
    ["a revision that is none", { rules: [], revision: "1" }, ["--reason", "x"], "`revision` is a whole number"],
  ] as const)("are refused: %s", async (_name, content, more, why) => {
    const refused = await rules("set", file("wrong.json", content), ...more);
    expect([refused.code, refused.stdout]).toEqual([2, ""]);
    expect(refused.stderr).toContain(why);
  });

  test("that never end are not read for ever", async () => {
    for (const endless of ["/dev/zero", "/dev/urandom"]) {
      const { code, stderr } = await rules("set", endless, "--reason", "x");
      expect([code, stderr]).toEqual([4, `artifactstore: ${endless} has more than 1048576 bytes\n`]);
    }
  });

  test.each(RUNTIME_NAMES)("are read from standard input on %s", async (runtime) => {
    const args = ["repo", "rules", "set", "-", "--reason", `from ${runtime}`, "--json", "--server", server.url];
    const stdin = new TextEncoder().encode(JSON.stringify([RELEASES, { repositories: "web", tags: runtime }]));
    const child = Bun.spawn(commandLine(args, { runtime }), { cwd: ROOT, env: environment(), stdin, stdout: "pipe" });
    const [text, code] = [await new Response(child.stdout).text(), await child.exited];
    expect([code, JSON.parse(text).rules[1]]).toEqual([0, { repositories: "web", tags: runtime }]);
  });
});
