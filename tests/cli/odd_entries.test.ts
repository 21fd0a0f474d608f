/** What a package cannot keep is said, one entry after the other, and never kept by half. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cli, type Ingested, jsonLines, ok, PATIENCE, RUNTIME_NAMES, type RuntimeName, temporary } from "./support.ts";
import { notUtf8, put, specialTree } from "./trees.ts";

setDefaultTimeout(PATIENCE);
const dir = temporary("odd");
const args = ["--name", "odd", "--retention-class", "transient"];

interface Tried {
  readonly code: number;
  readonly left: Readonly<Record<string, string>>;
  readonly done: Ingested | undefined;
  readonly stderr: string;
}

async function tryIngest(tree: string, runtime: RuntimeName, ...more: string[]): Promise<Tried> {
  const data = join(dir, `data-${runtime}`);
  const { code, stdout, stderr } = await cli(["ingest", tree, ...args, "--json", ...more], { data, runtime });
  const said = jsonLines(stderr) as { note?: { path?: string; reason?: string } }[];
  const notes = said.flatMap(({ note }) => (note?.path === undefined ? [] : [[note.path, note.reason]]));
  const [done] = jsonLines(stdout) as unknown as Ingested[];
  return { code, left: Object.fromEntries(notes), done, stderr };
}

describe.each(RUNTIME_NAMES)("on %s", (runtime) => {
  test("links out of the root, pipes and sockets are named and left out, exit code 3", async () => {
    const tree = join(dir, `special-${runtime}`);
    const special = await specialTree(tree);
    try {
      const { code, left, done } = await tryIngest(tree, runtime);
      expect(code).toBe(3);
      expect(left).toEqual({
        absolute: "is a symlink that leaves the directory",
        out: "is a symlink that leaves the directory",
        sneaky: "is a symlink that leaves the directory",
        pipe: "is a device, socket or pipe",
        socket: "is a device, socket or pipe",
      });
      expect(done?.file_count).toBe(1);
    } finally {
      special.close();
    }
  });

  test("names that are not UTF-8 stop the ingest, unless it may skip them", async () => {
    const tree = join(dir, `bytes-${runtime}`);
    put(tree, "kept", "kept");
    writeFileSync(notUtf8(tree, "file"), "x");
    mkdirSync(notUtf8(tree, "directory"));
    writeFileSync(notUtf8(tree, "twice"), "other");
    put(tree, "twice\ufffd\ufffd", "this one has a good name");
    symlinkSync(notUtf8("", "x").subarray(1), join(tree, "link"));
    const left = {
      "file\ufffd\ufffd": "has a name that is not UTF-8",
      "directory\ufffd\ufffd": "has a name that is not UTF-8",
      "twice\ufffd\ufffd": "has a name that is not UTF-8",
      link: "is a symlink whose target is not UTF-8",
    };
    const refused = await tryIngest(tree, runtime);
    expect(refused).toMatchObject({ code: 4, left, done: undefined });
    const skipped = await tryIngest(tree, runtime, "--skip-unreadable");
    expect(skipped).toMatchObject({ code: 3, left });
    const data = join(dir, `data-${runtime}`);
    const target = join(dir, `fetched-${runtime}`);
    await ok(["fetch", (skipped.done as Ingested).package_id, target], { data, runtime });
    expect(await Bun.file(join(target, "twice\ufffd\ufffd")).text()).toBe("this one has a good name");
  });

  test("two names that are one after Unicode normalisation are refused, and which", async () => {
    const tree = join(dir, `nfc-${runtime}`);
    put(tree, "a/e\u0301", "decomposed");
    put(tree, "a/\u00e9", "composed");
    const { code, done, stderr } = await tryIngest(tree, runtime);
    expect({ code, done }).toEqual({ code: 4, done: undefined });
    expect(jsonLines(stderr)).toMatchObject([{ error: { code: "path_conflict" } }]);
    expect(stderr).toContain('"a/e\u0301');
  });
});

test("the store leaves itself out", async () => {
  const tree = join(dir, "self");
  put(tree, "file", "mine");
  const where = { cwd: tree };
  const first = await cli(["ingest", ".", ...args, "--json"], where);
  expect(first.code).toBe(3);
  expect(jsonLines(first.stdout)).toMatchObject([
    { file_count: 1, ingest: { refused: [{ path: "data", reason: "belongs to this store itself" }] } },
  ]);
  for (const inside of ["data", "data/objects"]) {
    const refused = await cli(["ingest", inside, ...args], where);
    expect(refused).toMatchObject({ code: 2, stdout: "" });
    expect(refused.stderr).toContain("belongs to this store itself");
  }
});

describe("what may not be read", () => {
  const root = process.getuid?.() === 0;
  // Root reads everything: be nobody for a moment.
  const asNobody = root ? { uid: 65534, gid: 65534 } : {};

  test("is named with the reason and stops the ingest, unless it may be skipped", async () => {
    const tree = join(dir, "unreadable");
    put(tree, "kept", "kept");
    chmodSync(put(tree, "secret", "secret"), 0o000);
    put(tree, "locked/inside", "inside");
    chmodSync(join(tree, "locked"), 0o000);
    chmodSync(dir, 0o711);
    const data = join(dir, "data-of-nobody");
    mkdirSync(data);
    chmodSync(data, 0o777);
    const script = join(import.meta.dirname, "../../cli/main.ts");
    const run = (...more: string[]) =>
      spawnSync(process.execPath, [script, "ingest", tree, ...args, "--json", "--data-dir", join(data, "d"), ...more], {
        ...asNobody,
        cwd: data,
        encoding: "utf8",
        env: { PATH: process.env.PATH ?? "", HOME: data },
      });
    const refused = run();
    expect(refused.status).toBe(4);
    // Said before a byte is stored.
    expect(jsonLines(refused.stderr)[0]).toMatchObject({
      note: { path: "locked", reason: expect.stringContaining("EACCES") },
    });
    const skipped = run("--skip-unreadable");
    expect(skipped.status).toBe(3);
    expect(jsonLines(skipped.stdout)).toMatchObject([
      {
        file_count: 1,
        ingest: { refused: [{ path: "locked" }, { path: "secret", reason: expect.stringContaining("EACCES") }] },
      },
    ]);
    chmodSync(join(tree, "locked"), 0o700);
  });
});
