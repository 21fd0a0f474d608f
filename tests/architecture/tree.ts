/** The project as data: every rule works on a `Tree`, so that tests can feed it a small one with one thing wrong. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { type Import, type SourceFile, scanFile } from "./scan.ts";

export const ROOT = join(import.meta.dir, "..", "..");

/** What ships. Tests and scripts are held to size and form only. */
export const SHIPPED = ["mod.ts", "core", "adapters", "server", "cli", "sdk", "migrations"] as const;
export const ALL = [...SHIPPED, "tests", "scripts"] as const;

export interface Tree {
  readonly files: readonly SourceFile[];
}

export interface Violation {
  readonly path: string;
  readonly line: number;
  readonly message: string;
}

export type Rule = (tree: Tree) => Violation[];

export function show(violations: readonly Violation[]): string {
  return violations.map((v) => `${v.path}:${v.line}: ${v.message}`).join("\n");
}

export function fixture(sources: Readonly<Record<string, string>>): Tree {
  return { files: Object.entries(sources).map(([path, source]) => scanFile(path, source)) };
}

export function readTree(tops: readonly string[] = SHIPPED): Tree {
  const paths = tops.flatMap((top) => listFiles(top)).filter((path) => /\.(ts|tsx|mts|cts)$/.test(path));
  return { files: paths.map((path) => scanFile(path, readFileSync(join(ROOT, path), "utf8"))) };
}

function listFiles(path: string): string[] {
  const stat = statSync(join(ROOT, path), { throwIfNoEntry: false });
  if (stat === undefined) return [];
  if (stat.isFile()) return [path];
  const names = readdirSync(join(ROOT, path)).sort();
  return names.filter((name) => name !== "node_modules").flatMap((name) => listFiles(`${path}/${name}`));
}

/** Where an import points: a file of the project, a package, a runtime module (`node:fs`), or nobody can tell. */
export type Target =
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "package"; readonly name: string }
  | { readonly kind: "runtime"; readonly name: string }
  | { readonly kind: "computed" };

export function targetOf(file: SourceFile, { specifier }: Import): Target {
  if (specifier === undefined) return { kind: "computed" };
  if (specifier.startsWith(".")) return { kind: "file", path: posix.join(dirname(file.path), specifier) };
  if (/^(node|bun|deno|npm|jsr|https?|file|data):/.test(specifier) || specifier === "bun") {
    return { kind: "runtime", name: specifier };
  }
  const parts = specifier.split("/");
  return { kind: "package", name: parts.slice(0, specifier.startsWith("@") ? 2 : 1).join("/") };
}

/** True when `path` is `place` or lies in the folder `place/`. A trailing `*` matches the rest of a name. */
export function inside(path: string, place: string): boolean {
  if (place.endsWith("*")) return path.startsWith(place.slice(0, -1));
  return path === place || path.startsWith(`${place}/`);
}

export function insideAny(path: string, places: readonly string[]): boolean {
  return places.some((place) => inside(path, place));
}

/** Walks every import of the files that `select` accepts. */
export function checkImports(
  tree: Tree,
  select: (file: SourceFile) => boolean,
  check: (file: SourceFile, target: Target, item: Import) => string | undefined,
): Violation[] {
  return tree.files.filter(select).flatMap((file) =>
    file.imports.flatMap((item) => {
      const message = check(file, targetOf(file, item), item);
      return message === undefined ? [] : [{ path: file.path, line: item.line, message }];
    }),
  );
}
