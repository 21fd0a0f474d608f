import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { negotiate } from "../../../server/http/accept.ts";
import { attachment } from "../../../server/http/disposition.ts";
import { parseRange } from "../../../server/http/range.ts";

describe("attachment()", () => {
  test("gives back every name through filename*, or as it is, and never leaves its header", () => {
    const name = fc
      .string({ unit: "binary", minLength: 1 })
      .filter((text) => text.isWellFormed() && !text.includes("/"));
    fc.assert(
      fc.property(name, (text) => {
        const header = attachment(`dir/${text}`);
        expect(header).toMatch(/^[\x20-\x7e]*$/);
        const [, plain = "", extended] =
          /^attachment; filename="([^"\\%]*)"(?:; filename\*=UTF-8''([A-Za-z0-9%!#$&+.^_`|~-]*))?$/.exec(header) ?? [];
        expect(extended === undefined ? plain : decodeURIComponent(extended)).toBe(text);
      }),
    );
  });
});

describe("parseRange()", () => {
  test("gives what a slice of the bytes would be, for every range that has any", () => {
    const bound = fc.integer({ min: 0, max: 30 });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 20 }), bound, bound, (size, first, last) => {
        const bytes = Array.from({ length: size }, (_, i) => i);
        const wanted = bytes.slice(first, last + 1);
        const range = parseRange(`bytes=${first}-${last}`, size);
        if (last < first) expect(range).toBe("whole");
        else if (wanted.length === 0) expect(range).toBe("unsatisfiable");
        else expect(typeof range === "string" ? range : bytes.slice(range.start, range.end)).toEqual(wanted);
        const tail = parseRange(`bytes=-${last}`, size);
        const wantedTail = last === 0 ? [] : bytes.slice(-last);
        if (wantedTail.length === 0) expect(tail).toBe("unsatisfiable");
        else expect(typeof tail === "string" ? tail : bytes.slice(tail.start, tail.end)).toEqual(wantedTail);
      }),
    );
  });
});

describe("negotiate()", () => {
  test.each([
    [null, "application/json"],
    ["*/*", "application/json"],
    ["", "application/json"],
    ["nonsense", "application/json"],
    ["application/cbor", "application/cbor"],
    ["APPLICATION/CBOR", "application/cbor"],
    ["application/json;q=0.5, application/cbor;q=0.6", "application/cbor"],
    ["application/json;q=0.5, */*", "application/cbor"],
    ["application/json;q=0", undefined],
    ["text/html", undefined],
    ["text/html, */*;q=0.1", "application/json"],
    ["application/*", "application/json"],
    ["application/cbor; profile=x ; q=1.000", "application/cbor"],
  ])("%p: %p", (header, wanted) => {
    expect(negotiate(header, ["application/json", "application/cbor"])).toBe(wanted as never);
  });
});
