import { describe, expect, test } from "bun:test";
import { parseDuration } from "../../../core/base/duration.ts";

describe("a duration", () => {
  test("reads a number and a unit", () => {
    expect(["0s", "90s", "30m", "24h", "7d"].map(parseDuration)).toEqual([
      0, 90_000, 1_800_000, 86_400_000, 604_800_000,
    ]);
    for (const bad of ["", "1", "s", "-1s", "1.5h", "1w", " 1s", "1s ", "1S", "9999999999s"]) {
      expect(() => parseDuration(bad)).toThrow(expect.objectContaining({ code: "invalid_argument" }));
    }
  });
});
