/** Who may import whom (DESIGN 3). Types count: a type import is a dependency of the reader's mind as well. */
import type { SourceFile } from "./scan.ts";
import { checkImports, inside, insideAny, type Rule, type Tree, targetOf, type Violation } from "./tree.ts";

/** Ranks of the folders of core; a folder that is not here is a capability. */
const RANKS: Readonly<Record<string, number>> = {
  base: 0,
  identity: 1,
  spi: 2,
  manifest: 2,
  events: 3,
  views: 4,
  ledger: 5,
  access: 6,
  guards: 7,
  content: 8,
};
const CAPABILITY = 9;
/** `core/registry.ts` and `core/mod.ts`: they bind everything together. */
const TOP = 10;

interface Place {
  /** Folder below core, or "" for the files directly in it. */
  readonly folder: string;
  readonly rank: number;
}

function placeInCore(path: string): Place | undefined {
  const parts = path.split("/");
  if (parts[0] !== "core") return undefined;
  if (parts.length === 2) return { folder: "", rank: TOP };
  const folder = parts[1] as string;
  return { folder, rank: RANKS[folder] ?? CAPABILITY };
}

export const coreRanks: Rule = (tree) =>
  checkImports(
    tree,
    (file) => inside(file.path, "core"),
    (file, target) => {
      if (target.kind !== "file") return undefined;
      const from = placeInCore(file.path) as Place;
      const to = placeInCore(target.path);
      if (to === undefined) return `core imports ${target.path}; core knows nothing outside core/, use an SPI instead`;
      if (to.folder === from.folder || to.rank < from.rank) return undefined;
      if (to.rank === CAPABILITY && from.rank === CAPABILITY) {
        return `capability ${from.folder} imports capability ${to.folder}; share through core/views or core/guards`;
      }
      const verdict = to.rank === from.rank ? "stands beside" : "stands above";
      return `imports ${target.path}: core/${to.folder || "registry"} (rank ${to.rank}) ${verdict} core/${from.folder} (rank ${from.rank}); imports only point down`;
    },
  );

/** What every adapter may import besides its own folder. */
const ADAPTERS_MAY = ["core/spi", "core/identity", "core/base"] as const;

/** Files of adapters/ with more rights. Each line needs a reason. */
const ADAPTER_EXCEPTIONS: Readonly<Record<string, readonly string[]>> = {
  // openLocal(): composes the embedded default from parts that stand beside it.
  "adapters/local.ts": ["core/mod.ts", "migrations", "adapters"],
  // A program of its own around one pure function of core.
  "adapters/manifest-worker/worker.ts": ["core/manifest/mod.ts"],
  // A program of its own, which picks its kernel as the main one does.
  "adapters/hash-worker/worker.ts": ["adapters/hasher.ts"],
  // Pick one sibling by what this runtime can load.
  "adapters/hasher.ts": ["adapters/hasher-*"],
  "adapters/runtime.ts": ["adapters/runtime", "adapters/runtime-*"],
};

/** `adapters/storage-fs/deep/file.ts` -> `adapters/storage-fs`; a file directly in adapters/ owns only itself. */
function adapterFolder(path: string): string {
  const parts = path.split("/");
  return parts.length === 2 ? path : parts.slice(0, 2).join("/");
}

export const adapterImports: Rule = (tree) =>
  checkImports(
    tree,
    (file) => inside(file.path, "adapters"),
    (file, target) => {
      if (target.kind !== "file") return undefined;
      if (inside(target.path, "adapters/conformance") && !inside(file.path, "adapters/conformance")) {
        return `imports the conformance kit (${target.path}); only tests and the CLI run it`;
      }
      const may = [...ADAPTERS_MAY, adapterFolder(file.path), ...(ADAPTER_EXCEPTIONS[file.path] ?? [])];
      if (insideAny(target.path, may)) return undefined;
      return `imports ${target.path}; an adapter sees only ${ADAPTERS_MAY.join(", ")} and its own folder`;
    },
  );

/** The other doors: what they may import of the project, and whether only as types. */
const DOORS: readonly { place: string; may: readonly string[]; typesOnly?: readonly string[]; why: string }[] = [
  {
    place: "server",
    may: ["server", "core/mod.ts", "core/spi"],
    why: "the server holds no logic and knows no adapter",
  },
  {
    place: "migrations",
    may: ["migrations", "core/spi", "core/base", "core/views"],
    typesOnly: ["core/views"],
    why: "a migration must mean the same for ever, so it runs no code that changes",
  },
  { place: "sdk", may: ["sdk"], why: "the client goes where nothing else of the project is" },
  { place: "mod.ts", may: ["core/mod.ts", "core/spi", "adapters/local.ts"], why: "the library's door only re-exports" },
];

export const doorImports: Rule = (tree) =>
  DOORS.flatMap(({ place, may, typesOnly = [], why }) =>
    checkImports(
      tree,
      (file) => inside(file.path, place),
      (_file, target, item) => {
        if (target.kind !== "file") return undefined;
        if (!insideAny(target.path, may))
          return `imports ${target.path}; ${place} may import ${may.join(", ")}: ${why}`;
        if (insideAny(target.path, typesOnly) && !item.typeOnly)
          return `imports values of ${target.path}, types only: ${why}`;
        return undefined;
      },
    ),
  );

/** What a tool writes is as it is: nobody reads its knots, and nobody can untie them. */
const GENERATED = "sdk/typescript/generated";

/**
 * One cycle for each knot of files that import each other, found by depth-first search. Lazy `import()` counts: it is
 * still a dependency.
 */
export const noCycles: Rule = (tree) => {
  const written = tree.files.filter((file) => !inside(file.path, GENERATED));
  const files = new Map(written.map((file) => [file.path, file]));
  const done = new Set<string>();
  const trail: string[] = [];
  const found: Violation[] = [];
  const visit = (file: SourceFile): void => {
    trail.push(file.path);
    for (const item of file.imports) {
      const target = targetOf(file, item);
      const next = target.kind === "file" ? files.get(target.path) : undefined;
      if (next === undefined || done.has(next.path)) continue;
      const start = trail.indexOf(next.path);
      if (start < 0) visit(next);
      else {
        const cycle = [...trail.slice(start), next.path].join(" -> ");
        found.push({ path: file.path, line: item.line, message: `closes an import cycle: ${cycle}` });
      }
    }
    trail.pop();
    done.add(file.path);
  };
  for (const file of written) if (!done.has(file.path)) visit(file);
  return found;
};

/** An import that no rule can follow is one that no rule keeps. */
export const noComputedImports: Rule = (tree: Tree) =>
  checkImports(
    tree,
    // The CLI may load a plug-in that a person names; everything else knows what it needs.
    (file) => !inside(file.path, "cli"),
    (_file, target) =>
      target.kind === "computed" ? "import() of a computed name; write the name as a literal" : undefined,
  );
