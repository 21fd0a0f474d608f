/** Proof that a rule can fail: a small tree with one thing wrong is refused, the same tree put right is not. */
import { expect, test } from "bun:test";
import { fixture, type Rule, show } from "./tree.ts";

export type Sources = Readonly<Record<string, string>>;

/** `wrong` is refused at its first file's line 2 with a message that matches; `right` passes. */
export function proves(rule: Rule, name: string, wrong: Sources, message: RegExp, right: Sources): void {
  test(name, () => {
    const found = rule(fixture(wrong));
    expect(show(found)).toMatch(message);
    expect(found.map(({ path, line }) => `${path}:${line}`)).toEqual([`${Object.keys(wrong)[0]}:2`]);
    expect(show(rule(fixture(right)))).toBe("");
  });
}

/** One file whose second line is `code`. */
export function at(path: string, code: string): Sources {
  return { [path]: `// one violation in line 2\n${code}\n` };
}
