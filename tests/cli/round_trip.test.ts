import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { loadHasher } from "../../adapters/hasher.ts";
import { toHex } from "../../core/mod.ts";
import {
  difference,
  executables,
  filesBelow,
  ingest,
  json,
  jsonLines,
  ok,
  output,
  PATIENCE,
  RUNTIME_NAMES,
  storedObjects,
  temporary,
} from "./support.ts";
import { AWKWARD_FILES, awkwardTree, put } from "./trees.ts";

setDefaultTimeout(PATIENCE);
const dir = temporary("round-trip");
const tree = join(dir, "tree");
awkwardTree(tree);
const lists: Record<string, string> = {};

describe.each(RUNTIME_NAMES)("on %s", (runtime) => {
  const data = join(dir, `data-${runtime}`);
  const where = { data, runtime };

  test("fetch gives back what ingest took, byte for byte, with executable bits, links and empty directories", async () => {
    const done = await ingest(tree, where, "--version", "1.0");
    const files = filesBelow(tree);
    expect(done).toMatchObject({ name: "demo", version: "1.0", state: "finalized", file_count: files.length });
    expect(done.ingest).toMatchObject({
      files: files.length,
      directories: 1,
      symlinks: 6,
      deduplicated_bytes: 100_000 + 1,
      refused: [],
    });
    const target = join(dir, `out-${runtime}`);
    await ok(["fetch", "demo@1.0", target], where);
    expect(difference(tree, target)).toBe("");
    expect(executables(target)).toEqual(executables(tree));
    expect(executables(target)).toEqual(["bin/owner-only", "bin/tool"]);
    // Every content once: two files are equal to others.
    expect(storedObjects(data)).toHaveLength(files.length - 2);
  });

  test("ls names every path exactly, and escapes what would steer a terminal", async () => {
    const entries = jsonLines(await ok(["ls", "demo@1.0", "--json"], where));
    const paths = entries.map((entry) => entry.path as string);
    for (const path of AWKWARD_FILES) expect(paths).toContain(path);
    expect(paths).toContain("empty-directory/inner with space");
    const text = await ok(["ls", "demo@1.0"], where);
    expect(text.split("\n")).toHaveLength(paths.length + 1);
    expect(text).toContain("new\\x0aline\\x09tab");
    expect(text).toContain("\\u202edesrever");
  });

  test("manifest gives canonical JSON, and the exact bytes whose digest is recorded", async () => {
    const shown = await json(["show", "demo@1.0"], where);
    const jcs = await ok(["manifest", "demo@1.0"], where);
    expect(JSON.parse(jcs).package.package_id).toBe(shown.package_id);
    expect(await ok(["manifest", "demo@1.0", "--json"], where)).toBe(jcs);
    const cbor = await output(["manifest", "demo@1.0", "--cbor"], where);
    const hasher = await loadHasher();
    const blake3 = hasher.create("blake3");
    blake3.update(cbor);
    expect(shown.manifest_digest).toBe(`blake3:${toHex(blake3.digest())}`);
    lists[runtime] = JSON.stringify(JSON.parse(jcs).files);
  });

  test("verify, replay --check, doctor and the log are clean afterwards", async () => {
    expect(await json(["verify", "demo@1.0"], where)).toMatchObject({ ok: true, damaged: [] });
    expect(await json(["replay", "--check"], where)).toMatchObject({ ok: true, differing: [] });
    expect(await json(["doctor"], where)).toMatchObject({ healthy: true, staged: [], orphans: [], missing: [] });
    const { sequence, hash } = await json(["events", "head"], where);
    expect(await json(["events", "verify", "--expect", `${sequence}:${hash}`], where)).toMatchObject({ ok: true });
  });
});

test("all three runtimes describe the same directory in the same way", () => {
  expect(Object.keys(lists)).toEqual(RUNTIME_NAMES);
  expect(new Set(Object.values(lists)).size).toBe(1);
});

describe("fetch", () => {
  const where = { data: join(dir, "fetch-data") };

  test("fills an empty directory without replacing it, and makes one with its parents", async () => {
    const source = join(dir, "small");
    put(source, "a/b", "1");
    put(source, "c", "2");
    await ingest(source, where, "--version", "1");
    const target = join(dir, "existing");
    mkdirSync(target, { mode: 0o750 });
    const before = statSync(target);
    // A shell may stand in it; `fetch name .` must fill that very directory.
    await ok(["fetch", "demo@1", "."], { ...where, cwd: target });
    expect(difference(source, target)).toBe("");
    expect(statSync(target)).toMatchObject({ ino: before.ino, mode: before.mode });
    expect(readdirSync(dir).filter((name) => name.includes("partial"))).toEqual([]);
    await ok(["fetch", "demo@1", join(dir, "not/there/yet")], where);
    expect(difference(source, join(dir, "not/there/yet"))).toBe("");
  });
});
