/** What went wrong on disk is found, named, and never handed out as if it were good: exit code 5. */
import { Database } from "bun:sqlite";
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, cpSync, existsSync, readdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import {
  cli,
  ingest,
  json,
  jsonLines,
  ok,
  PATIENCE,
  RUNTIME_NAMES,
  type RuntimeName,
  storedObjects,
  temporary,
} from "./support.ts";
import { noise, put } from "./trees.ts";

setDefaultTimeout(PATIENCE);
const dir = temporary("damage");
const tree = join(dir, "tree");
put(tree, "small", noise(1000));
put(tree, "a/large", noise(9 * 2 ** 20, 2));
put(tree, "b/large-too", noise(9 * 2 ** 20, 2));
const whole = join(dir, "whole");
const { package_id } = await ingest(tree, { data: whole }, "--version", "1");

let copies = 0;
/** A copy of the store, to be damaged. */
function copy(): string {
  const data = join(dir, `copy-${copies++}`);
  cpSync(whole, data, { recursive: true });
  return data;
}

function objectOf(data: string, size: number): string {
  const found = storedObjects(data).find((path) => Bun.file(path).size === size);
  if (found === undefined) throw new Error(`no object of ${size} bytes in ${data}`);
  chmodSync(found, 0o644);
  return found;
}

const LARGE = 9 * 2 ** 20;
const DAMAGES: Record<string, (path: string) => void> = {
  flipped(path) {
    const bytes = noise(LARGE, 2);
    bytes[LARGE - 1] = (bytes[LARGE - 1] as number) ^ 1;
    writeFileSync(path, bytes);
  },
  truncated: (path) => truncateSync(path, LARGE - 1),
  zeroed: (path) => writeFileSync(path, new Uint8Array(LARGE)),
  longer: (path) => writeFileSync(path, new Uint8Array(LARGE + 1)),
  missing: (path) => rmSync(path),
};

describe.each(Object.entries(DAMAGES))("an object that is %s", (name, damage) => {
  test.each<RuntimeName>(name === "flipped" ? [...RUNTIME_NAMES] : ["bun"])(
    "is named by verify, stops a fetch that leaves nothing behind, and stays known (%s)",
    async (runtime) => {
      const where = { data: copy(), runtime };
      const object = objectOf(where.data, LARGE);
      damage(object);

      const target = join(dir, "target", `${name}-${runtime}`);
      const fetched = await cli(["fetch", "demo@1", target], where);
      expect(fetched.code).toBe(5);
      expect(fetched.stderr).toContain(basename(object));
      expect(existsSync(target)).toBe(false);
      expect(readdirSync(join(dir, "target"))).toEqual([]);

      const verified = await cli(["verify", "demo@1", "--json"], where);
      expect(verified.code).toBe(5);
      const problem = { missing: "missing", truncated: "size", longer: "size" }[name] ?? "digest";
      expect(jsonLines(verified.stdout)).toMatchObject([
        {
          ok: false,
          damaged: [{ content_address: `blake3:${basename(object)}`, problem, paths: ["a/large", "b/large-too"] }],
        },
      ]);
      const text = await cli(["verify", package_id], where);
      expect(text.stdout).toContain("  a/large\n  b/large-too\n");
      expect((await cli(["doctor"], where)).code).toBe(5);
      expect(await json(["replay", "--check"], where)).toMatchObject({ ok: true });
    },
  );
});

test("content that is pushed again heals what was damaged", async () => {
  const where = { data: copy() };
  writeFileSync(objectOf(where.data, LARGE), new Uint8Array(LARGE));
  expect((await cli(["verify", "demo@1"], where)).code).toBe(5);
  await ingest(tree, where, "--version", "2");
  const target = join(dir, "healed");
  await ok(["fetch", "demo@1", target], where);
  expect(Buffer.compare(await Bun.file(join(target, "a/large")).bytes(), noise(LARGE, 2))).toBe(0);
  expect(await json(["verify", "demo@1"], where)).toMatchObject({ ok: true });
});

describe("a database that somebody wrote to", () => {
  const edit = (data: string, ...statements: string[]) => {
    const db = new Database(join(data, "artifact-store.db"));
    for (const statement of statements) db.run(statement);
    db.close();
  };

  test("events verify names the first event that does not fit", async () => {
    const where = { data: copy() };
    const { sequence, hash } = await json(["events", "head"], where);
    const triggers = new Database(join(where.data, "artifact-store.db"), { readonly: true })
      .query<{ name: string }, []>("select name from sqlite_master where type = 'trigger' and tbl_name = 'events'")
      .all();
    expect(() => edit(where.data, "update events set actor = 'somebody-else' where sequence = 3")).toThrow();
    edit(
      where.data,
      ...triggers.map(({ name }) => `drop trigger "${name}"`),
      "update events set actor = 'somebody-else' where sequence = 3",
    );
    const verified = await cli(["events", "verify"], where);
    expect(verified.code).toBe(5);
    expect(verified.stdout).toMatch(/BROKEN: .*\b3\b/);
    const kept = await cli(["events", "verify", "--expect", `${sequence}:${hash}`, "--json"], where);
    expect({ code: kept.code, said: jsonLines(kept.stdout)[0] }).toMatchObject({ code: 5, said: { ok: false } });
  });

  test("a log that was rewritten whole does not have the head that was kept elsewhere", async () => {
    const where = { data: copy() };
    const kept = await json(["events", "head"], where);
    const expectation = `${kept.sequence}:${kept.hash}`;
    expect((await cli(["events", "verify", "--expect", expectation], where)).code).toBe(0);
    await ok(["migrate", "--fresh", "--confirm", `destroy ${kept.sequence} events`], where);
    await ingest(tree, where);
    const verdict = await cli(["events", "verify", "--expect", expectation], where);
    expect(verdict.code).toBe(5);
    expect(verdict.stdout).toContain("rewritten");
  });

  test("replay --check finds views that the log does not explain, and replay mends them", async () => {
    const where = { data: copy() };
    edit(where.data, "update artifact_packages set name = 'stolen'");
    const check = await cli(["replay", "--check"], where);
    expect(check.code).toBe(5);
    expect(check.stdout).toContain("differs: artifact_packages");
    await ok(["replay"], where);
    expect(await json(["replay", "--check"], where)).toMatchObject({ ok: true, differing: [] });
    expect(await json(["show", "demo@1"], where)).toMatchObject({ package_id });
  });
});
