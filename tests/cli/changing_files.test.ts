/** A directory that somebody works in while it is ingested. The races are run for real. */
import { afterEach, describe, expect, test } from "bun:test";
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cli, ingest, json, jsonLines, ok, type RuntimeName, temporary } from "./support.ts";
import { noise, put } from "./trees.ts";

const CHANGER = fileURLToPath(new URL("./changer.ts", import.meta.url));
const dir = temporary("changing");
let changer: Bun.Subprocess<"ignore", "pipe", "inherit"> | undefined;

async function change(...args: string[]): Promise<void> {
  changer = Bun.spawn([process.execPath, CHANGER, ...args], { stdin: "ignore", stdout: "pipe", stderr: "inherit" });
  await changer.stdout.getReader().read();
}

afterEach(async () => {
  changer?.kill("SIGKILL");
  await changer?.exited;
  changer = undefined;
});

const BIG = 64 * 2 ** 20;
const args = ["--name", "demo", "--retention-class", "working"];

describe.each(["grow", "shrink", "rewrite"])("a big file that others %s while it is read", (mode) => {
  test.each(mode === "rewrite" ? (["bun", "deno", "node"] as RuntimeName[]) : (["bun"] as RuntimeName[]))(
    "is reported, and never stored as if it had been like that (%s)",
    async (runtime) => {
      const tree = join(dir, `${mode}-${runtime}`);
      const where = { data: join(dir, `data-${mode}-${runtime}`), runtime };
      const file = put(tree, "big", noise(BIG));
      put(tree, "still", "still");
      await change(mode, file);

      const refused = await cli(["ingest", tree, ...args], where);
      expect(refused.code).toBe(4);
      expect(refused.stderr).toContain('left out: big: "big" changed while it was read');
      expect(refused.stdout).toBe("");
      expect(jsonLines(await ok(["ls", "--json"], where))).toMatchObject([{ state: "abandoned" }]);

      const partial = await cli(["ingest", tree, ...args, "--skip-unreadable", "--json"], where);
      expect(partial.code).toBe(3);
      const [done] = jsonLines(partial.stdout);
      expect(done).toMatchObject({ state: "finalized", file_count: 1, ingest: { refused: [{ path: "big" }] } });
      expect(await json(["doctor", "--grace", "0s"], where)).toMatchObject({ healthy: true, staged: [] });
    },
  );
});

test("a file that settles is stored as it is in the end", async () => {
  const tree = join(dir, "settles");
  const where = { data: join(dir, "data-settles") };
  const file = put(tree, "big", noise(BIG));
  const running = ingest(tree, where);
  await change("once", file);
  expect(await running).toMatchObject({ file_count: 1, ingest: { refused: [] } });
  const target = join(dir, "settled");
  await ok(["fetch", (await running).package_id, target], where);
  const stored = await Bun.file(join(target, "big")).bytes();
  expect([noise(BIG).at(-1), "0".charCodeAt(0)]).toContain(stored.at(-1) as number);
});

test("a directory that changes places with a link is never followed out of the root", async () => {
  const outside = join(dir, "outside");
  const tree = join(dir, "swapped");
  for (let i = 0; i < 40; i++) {
    put(outside, `secret-${i}`, `secret ${i}`);
    mkdirSync(join(outside, `secret-directory-${i}`));
    symlinkSync("secret-0", join(outside, `secret-link-${i}`));
    put(tree, `swapped/mine-${i}`, `mine ${i}`);
    put(tree, `before/${i}`, `before ${i}`);
  }
  const link = join(dir, "link");
  symlinkSync(outside, link);
  await change("swap", join(tree, "swapped"), link);
  const where = { data: join(dir, "data-swapped") };
  let seen = 0;
  for (let round = 0; round < 12; round++) {
    const run = await cli(["ingest", tree, ...args, "--skip-unreadable"], where);
    expect([0, 3]).toContain(run.code);
    if (run.code === 3) seen++;
  }
  const log = await ok(["events", "tail", "--json"], where);
  expect(log).toContain("before/0");
  expect(log).not.toContain("secret");
  // The race was run: at least once it was noticed.
  expect(seen).toBeGreaterThan(0);
});
