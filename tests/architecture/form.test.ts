import { describe, expect, test } from "bun:test";
import { erasable, LONG, longFiles, notTooLong, TOO_LONG } from "./form.ts";
import { at, proves, type Sources } from "./prove.ts";
import { fixture, show } from "./tree.ts";

describe("notTooLong", () => {
  const lines = (count: number): Sources => ({ "core/base/a.ts": "//\n".repeat(count) });
  test(`refuses ${TOO_LONG + 1} lines, and asks about ${LONG + 1}`, () => {
    expect(show(notTooLong(fixture(lines(TOO_LONG + 1))))).toMatch(/501 lines/);
    expect(show(notTooLong(fixture(lines(TOO_LONG))))).toBe("");
    expect(longFiles(fixture(lines(LONG + 1)))).toHaveLength(1);
    expect(longFiles(fixture(lines(LONG)))).toHaveLength(0);
  });
});

describe("erasable", () => {
  for (const [name, wrong] of [
    ["an enum", "export enum A { B }"],
    ["a namespace", "namespace A { const b = 1; }"],
    ["a parameter property", "class A { constructor(a: (x: number) => void, private readonly b = 1) {} }"],
    ["import =", 'import a = require("a");'],
    ["an import without .ts", 'import a from "./a";'],
  ] as const) {
    proves(
      erasable,
      `refuses ${name}`,
      at("core/base/a.ts", wrong),
      /not erasable|without its \.ts/,
      at(
        "core/base/a.ts",
        'import a from "./a.ts"; class A { readonly enum = 1; constructor(a: { readonly b: 1 }) {} }',
      ),
    );
  }
  test("refuses .tsx", () => {
    expect(show(erasable(fixture({ "server/page.tsx": "" })))).toMatch(/not a \.ts file/);
  });
});
