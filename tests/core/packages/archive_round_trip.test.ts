/** What goes out as a tar comes in again as it was, whatever it is called; zip and tar mean the same to other programs. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { openSqliteDatabase } from "../../../adapters/database-sqlite/mod.ts";
import { createFsStorage } from "../../../adapters/storage-fs/mod.ts";
import { zstdDecompressor } from "../../../adapters/zstd/mod.ts";
import { type ArchiveInputFormat, type PackageEntry, type Registry, staysInside } from "../../../core/mod.ts";
import {
  AWKWARD,
  entriesOf,
  exported,
  fill,
  fromDisk,
  held,
  type Node,
  onDisk,
  run,
  shown,
  type Tree,
} from "../../support/archive_trees.ts";
import {
  caller,
  closeFixtures,
  newPackage,
  openFixture,
  pattern,
  settableClock,
  source,
  text,
} from "../../support/registry_fixture.ts";
import { temporaryDirectory } from "../../support/storage_temporary.ts";

const directory = temporaryDirectory("archive");
let registry: Registry;
const clock = settableClock();
beforeAll(async () => {
  const database = await openSqliteDatabase({ path: `${directory.path}/a.db` });
  const zstd = zstdDecompressor();
  const storage = createFsStorage({ root: `${directory.path}/objects` });
  ({ registry } = await openFixture({ database, storage, clock, ...(zstd && { zstd }) }));
});
afterAll(async () => {
  await closeFixtures();
  directory.remove();
});

const fresh = async () => (await newPackage(registry)).package_id;
const imported = async (packageId: string, bytes: Uint8Array, format: ArchiveInputFormat = "tar") =>
  await registry.importArchive(caller, { packageId, source: source(bytes, 10_007), format });

let places = 0;
const place = () => join(directory.path, `place-${++places}`);

describe("any tree", () => {
  const segment = fc
    .oneof(
      fc.string({ unit: "binary", minLength: 1, maxLength: 12 }),
      fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 }),
      fc.constantFrom(" ", "-", "--x", "a b", "...", "é", "e\u0301", "\ufeffbom", "\ufffd", "ſ", "a=b\n5 path=x"),
      fc.integer({ min: 90, max: 255 }).map((length) => "l".repeat(length)),
    )
    .filter((s) => s.isWellFormed() && !/[/\0]/.test(s) && s !== "." && s !== ".." && text(s).length <= 255);
  const path = fc.array(segment, { minLength: 1, maxLength: 5 }).map((parts) => parts.join("/"));
  const node: fc.Arbitrary<Node> = fc.oneof(
    fc.record({
      kind: fc.constant("file" as const),
      content: fc.oneof(fc.uint8Array({ maxLength: 1200 }), fc.constantFrom(pattern(70_000), new Uint8Array(512))),
      executable: fc.boolean(),
    }),
    fc.constant({ kind: "directory" as const }),
    fc.record({
      kind: fc.constant("symlink" as const),
      target: fc.oneof(
        path,
        path.map((p) => `../${p}`),
      ),
    }),
  );

  /** What of a list makes a tree: no name twice after NFC, nothing below what is no directory. */
  function treeOf(list: readonly (readonly [string, Node])[]): Tree {
    const tree = new Map<string, Node>();
    const keys = new Map<string, Node["kind"] | "implied">();
    for (const [at, what] of list) {
      if (what.kind === "symlink" && !staysInside(at, what.target)) continue;
      const key = at.normalize("NFC");
      const above = key
        .split("/")
        .map((_, i, parts) => parts.slice(0, i + 1).join("/"))
        .slice(0, -1);
      if (keys.has(key) || text(at).length > 4000) continue;
      if (above.some((one) => !["implied", undefined].includes(keys.get(one)))) continue;
      for (const one of above) keys.set(one, "implied");
      keys.set(key, what.kind);
      tree.set(at, what);
    }
    return tree;
  }

  test("comes back from a tar of ours with the same entries", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(path, node), { maxLength: 12 }), async (list) => {
        const tree = treeOf(list);
        const [one, two] = [await fresh(), await fresh()];
        await fill(registry, one, tree);
        const report = await imported(two, await exported(registry, one, "tar"));
        expect(await entriesOf(registry, two)).toEqual(await entriesOf(registry, one));
        expect([report.added, report.entries.map((entry) => entry.outcome)]).toEqual([
          tree.size,
          [...tree].map(() => "added"),
        ]);
      }),
      { numRuns: 60 },
    );
  }, 60_000);
});

