/** One way in: who may touch storage, who may write which table (DESIGN 3 and 4). */
import { isText, type SourceFile, type Token } from "./scan.ts";
import { checkImports, inside, insideAny, type Rule, type Violation } from "./tree.ts";

/** They build a backend from configuration and hand it to the data plane. */
const COMPOSITION_ROOTS = ["adapters/local.ts", "cli/compose.ts"] as const;
/** Verbs that run the conformance kit against a backend which a person names: its whole point is to call one. */
const KIT_RUNNERS = ["cli/commands/adapter.ts", "cli/commands/adapter_verify.ts"] as const;

export const backendsBuiltAtTheRoot: Rule = (tree) =>
  checkImports(
    tree,
    (file) => !insideAny(file.path, [...COMPOSITION_ROOTS, ...KIT_RUNNERS]),
    (file, target) => {
      if (target.kind !== "file" || !inside(target.path, "adapters/storage-*")) return undefined;
      const own = target.path.split("/").slice(0, 2).join("/");
      if (inside(file.path, own)) return undefined;
      return `imports the storage backend ${own}; only ${COMPOSITION_ROOTS.join(" and ")} construct one`;
    },
  );

/** Where the type may be named. The doors re-export it for authors of adapters; they do not use it. */
const KNOW_BACKENDS = [
  "core/spi",
  "core/content",
  "core/mod.ts",
  "mod.ts",
  "adapters",
  ...COMPOSITION_ROOTS,
  ...KIT_RUNNERS,
];

export const backendsCalledByDataPlane: Rule = (tree) =>
  tree.files
    .filter((file) => !insideAny(file.path, KNOW_BACKENDS))
    .flatMap((file) =>
      file.tokens
        .filter((token) => token.kind === "word" && (token.text === "StorageBackend" || token.text === "StagedObject"))
        .map(({ line, text }) => ({
          path: file.path,
          line,
          message: `names ${text}; bytes go through the data plane (core/spi/data_plane.ts), which alone calls a backend`,
        })),
    );

/** Pure functions of the log: dropped and replayed, they come out the same, so nobody but a reducer writes them. */
export const VIEW_TABLES = [
  "tenants",
  "retention_classes",
  "metadata_schemas",
  "artifact_packages",
  "package_tombstones",
  "artifact_files",
  "objects",
  "object_digests",
  "storage_locations",
  "retention_state",
  "oci_repositories",
  "oci_blobs",
  "oci_manifests",
  "oci_references",
  "oci_tags",
  "oci_tag_history",
  "package_artifacts",
  "oci_deleted_repositories",
  "oci_removed_manifests",
  "oci_tag_rules",
] as const;
/** The log itself: appended by the ledger. */
export const LOG_TABLES = ["events", "event_payloads", "event_head"] as const;
/** How far each view has read the log: written together with the views. */
export const VIEW_BOOKKEEPING = ["view_state"] as const;
/** Not history: whoever needs one writes it. */
export const OPERATIONAL_TABLES = [
  "maintenance_lock",
  "retired_keys",
  "idempotency_keys",
  "upload_sessions",
  "oci_pulls",
  "oci_pull_tracking",
] as const;

const WRITERS: readonly { tables: readonly string[]; homes: readonly string[]; who: string }[] = [
  { tables: VIEW_TABLES, homes: ["core/views", "migrations"], who: "the reducers in core/views" },
  { tables: VIEW_BOOKKEEPING, homes: ["core/views", "core/ledger", "migrations"], who: "the ledger and the views" },
  { tables: LOG_TABLES, homes: ["core/ledger", "migrations"], who: "the ledger" },
];

const WRITE_CALLS = new Set(["insertInto", "updateTable", "deleteFrom", "mergeInto", "replaceInto"]);
/** The bulk statements of core/views: the table is their second argument. */
const WRITE_HELPERS = new Set(["insertRows", "deleteRows"]);
const WRITE_SQL = /\b(?:insert\s+into|replace\s+into|update|delete\s+from|truncate(?:\s+table)?)\s+"?(\w+)"?/gi;

export const tablesHaveOneWriter: Rule = (tree) =>
  tree.files.flatMap((file) => [...queryBuilderWrites(file), ...rawSqlWrites(file)]);

/** They write tables by name from a list; everybody else spells the name out. */
const MAY_COMPUTE = [
  "core/views",
  "migrations",
  // Replay empties the views that it names by their definitions, before the reducers fill them.
  "core/ledger/replay.ts",
] as const;
const COMPUTED_SQL = /(?:\b(?:insert\s+into|replace\s+into|delete\s+from|truncate(?:\s+table)?)|^\s*update)\s+"?$/i;

function queryBuilderWrites(file: SourceFile): Violation[] {
  const found: Violation[] = [];
  file.tokens.forEach((token, i) => {
    const argument = tableArgument(file.tokens, i);
    if (argument === undefined) return;
    if (argument.kind === "string")
      found.push(...foreignWrite(file, argument.text.split(" ")[0] as string, token.line));
    else found.push(...computedWrite(file, token.line));
  });
  return found;
}

/** The token that names the table, when the word at `i` is a call that writes one. */
function tableArgument(tokens: readonly Token[], i: number): Token | undefined {
  const [before, token] = [tokens[i - 1], tokens[i] as Token];
  if (token.kind !== "word" || !isText(tokens[i + 1], "(")) return undefined;
  if (WRITE_CALLS.has(token.text) && isText(before, ".")) return tokens[i + 2];
  if (!WRITE_HELPERS.has(token.text) || isText(before, "function")) return undefined;
  const comma = tokens.findIndex((other, at) => at > i && isText(other, ","));
  return tokens[comma + 1];
}

function rawSqlWrites(file: SourceFile): Violation[] {
  const pieces = file.tokens.filter((token) => token.kind === "string");
  return pieces.flatMap(({ text, line }) => [
    ...[...text.matchAll(WRITE_SQL)].flatMap((match) => foreignWrite(file, match[1] as string, line)),
    ...(COMPUTED_SQL.test(text) ? computedWrite(file, line) : []),
  ]);
}

function computedWrite(file: SourceFile, line: number): Violation[] {
  if (insideAny(file.path, MAY_COMPUTE)) return [];
  return [
    { path: file.path, line, message: "writes a computed table name; spell it out, so that this test can read it" },
  ];
}

function foreignWrite(file: SourceFile, table: string, line: number): Violation[] {
  return WRITERS.filter(
    ({ tables, homes }) => tables.includes(table.toLowerCase()) && !insideAny(file.path, homes),
  ).map(({ who }) => ({
    path: file.path,
    line,
    message: `writes the table ${table}; only ${who} may: append an event instead`,
  }));
}
