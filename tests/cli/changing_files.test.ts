/** A directory that somebody works in while it is ingested. The races are run for real. */
import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, renameSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readFile } from "../../cli/files/read.ts";
import { type FileFound, walk } from "../../cli/files/walk.ts";
import { collect } from "../../core/mod.ts";
import { cli, ingest, json, jsonLines, ok, PATIENCE, type RuntimeName, temporary } from "./support.ts";
import { noise, put } from "./trees.ts";

const CHANGER = fileURLToPath(new URL("./changer.ts", import.meta.url));
setDefaultTimeout(PATIENCE);
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
  mkdirSync(join(outside, "secret-directory"), { recursive: true });
  for (let i = 0; i < 5; i++) {
    put(outside, `secret-${i}`, "secret");
    symlinkSync("secret-0", join(outside, `secret-link-${i}`));
    put(tree, `place/mine-${i}`, "mine");
  }
  const link = join(dir, "link");
  symlinkSync(outside, link);
  await change("swap", join(tree, "place"), link);
  // Looking at the names alone, about one round in a hundred got out.
  let noticed = 0;
  for (let taken = 0; noticed < 3000 || taken < 3000; ) {
    const found = await walk(tree);
    noticed += found.refused.length > 0 ? 1 : 0;
    expect(found.entries.filter(({ path }) => path.includes("secret"))).toEqual([]);
    for (const entry of found.entries) {
      if (entry.kind !== "file") continue;
      taken++;
      const content = await collect(
        readFile(entry, () => {}),
        100,
      ).catch(() => undefined);
      if (content !== undefined) expect(new TextDecoder().decode(content)).toBe("mine");
    }
  }
});

test("a file whose directory was swapped after the walk is not read through the link", async () => {
  const tree = join(dir, "later");
  put(tree, "place/file", "mine");
  const { entries } = await walk(tree);
  const [entry] = entries as [FileFound];
  renameSync(join(tree, "place"), join(tree, "moved"));
  symlinkSync("moved", join(tree, "place"));
  // Same file, same bytes, same inode: but the way to it leads over a link now.
  const reading = collect(
    readFile(entry, () => {}),
    100,
  );
  expect(await reading.then(String, (error) => error.code)).toBe("source_changed");
});
