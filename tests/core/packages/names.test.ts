import { describe, expect, test } from "bun:test";
import { checkName, checkVersion } from "../../../core/packages/names.ts";

const refusal = expect.objectContaining({ code: "invalid_name" });

describe("a package name", () => {
  const long = "a".repeat(200);
  for (const name of [
    "a",
    "0",
    "demo",
    "team/demo",
    "a/b/c/d",
    "a.b",
    "a_b",
    "a__b",
    "a-b",
    "a---b",
    "a.b_c__d-e",
    "1.0",
    long,
  ]) {
    test(`may be ${JSON.stringify(name.slice(0, 40))}`, () => expect(() => checkName(name)).not.toThrow());
  }
  for (const name of [
    ...[
      "",
      "/",
      "a/",
      "/a",
      "a//b",
      ".a",
      "a.",
      "a..b",
      "a._b",
      "_a",
      "a_",
      "a___b",
      "-a",
      "a-",
      "a.-b",
      "A",
      "Demo",
      "team/Demo",
    ],
    ...[
      "a b",
      "a\n",
      "\na",
      "ä",
      "a:b",
      "a@b",
      "a\0",
      "a\\b",
      "../a",
      "a/../b",
      ".",
      `${long}a`,
      `${"a/".repeat(100)}a`,
      "a".repeat(100_000),
    ],
  ]) {
    test(`may not be ${JSON.stringify(name.slice(0, 40))}`, () => expect(() => checkName(name)).toThrow(refusal));
  }

  test("that is hostile is refused at once: the pattern does not backtrack", () => {
    expect(() => checkName(`${"a-".repeat(99)}!`)).toThrow(refusal);
    expect(() => checkName(`${"-".repeat(199)}!`)).toThrow(refusal);
  });
});

describe("a version", () => {
  for (const version of ["1", "v1.0.0", "_", "latest", "1.0-rc.1", "A_b", "a".repeat(128), "1..2", "a-", "a."]) {
    test(`may be ${JSON.stringify(version.slice(0, 40))}`, () => expect(() => checkVersion(version)).not.toThrow());
  }
  for (const version of [
    "",
    ".1",
    "-1",
    "1+2",
    "1/2",
    "1 2",
    "1\n",
    "1:2",
    "1@2",
    "é",
    "a".repeat(129),
    "sha256:abc",
  ]) {
    test(`may not be ${JSON.stringify(version.slice(0, 40))}`, () =>
      expect(() => checkVersion(version)).toThrow(refusal));
  }
});
