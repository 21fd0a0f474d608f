/** The rules of DESIGN 3, run over the project itself. The tests beside it prove that each of them can fail. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { erasable, LONG, longFiles, notTooLong } from "./form.ts";
import { HOMES, noRuntimeModules, packageHomes, webStandardsOnly } from "./homes.ts";
import { adapterImports, coreRanks, doorImports, noComputedImports, noCycles } from "./layers.ts";
import { isText, type Token } from "./scan.ts";
import { ALL, ROOT, type Rule, readTree, show } from "./tree.ts";
import {
  backendsBuiltAtTheRoot,
  backendsCalledByDataPlane,
  LOG_TABLES,
  OPERATIONAL_TABLES,
  tablesHaveOneWriter,
  VIEW_BOOKKEEPING,
  VIEW_TABLES,
} from "./writers.ts";

const shipped = readTree();
const everything = readTree(ALL);

const RULES: readonly (readonly [string, Rule])[] = [
  ["imports in core only point down, and capabilities never meet", coreRanks],
  ["adapters see the SPIs and their own folder", adapterImports],
  ["server, migrations, the SDK and mod.ts keep to their doors", doorImports],
  ["no file imports itself by any detour, types counted", noCycles],
  ["every import can be followed by reading", noComputedImports],
  ["every package is imported from its one home", packageHomes],
  ["core, server, the SDK and migrations name no runtime module", noRuntimeModules],
  ["core uses web standards only", webStandardsOnly],
  ["only the composition roots construct a storage backend", backendsBuiltAtTheRoot],
  ["only the data plane calls a storage backend", backendsCalledByDataPlane],
  ["views are written by reducers, the log by the ledger", tablesHaveOneWriter],
];

test("there is something to check", () => {
  expect(shipped.files.length).toBeGreaterThan(10);
  expect(shipped.files.flatMap((file) => file.imports).length).toBeGreaterThan(10);
});

for (const [name, rule] of RULES) test(name, () => expect(show(rule(shipped))).toBe(""));

test("every file can be read in one sitting", () => {
  for (const { path, lineCount } of longFiles(everything)) {
    console.warn(`question: ${path} has ${lineCount} lines (over ${LONG}); does it do one thing?`);
  }
  expect(show(notTooLong(everything))).toBe("");
});

test("every file is erasable TypeScript", () => expect(show(erasable(everything))).toBe(""));

test("every home of a package is in use, by ourselves or by a package that wants it beside itself", () => {
  const used = new Set(shipped.files.flatMap((file) => file.imports.map(({ specifier }) => specifier ?? "")));
  const imported = Object.keys(HOMES).filter((name) => [...used].some((s) => s === name || s.startsWith(`${name}/`)));
  const wanted = imported.flatMap((name) => Object.keys(packageJson(name).peerDependencies ?? {}));
  const idle = Object.keys(HOMES).filter((name) => !imported.includes(name) && !wanted.includes(name));
  expect(idle).toEqual([]);
});

test("every table of the schema is in exactly one of the writers' lists", () => {
  const schema = shipped.files.find((file) => file.path === "core/views/tables.ts");
  const tables = (name: string) => keysOfInterface(schema?.tokens ?? [], name).sort();
  expect(tables("ViewTables")).toEqual([...VIEW_TABLES].sort());
  expect(tables("Tables")).toEqual([...LOG_TABLES, ...VIEW_BOOKKEEPING, ...OPERATIONAL_TABLES].sort());
});

function packageJson(name: string): { readonly peerDependencies?: Readonly<Record<string, string>> } {
  return JSON.parse(readFileSync(join(ROOT, "node_modules", name, "package.json"), "utf8"));
}

function keysOfInterface(tokens: readonly Token[], name: string): string[] {
  const start = tokens.findIndex((token, i) => isText(token, "interface") && isText(tokens[i + 1], name));
  const open = tokens.findIndex((token, i) => i > start && isText(token, "{"));
  const close = tokens.findIndex((token, i) => i > open && isText(token, "}"));
  const body = tokens.slice(open, close);
  return body.filter((_token, i) => isText(body[i + 1], ":")).map((token) => token.text);
}