describe("GNU tar", () => {
  test("takes ours apart into the same tree", async () => {
    const id = await fresh();
    await fill(registry, id, AWKWARD);
    const at = place();
    mkdirSync(at);
    writeFileSync(`${at}.tar`, await exported(registry, id, "tar"));
    run(["tar", "-xpf", `${at}.tar`], at);
    expect(shown(fromDisk(at))).toEqual(shown(AWKWARD));
    expect(run(["tar", "-tvf", `${at}.tar`, "link"], at)).toMatch(/^lrwxrwxrwx 0\/0 +0 2026-01-02/);
  });

  test.each<[string, readonly string[], ArchiveInputFormat]>([
    ["its own format", ["--format=gnu"], "tar"],
    ["pax", ["--format=pax", "--xattrs"], "tar"],
    ["gzip", ["-z", "--format=posix"], "tar+gzip"],
    ["zstd", ["--zstd"], "tar+zstd"],
    ["short records", ["-b1"], "tar"],
  ])("in: %s", async (_, options, format) => {
    const at = onDisk(place(), AWKWARD);
    run(["tar", "-cf", `${at}.tar`, ...options, "-C", at, "."], directory.path);
    const id = await fresh();
    const report = await imported(id, readFileSync(`${at}.tar`), format);
    expect(shown(await held(registry, id))).toEqual(shown(AWKWARD));
    expect(report.added).toBe(AWKWARD.size);
    const implied = report.entries.filter((entry) => entry.outcome === "implied");
    expect(implied.map((entry) => entry.path)).toContain("with space/and  two ");
    expect(report.bytes).toBe(
      [...AWKWARD.values()].reduce((sum, n) => sum + (n.kind === "file" ? n.content.length : 0), 0),
    );
  });

  test.each(["ustar", "v7"])("in: %s, which has no long names", async (format) => {
    const small = new Map(
      [...AWKWARD].filter(([path, n]) => text(path).length < 99 && (n.kind !== "symlink" || n.target.length < 90)),
    );
    const at = onDisk(place(), small);
    run(["tar", "-cf", `${at}.tar`, `--format=${format}`, "-C", at, "."], directory.path);
    const id = await fresh();
    await imported(id, readFileSync(`${at}.tar`));
    expect(shown(await held(registry, id))).toEqual(shown(small));
  });

  test("hard links become files with the content and the bit of the one they name", async () => {
    const at = onDisk(place(), new Map([["a/tool", { kind: "file", content: text("#!"), executable: true }]]));
    run(["ln", "a/tool", "b"], at);
    run(["ln", "a/tool", "a/c"], at);
    run(["tar", "-cf", `${at}.tar`, "a/tool", "b", "a/c"], at);
    const id = await fresh();
    await imported(id, readFileSync(`${at}.tar`));
    const tree = await held(registry, id);
    expect([...tree.keys()]).toEqual(["a/c", "a/tool", "b"]);
    expect(new Set(Object.values(shown(tree))).size).toBe(1);
    expect((await entriesOf(registry, id)).every((entry) => entry.kind === "file" && entry.executable)).toBe(true);
  });

  test("sparse files are refused, in each of its sparse formats", async () => {
    const at = place();
    mkdirSync(at);
    run(["truncate", "-s", "1M", "holes"], at);
    for (const version of ["--format=gnu", "--sparse-version=0.0", "--sparse-version=0.1", "--sparse-version=1.0"]) {
      run(["tar", "-Scf", `${at}.tar`, ...(version.startsWith("--s") ? ["--format=pax"] : []), version, "holes"], at);
      await expect(imported(await fresh(), readFileSync(`${at}.tar`))).rejects.toMatchObject({
        code: "archive_refused",
      });
    }
  });

  test("what git archive writes, with its global header", async () => {
    const at = onDisk(place(), new Map([["src/a.ts", { kind: "file", content: text("a"), executable: false }]]));
    run(["git", "-c", "init.defaultBranch=main", "init", "-q"], at);
    run(["git", "add", "."], at);
    run(["git", "-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-qm", "one"], at);
    run(["git", "archive", "--format=tar", "-o", `${at}.tar`, "HEAD"], at);
    const id = await fresh();
    expect((await imported(id, readFileSync(`${at}.tar`))).entries).toMatchObject([
      { path: "src", kind: "directory", outcome: "implied" },
      { path: "src/a.ts", kind: "file", outcome: "added", size: 1 },
    ]);
  });
});

