import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ancestorsOf, checkPath, checkSymlink, staysInside } from "../../../core/packages/paths.ts";

const refusal = expect.objectContaining({ code: "invalid_path" });
const show = (text: string) => JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);

describe("a path", () => {
  for (const path of [
    ...[
      "a",
      "a/b",
      "a b",
      " ",
      "-rf",
      "--",
      "a\\b",
      "a\nb",
      "\u{1f600}",
      "é",
      "e\u0301",
      "...",
      "..a",
      "a..",
      ".hidden",
      "con",
      "a:b",
      "*",
      "\u202e",
    ],
    ...[
      "~",
      "a/-/b",
      "\ufeffa",
      "x".repeat(255),
      "ä".repeat(127),
      `${"a/".repeat(255)}a`,
      `${"x".repeat(255)}/`.repeat(15) + "x".repeat(255),
    ],
  ]) {
    test(`may be ${show(path)}`, () => expect(() => checkPath(path)).not.toThrow());
  }
  for (const path of [
    `${"a/".repeat(256)}a`,
    ...["", "/", "/a", "//", "a/", "a//b", ".", "..", "./a", "a/.", "a/./b", "../a", "a/..", "a/../b", "a/../../b"],
    ...[
      "\0",
      "a\0b",
      "a/\0",
      "\ud800",
      "a\udc00b",
      "\udc00\ud800",
      "x".repeat(256),
      `a/${"x".repeat(256)}`,
      "ä".repeat(128),
      "😀".repeat(64),
    ],
    `${"a/".repeat(2048)}a`,
  ]) {
    test(`may not be ${show(path)}`, () => expect(() => checkPath(path)).toThrow(refusal));
  }
});

describe("a symlink", () => {
  const good: [string, string][] = [
    ["a", "b"],
    ["a", "."],
    ["a", "./b"],
    ["a/b", ".."],
    ["a/b", "../c"],
    ["a/b/c", "../../d"],
    ["a", "b/../c"],
    ["a", "no/such/file"],
    ["a", "b//c"],
    ["a", "-"],
  ];
  for (const [path, target] of good) {
    test(`at ${show(path)} may point to ${show(target)}`, () => expect(() => checkSymlink(path, target)).not.toThrow());
  }
  const bad: [string, string][] = [
    ["a", ""],
    ["a", "/"],
    ["a", "/etc/passwd"],
    ["a", ".."],
    ["a", "../a"],
    ["a", "b/../.."],
    ["a/b", "../.."],
    ["a/b", "../../a"],
    ["a/b", "c/../../../a"],
    // Out and in again: what lies beside the root is not the package's business.
    ["a/b", "../../root/a"],
    ["a", "b\0"],
    ["a", "\ud800"],
    ["a", "x".repeat(4097)],
    ["../a", "b"],
    ["", "b"],
  ];
  for (const [path, target] of bad) {
    test(`at ${show(path)} may not point to ${show(target)}`, () => {
      expect(() => checkSymlink(path, target)).toThrow(refusal);
    });
  }

  test("stays inside exactly when a walk over its text never climbs above the root", () => {
    const segment = fc.constantFrom("..", ".", "", "a", "b");
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom("x", "y"), { minLength: 1, maxLength: 4 }),
        fc.array(segment, { maxLength: 8 }),
        (at, to) => {
          const target = to.join("/");
          const stack: string[] = at.slice(0, -1);
          let inside = target !== "" && !target.startsWith("/");
          for (const part of to) {
            if (part === "..") inside = stack.pop() !== undefined && inside;
            else if (part !== "." && part !== "") stack.push(part);
          }
          return staysInside(at.join("/"), target) === inside;
        },
      ),
    );
  });
});

test("the ancestors of a path are what must be directories", () => {
  expect(ancestorsOf("a")).toEqual([]);
  expect(ancestorsOf("a/b/c")).toEqual(["a", "a/b"]);
});
