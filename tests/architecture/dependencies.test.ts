/** docs/dependencies.md says what package.json says, and homes.ts says what both say. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { HOMES } from "./homes.ts";
import { ROOT } from "./tree.ts";

const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");
const manifest: Record<string, Record<string, string> | undefined> = JSON.parse(read("package.json"));

const shipped = { ...manifest.dependencies, ...manifest.optionalDependencies };
const all: Record<string, string> = { ...shipped, ...manifest.devDependencies };

interface Line {
  readonly name: string;
  readonly version: string;
  readonly licence: string;
  readonly why: string;
  readonly home: string;
}

function parseLines(markdown: string): Line[] {
  return markdown.split("\n").flatMap((line) => {
    const cells = line.split("|").map((cell) => cell.trim());
    const name = cells[1]?.match(/^`([^`]+)`$/)?.[1];
    if (name === undefined) return [];
    return [{ name, version: cells[2] ?? "", licence: cells[3] ?? "", why: cells[4] ?? "", home: cells[5] ?? "" }];
  });
}

const lines = parseLines(read("docs/dependencies.md"));

describe("docs/dependencies.md", () => {
  test("has one line for each dependency of package.json, and no other", () => {
    expect(lines.map(({ name }) => name).sort()).toEqual(Object.keys(all).sort());
  });

  test("names the version that is pinned", () => {
    expect(Object.fromEntries(lines.map(({ name, version }) => [name, version]))).toEqual(all);
  });

  test("says for each why it is there and where it lives", () => {
    expect(lines.filter(({ why, home }) => why === "" || home === "").map(({ name }) => name)).toEqual([]);
  });

  test("names the licence that the installed package declares", () => {
    const declared = lines.map(({ name }) => ({
      name,
      licence: JSON.parse(read(`node_modules/${name}/package.json`)).license,
    }));
    expect(lines.map(({ name, licence }) => ({ name, licence }))).toEqual(declared);
  });

  test("names the homes that the architecture test keeps", () => {
    const told = (name: string) => lines.find((line) => line.name === name)?.home.match(/(?<=`)[^`,\s]+(?=`)/g) ?? [];
    const names = Object.keys(shipped);
    expect(names.map((name) => [name, ...told(name)])).toEqual(names.map((name) => [name, ...(HOMES[name] ?? [])]));
  });
});

test("package.json pins every dependency to one exact version", () => {
  const exact = /^\d+\.\d+\.\d+(-[\w.]+)?$/;
  expect(Object.entries(all).filter(([, version]) => !exact.test(version))).toEqual([]);
});
