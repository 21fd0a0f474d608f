import { describe, expect, test } from "bun:test";
import { scanFile, tokenize } from "./scan.ts";

const importsOf = (source: string) =>
  scanFile("x.ts", source).imports.map(
    ({ specifier, line, typeOnly }) => `${line} ${specifier}${typeOnly ? " (type)" : ""}`,
  );

describe("scanFile()", () => {
  test("finds every way to import, with its line, and knows types from values", () => {
    const source = [
      'import "./a.ts";',
      'import b from "./b.ts";',
      'import { c, type C } from "./c.ts";',
      'import type { D } from "./d.ts";',
      'import { type E, type F } from "./e.ts";',
      'import * as f from "./f.ts";',
      'export * from "./g.ts";',
      'export type * from "./h.ts";',
      'export { i as "odd name" } from "./i.ts";',
      'export * as j from "./j.ts" with { type: "json" };',
      'const k = await import("./k.ts");',
      'type L = import("./l.ts").L;',
      "const m = await import(`./m.ts`);",
      "import {",
      "  n,",
      "  type N,",
      '} from "./n.ts";',
      'import type from "./o.ts";',
    ];
    expect(importsOf(source.join("\n"))).toEqual([
      "1 ./a.ts",
      "2 ./b.ts",
      "3 ./c.ts",
      "4 ./d.ts (type)",
      "5 ./e.ts (type)",
      "6 ./f.ts",
      "7 ./g.ts",
      "8 ./h.ts (type)",
      "9 ./i.ts",
      "10 ./j.ts",
      "11 ./k.ts",
      "12 ./l.ts",
      "13 ./m.ts",
      "14 ./n.ts",
      "18 ./o.ts",
    ]);
  });

  test("is not fooled by imports in comments, strings, templates and regular expressions", () => {
    const source = [
      '// import "./no.ts";',
      '/* import "./no.ts"; */',
      `const a = 'import "./no.ts"';`,
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the template is the input
      'const b = `import "./no.ts"; ${`import "./no.ts" ${c}`} import "./no.ts"`;',
      "const d = /import '.\\/no.ts'[/'\"`]/g;",
      'const e = 4 / 2; const f = "x" / 2; import "./yes.ts";',
      'const g = { import: 1, export: "from" }; g.import("./no.ts"); import.meta.url;',
    ];
    expect(importsOf(source.join("\n"))).toEqual(["6 ./yes.ts"]);
  });

  test("sees code between the pieces of a template", () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the template is the input
    expect(importsOf('const a = `x ${{ b: await import("./in.ts") }.b} y`;\nimport "./after.ts";')).toEqual([
      "1 ./in.ts",
      "2 ./after.ts",
    ]);
  });

  test("takes no declaration for an import", () => {
    const source = 'export interface A { from: string }\nexport const from = "x";\nexport { from };\nconst y = "z";';
    expect(importsOf(source)).toEqual([]);
  });

  test("reports an import whose name is computed", () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the template is the input
    expect(importsOf("await import(name);\nawait import(`./${name}.ts`);")).toEqual(["1 undefined", "2 undefined"]);
  });

  test("counts lines as an editor does", () => {
    expect(scanFile("x.ts", "").lineCount).toBe(0);
    expect(scanFile("x.ts", "a\nb\n").lineCount).toBe(2);
    expect(scanFile("x.ts", "a\nb").lineCount).toBe(2);
  });
});

describe("tokenize()", () => {
  test("skips a shebang and keeps line numbers through multi-line comments and templates", () => {
    const words = tokenize("#!/usr/bin/env bun\n/* a\nb */ c `d\n` e\n").filter((token) => token.kind === "word");
    expect(words.map(({ text, line }) => `${text}:${line}`)).toEqual(["c:3", "e:4"]);
  });

  test("ends on unfinished input instead of reading for ever", () => {
    for (const source of ["`a ${", "'a", "/* a", "`a", "a \\", "/a"]) expect(tokenize(source).length).toBeLessThan(6);
  });
});
