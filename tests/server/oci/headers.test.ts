import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { isRegistryError } from "../../../core/mod.ts";
import { blobRange, chunkOf, manifestType, nextLink, pageSize } from "../../../server/oci/headers.ts";

/** What it gives, or the code of what it throws. */
function outcome(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    if (isRegistryError(error)) return error.code;
    throw error;
  }
}

describe("chunkOf()", () => {
  test("reads back what a client writes", () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), fc.boolean(), (offset, length, told) => {
        const range = `${offset}-${offset + length - 1}`;
        fc.pre(offset + length > 0);
        const headers = new Headers({ "content-range": range, ...(told && { "content-length": String(length) }) });
        expect(chunkOf(headers)).toEqual({ offset, length });
      }),
    );
  });

  test.each([
    [{}, {}],
    [{ "content-length": "5" }, { length: 5 }],
    [{ "content-range": "0-4" }, { offset: 0, length: 5 }],
    [{ "content-range": "bytes 10-14/15" }, { offset: 10, length: 5 }],
    [
      { "content-range": "bytes 10-14/*", "content-length": "5" },
      { offset: 10, length: 5 },
    ],
    [{ "content-range": "bytes=0-4" }, { offset: 0, length: 5 }],
    [{ "content-range": "0-4", "content-length": "4" }, "size_mismatch"],
    [{ "content-range": "0-4", "content-length": "6" }, "size_mismatch"],
    [{ "content-range": "4-0" }, "size_mismatch"],
    [{ "content-range": "4-0", "content-length": "0" }, "size_mismatch"],
    ...["", "-", "0-", "-4", "0--1", "a-b", "0-4-8", "0-4, 8-9", "bytes */5", "1e3-2e3", `0-${"9".repeat(16)}`].map(
      (range) => [{ "content-range": range }, "invalid_argument"] as const,
    ),
  ])("%p: %p", (headers, wanted) => {
    expect(outcome(() => chunkOf(new Headers(headers as Record<string, string>)))).toEqual(wanted);
  });
});

describe("blobRange()", () => {
  test.each([
    ["bytes=0-4", { start: 0, end: 5 }],
    ["bytes=5-0", "unsatisfiable"],
    ["bytes=9-", { start: 9, end: 10 }],
    ["bytes=10-", "unsatisfiable"],
    ["bytes=-3", { start: 7, end: 10 }],
    ["bytes=-0", "unsatisfiable"],
    ["bytes=0-1,2-3", "whole"],
    ["bytes", "whole"],
    [null, "whole"],
  ])("%p of ten bytes: %p", (header, wanted) => {
    expect(blobRange(header, 10)).toEqual(wanted as never);
  });
});

describe("manifestType()", () => {
  test.each([
    [undefined, undefined],
    ["", undefined],
    ["application/vnd.oci.image.index.v1+json", "application/vnd.oci.image.index.v1+json"],
    [" application/JSON ; charset=utf-8", "application/JSON"],
    ["json", "invalid_manifest"],
    ["a/b/c", "invalid_manifest"],
    ["a/b c", "invalid_manifest"],
    ["text/html,application/json", "invalid_manifest"],
    [`a/${"b".repeat(128)}`, "invalid_manifest"],
  ])("%p: %p", (type, wanted) => {
    const headers = new Headers(type === undefined ? {} : { "content-type": type });
    expect(outcome(() => manifestType(headers))).toEqual(wanted as never);
  });
});

describe("pageSize()", () => {
  test.each([
    ["", undefined],
    ["n=0", 0],
    ["n=7", 7],
    ["n=1000", 1000],
    ["n=5000", 1000],
    ["n=-1", "invalid_argument"],
    ["n=", "invalid_argument"],
    ["n=1.0", "invalid_argument"],
  ])("%p: %p", (query, wanted) => {
    expect(outcome(() => pageSize(new URLSearchParams(query), 1000))).toEqual(wanted as never);
  });
});

test("nextLink() leaves out what is not there, and nothing gets out of its brackets", () => {
  expect(nextLink("/v2/a/tags/list", { n: 2, last: "b>; rel=x", after: undefined })).toBe(
    '</v2/a/tags/list?n=2&last=b%3E%3B%20rel%3Dx>; rel="next"',
  );
});