describe("other programs", () => {
  test("Python reads our tar and our zip, and we read its tars", async () => {
    const id = await fresh();
    await fill(registry, id, AWKWARD);
    const at = place();
    writeFileSync(`${at}.tar`, await exported(registry, id, "tar"));
    writeFileSync(`${at}.zip`, await exported(registry, id, "zip"));
    const script = `
import json, sys, tarfile, zipfile
t = tarfile.open(sys.argv[1] + ".tar")
out = {"tar": [[m.name, m.size, oct(m.mode), m.mtime, m.uid] for m in t.getmembers()]}
z = zipfile.ZipFile(sys.argv[1] + ".zip")
assert z.testzip() is None
out["zip"] = [[i.filename.rstrip("/"), i.file_size, oct(i.external_attr >> 16), i.is_dir(), i.date_time] for i in z.infolist()]
for fmt, name in ((tarfile.PAX_FORMAT, "pax"), (tarfile.GNU_FORMAT, "gnu")):
    with tarfile.open(sys.argv[1] + "." + name, "w", format=fmt) as o:
        for m in t.getmembers(): o.addfile(m, t.extractfile(m) if m.isfile() else None)
print(json.dumps(out))
`;
    const out = JSON.parse(run(["python3", "-c", script, at], directory.path));
    const entries = await entriesOf(registry, id);
    const modeOf = (entry: PackageEntry) =>
      entry.kind === "symlink" ? 0o777 : entry.kind === "directory" || entry.executable ? 0o755 : 0o644;
    const types = { file: 0o100000, directory: 0o040000, symlink: 0o120000 };
    const size = (entry: PackageEntry) => (entry.kind === "file" ? entry.size : 0);
    const seconds = Math.floor(clock.time / 1000);
    expect(out.tar).toEqual(entries.map((e) => [e.path, size(e), `0o${modeOf(e).toString(8)}`, seconds, 0]));
    expect(out.zip).toEqual(
      entries.map((e) => [
        e.path,
        e.kind === "symlink" ? text(e.target).length : size(e),
        `0o${(types[e.kind] | modeOf(e)).toString(8)}`,
        e.kind === "directory",
        [2026, 1, 2, 3, 4, 4],
      ]),
    );
    for (const name of ["pax", "gnu"]) {
      const again = await fresh();
      await imported(again, readFileSync(`${at}.${name}`));
      expect(await entriesOf(registry, again)).toEqual(entries);
    }
  });

  test("unzip makes the same tree of our zip, modes and links included", async () => {
    const id = await fresh();
    // Info-ZIP's unzip cuts names of more than its 4 KiB line and replaces control characters, so without these.
    const tree = new Map([...AWKWARD].filter(([path]) => !/[\n\t]/.test(path)));
    await fill(registry, id, tree);
    const at = place();
    mkdirSync(at);
    writeFileSync(`${at}.zip`, await exported(registry, id, "zip"));
    run(["unzip", "-tqq", `${at}.zip`], at);
    run(["unzip", "-qq", `${at}.zip`], at);
    expect(shown(fromDisk(at))).toEqual(shown(tree));
  });

  const bsdtar = Bun.which("bsdtar");
  if (bsdtar === null) console.log("bsdtar is not installed: what it says about our archives is not tested here");
  test.if(bsdtar !== null)("bsdtar reads both, the zip as a stream too", async () => {
    const id = await fresh();
    await fill(registry, id, AWKWARD);
    for (const format of ["tar", "zip"] as const) {
      const at = place();
      mkdirSync(at);
      writeFileSync(`${at}.${format}`, await exported(registry, id, format));
      run(["bsdtar", "-xpf", `${at}.${format}`], at);
      expect(shown(fromDisk(at))).toEqual(shown(AWKWARD));
    }
  });
});
