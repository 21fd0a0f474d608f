/** Trees of files, links and empty directories: in a package, on disk, and compared. */
import { expect } from "bun:test";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { collect, type PackageEntry, type Registry } from "../../core/mod.ts";
import { caller, pattern, source, text } from "./registry_fixture.ts";

export type Node =
  | { kind: "file"; content: Uint8Array; executable: boolean }
  | { kind: "directory" }
  | { kind: "symlink"; target: string };
export type Tree = ReadonlyMap<string, Node>;

/** As paths and contents, so that two trees can be compared. */
export const shown = (tree: Tree) =>
  Object.fromEntries(
    [...tree].map(([path, node]) => [
      path,
      node.kind === "file" ? `${node.executable ? "x" : "-"} ${Bun.hash(node.content)} ${node.content.length}` : node,
    ]),
  );

export async function entriesOf(registry: Registry, id: string): Promise<PackageEntry[]> {
  const all: PackageEntry[] = [];
  for (let cursor: string | undefined; ; ) {
    const page = await registry.listFiles(caller, id, { limit: 1000, ...(cursor && { cursor }) });
    all.push(...page.items);
    cursor = page.cursor;
    if (cursor === undefined) return all;
  }
}

export async function exported(
  registry: Registry,
  id: string,
  format: "tar" | "zip",
): Promise<Uint8Array<ArrayBuffer>> {
  return await collect((await registry.exportArchive(caller, { package: id, format })).body, 2 ** 30);
}

export async function fill(registry: Registry, packageId: string, tree: Tree): Promise<void> {
  for (const [path, node] of tree) {
    if (node.kind === "directory") await registry.addDirectory(caller, { packageId, path });
    else if (node.kind === "symlink") await registry.addSymlink(caller, { packageId, path, target: node.target });
    else {
      const { content, executable } = node;
      await registry.ingestFile(caller, { packageId, path, source: source(content), executable });
    }
  }
}

export async function held(registry: Registry, packageId: string): Promise<Tree> {
  const tree = new Map<string, Node>();
  for (const entry of await entriesOf(registry, packageId)) {
    if (entry.kind !== "file")
      tree.set(
        entry.path,
        entry.kind === "symlink" ? { kind: "symlink", target: entry.target } : { kind: "directory" },
      );
    else {
      const content = await collect((await registry.openFile(caller, entry)).body, 2 ** 30);
      tree.set(entry.path, { kind: "file", content, executable: entry.executable });
    }
  }
  return tree;
}

export function onDisk(root: string, tree: Tree): string {
  mkdirSync(root, { recursive: true });
  for (const [path, node] of tree) {
    const at = join(root, path);
    mkdirSync(join(at, ".."), { recursive: true });
    if (node.kind === "directory") mkdirSync(at, { recursive: true });
    else if (node.kind === "symlink") symlinkSync(node.target, at);
    else {
      writeFileSync(at, node.content);
      chmodSync(at, node.executable ? 0o755 : 0o644);
    }
  }
  return root;
}

/** Files, links and empty directories below `root`. */
export function fromDisk(root: string, below = "", tree = new Map<string, Node>()): Tree {
  for (const name of readdirSync(join(root, below))) {
    const path = below === "" ? name : `${below}/${name}`;
    const at = join(root, path);
    const stat = lstatSync(at);
    if (stat.isSymbolicLink()) tree.set(path, { kind: "symlink", target: readlinkSync(at) });
    else if (stat.isFile()) {
      const executable = (stat.mode & 0o777) === 0o755;
      expect([path, stat.mode & 0o777]).toEqual([path, executable ? 0o755 : 0o644]);
      tree.set(path, { kind: "file", content: readFileSync(at), executable });
    } else if (readdirSync(at).length === 0) tree.set(path, { kind: "directory" });
    else fromDisk(root, path, tree);
  }
  return tree;
}

export function run(command: readonly string[], cwd: string): string {
  const { exitCode, stdout, stderr } = Bun.spawnSync([...command], { cwd, env: { ...process.env, LC_ALL: "C.UTF-8" } });
  expect({ command, exitCode, stderr: stderr.toString() }).toEqual({ command, exitCode: 0, stderr: "" });
  return stdout.toString();
}

/** Everything that names, modes and links can be, on a real file system as well. */
export const AWKWARD: Tree = new Map<string, Node>([
  ["plain.txt", { kind: "file", content: text("plain\n"), executable: false }],
  ["empty", { kind: "file", content: new Uint8Array(0), executable: false }],
  ["-rf", { kind: "file", content: text("a leading dash"), executable: true }],
  ["--checkpoint-action=exec=x", { kind: "file", content: text("dashes"), executable: false }],
  ["with space/and  two /tab\there", { kind: "file", content: text("s"), executable: false }],
  ["new\nline", { kind: "file", content: text("n"), executable: false }],
  ['quote"and\\backslash*?[x]', { kind: "file", content: text("q"), executable: false }],
  ["ünïcödé/日本語/😀.bin", { kind: "file", content: pattern(70_000), executable: true }],
  [`${"n".repeat(99)}/${"m".repeat(100)}`, { kind: "file", content: text("199"), executable: false }],
  ["n".repeat(100), { kind: "file", content: text("100"), executable: false }],
  ["n".repeat(101), { kind: "file", content: text("101"), executable: false }],
  ["x".repeat(255), { kind: "file", content: text("255"), executable: true }],
  [
    Array.from({ length: 9 }, (_, i) => `${i}`.repeat(120)).join("/"),
    { kind: "file", content: text("deep"), executable: false },
  ],
  ["é".repeat(120), { kind: "file", content: text("240 bytes"), executable: false }],
  ["nothing in here", { kind: "directory" }],
  [`deep/${"d".repeat(200)}/still nothing`, { kind: "directory" }],
  ["link", { kind: "symlink", target: "plain.txt" }],
  ["dangling", { kind: "symlink", target: "nowhere/to be found" }],
  ["deep/up", { kind: "symlink", target: "../ünïcödé/日本語" }],
  ["long link", { kind: "symlink", target: `deep/${"t".repeat(150)}/é` }],
  ["5 MiB", { kind: "file", content: pattern(5 * 1024 * 1024 + 3, 9), executable: false }],
  ["block", { kind: "file", content: pattern(512), executable: false }],
  ["block and one", { kind: "file", content: pattern(513), executable: false }],
]);
