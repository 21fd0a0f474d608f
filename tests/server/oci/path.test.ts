import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { matchOciPath, type OciKind } from "../../../server/oci/path.ts";

const DIGEST = `sha256:${"0".repeat(64)}`;

const word = fc.constantFrom("blobs", "manifests", "tags", "uploads", "referrers", "list", "v2", "a", "b-c", "latest");
const name = fc.array(word, { minLength: 1, maxLength: 6 }).map((words) => words.join("/"));
const reference = fc.oneof(word, fc.constantFrom(DIGEST, "1.0", "sha256-abc", "019374e0-0000-7000-8000-000000000009"));

/** How each kind of thing is written. */
const PATHS: Readonly<Record<Exclude<OciKind, "version" | "catalog">, (name: string, reference: string) => string>> = {
  tags: (name) => `/v2/${name}/tags/list`,
  uploads: (name) => `/v2/${name}/blobs/uploads/`,
  upload: (name, reference) => `/v2/${name}/blobs/uploads/${reference}`,
  manifest: (name, reference) => `/v2/${name}/manifests/${reference}`,
  referrers: (name, reference) => `/v2/${name}/referrers/${reference}`,
  blob: (name, reference) => `/v2/${name}/blobs/${reference}`,
};

describe("matchOciPath()", () => {
  test("finds kind, name and reference again, whatever words the name is made of", () => {
    const kinds = Object.keys(PATHS) as (keyof typeof PATHS)[];
    fc.assert(
      fc.property(fc.constantFrom(...kinds), name, reference, (kind, repository, reference) => {
        // The one path that could be two things: see the next test.
        fc.pre(kind !== "blob" || reference !== "uploads");
        const named = kind === "tags" || kind === "uploads" ? "" : reference;
        expect(matchOciPath(PATHS[kind](repository, reference))).toEqual({ kind, repository, reference: named });
      }),
      { numRuns: 2000 },
    );
  });

  test.each([
    ["/v2", { kind: "version", repository: "", reference: "" }],
    ["/v2/", { kind: "version", repository: "", reference: "" }],
    ["/v2/_catalog", { kind: "catalog", repository: "", reference: "" }],
    ["/v2/a/blobs/uploads", { kind: "uploads", repository: "a", reference: "" }],
    ["/v2/blobs/uploads/blobs/uploads/", { kind: "uploads", repository: "blobs/uploads", reference: "" }],
    ["/v2/a/blobs/uploads/tags/list", { kind: "tags", repository: "a/blobs/uploads", reference: "" }],
    ["/v2/a/blobs/uploads/list", { kind: "upload", repository: "a", reference: "list" }],
    ["/v2/a/uploads/blobs/x", { kind: "blob", repository: "a/uploads", reference: "x" }],
    ["/v2/a%2Fb/manifests/x", { kind: "manifest", repository: "a%2Fb", reference: "x" }],
    ["/v2//manifests/x", undefined],
    ["/v2/manifests/x", undefined],
    ["/v2/blobs/uploads/", undefined],
    ["/v2/blobs/uploads/x", undefined],
    ["/v2/tags/list", undefined],
    ["/v2/a", undefined],
    ["/v2/a/", undefined],
    ["/v2//", undefined],
    ["/v2/a/tags/list/", undefined],
    ["/v2/a/tags/other", undefined],
    ["/v2/a/manifests/", undefined],
    ["/v2/a/manifests/x/", undefined],
    ["/v2/a/blobs/", undefined],
    ["/v2/a/referrers/", undefined],
    ["/v2/a/uploads/x", undefined],
    ["/v2/a/constructor/x", undefined],
    ["/v2/_catalog/", undefined],
  ])("%s", (path, wanted) => {
    expect(matchOciPath(path)).toEqual(wanted as never);
  });

  test("says nothing wrong about any path at all", () => {
    const piece = fc.oneof(word, fc.constantFrom("", ".", "..", "%2F", "_catalog", "A"), fc.string({ maxLength: 4 }));
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const path = `/v2/${pieces.join("/")}`;
        const target = matchOciPath(path);
        if (target === undefined || target.repository === "") return;
        const { kind, repository, reference } = target as { kind: keyof typeof PATHS } & typeof target;
        const written = PATHS[kind](repository, reference);
        expect(kind === "uploads" && !path.endsWith("/") ? `${path}/` : path).toBe(written);
      }),
      { numRuns: 2000 },
    );
  });
});
