/** The registry as a few Maps: what any sequence of operations must amount to. And the sequences, for fast-check. */
import fc from "fast-check";

export const NAMES = ["demo", "team/other"] as const;
export const VERSIONS = [null, "1", "2"] as const;
/** The last two are one name after NFC. */
export const PATHS = ["a", "a/b", "a/b/c", "d", "d/e", "\u00e9", "e\u0301"] as const;
export const CONTENTS = ["", "one", "two", "three"] as const;

export type Operation =
  | { readonly do: "create"; readonly name: number; readonly version: number }
  | { readonly do: "ingest" | "replace"; readonly pkg: number; readonly path: number; readonly content: number }
  | { readonly do: "directory" | "symlink" | "remove"; readonly pkg: number; readonly path: number }
  | { readonly do: "finalize" | "abandon" | "delete"; readonly pkg: number }
  /** Reading finds the stored bytes damaged. */
  | { readonly do: "damage"; readonly content: number }
  | { readonly do: "redact"; readonly event: number };

const below = (n: number) => fc.nat({ max: n - 1 });
const pkg = below(4);
const path = below(PATHS.length);
const content = below(CONTENTS.length);

export const operations = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ do: fc.constant("create"), name: below(2), version: below(3) }) },
    { weight: 8, arbitrary: fc.record({ do: fc.constant("ingest"), pkg, path, content }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant("replace"), pkg, path, content }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constantFrom("directory", "symlink"), pkg, path }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant("remove"), pkg, path }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant("finalize"), pkg }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constantFrom("abandon", "delete"), pkg }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("damage"), content }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant("redact"), event: below(60) }) },
  ),
  { minLength: 40, maxLength: 80, size: "max" },
) as fc.Arbitrary<Operation[]>;

export interface ModelPackage {
  readonly name: string;
  readonly version: string | null;
  state: "open" | "finalized" | "abandoned" | "deleted";
  /** By path after NFC. */
  readonly entries: Map<string, { readonly path: string; readonly kind: string; readonly content?: string }>;
}

export class Model {
  readonly packages: ModelPackage[] = [];

  /** What the operation answers: `undefined` for success, else the error's code. Not asked for `damage` and `redact`. */
  apply(op: Operation): string | undefined {
    if (op.do === "damage" || op.do === "redact") return undefined;
    if (op.do === "create") {
      const [name, version] = [NAMES[op.name] as string, VERSIONS[op.version] as string | null];
      if (this.#released(name, version)) return "version_exists";
      this.packages.push({ name, version, state: "open", entries: new Map() });
      return undefined;
    }
    const found = this.packages[op.pkg];
    if (found === undefined || found.state === "deleted") return "package_not_found";
    switch (op.do) {
      case "delete":
        found.state = "deleted";
        found.entries.clear();
        return undefined;
      case "abandon":
        if (found.state === "finalized") return "package_not_open";
        found.state = "abandoned";
        return undefined;
      case "finalize":
        if (found.state === "finalized") return undefined;
        if (found.state === "abandoned") return "package_not_open";
        for (const key of found.entries.keys()) if (this.#blocked(found, key)) return "path_conflict";
        if (this.#released(found.name, found.version)) return "version_exists";
        found.state = "finalized";
        return undefined;
    }
    if (found.state !== "open") return "package_not_open";
    const given = PATHS[op.path] as string;
    const key = given.normalize("NFC");
    const existing = found.entries.get(key);
    if (op.do === "remove") {
      if (existing?.path !== given) return "file_not_found";
      found.entries.delete(key);
      return undefined;
    }
    if (existing === undefined && op.do === "replace") return "file_not_found";
    if (existing !== undefined && existing.path !== given) return "path_conflict";
    if (existing !== undefined && op.do !== "replace") return "path_exists";
    if (this.#blocked(found, key)) return "path_conflict";
    const kind = op.do === "directory" || op.do === "symlink" ? op.do : "file";
    const bytes = "content" in op ? { content: CONTENTS[op.content] as string } : {};
    found.entries.set(key, { path: given, kind, ...bytes });
    return undefined;
  }

  #released(name: string, version: string | null): boolean {
    return (
      version !== null && this.packages.some((p) => p.state === "finalized" && p.name === name && p.version === version)
    );
  }

  /** Something above the path is not a directory. */
  #blocked(found: ModelPackage, key: string): boolean {
    const parts = key.split("/");
    return parts.slice(1).some((_, i) => {
      const above = found.entries.get(parts.slice(0, i + 1).join("/"));
      return above !== undefined && above.kind !== "directory";
    });
  }
}

/** One sequence in which every operation succeeds and every refusal comes, whatever chance adds to it. */
export const EVERYTHING: Operation[] = [
  { do: "create", name: 0, version: 1 },
  { do: "create", name: 0, version: 1 },
  { do: "create", name: 1, version: 0 },
  { do: "ingest", pkg: 0, path: 1, content: 1 },
  { do: "ingest", pkg: 0, path: 1, content: 2 },
  { do: "ingest", pkg: 0, path: 0, content: 1 },
  { do: "ingest", pkg: 0, path: 2, content: 1 },
  { do: "finalize", pkg: 0 },
  { do: "remove", pkg: 0, path: 0 },
  { do: "remove", pkg: 0, path: 0 },
  { do: "replace", pkg: 0, path: 0, content: 3 },
  { do: "replace", pkg: 0, path: 1, content: 3 },
  { do: "directory", pkg: 0, path: 3 },
  { do: "symlink", pkg: 0, path: 4 },
  { do: "ingest", pkg: 0, path: 5, content: 0 },
  { do: "ingest", pkg: 0, path: 6, content: 0 },
  { do: "damage", content: 3 },
  { do: "ingest", pkg: 1, path: 0, content: 3 },
  { do: "finalize", pkg: 0 },
  { do: "finalize", pkg: 0 },
  { do: "finalize", pkg: 1 },
  { do: "create", name: 0, version: 1 },
  { do: "ingest", pkg: 0, path: 3, content: 1 },
  { do: "abandon", pkg: 2 },
  { do: "ingest", pkg: 3, path: 0, content: 1 },
  { do: "redact", event: 7 },
  { do: "delete", pkg: 0 },
  ...Array.from({ length: 30 }, (_, i) => ({ do: "redact", event: i + 5 }) as const),
  { do: "finalize", pkg: 1 },
  { do: "delete", pkg: 2 },
];
