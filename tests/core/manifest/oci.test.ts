import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { MAX_OCI_MANIFEST_BYTES, readOciManifest } from "../../../core/manifest/oci.ts";
import { isRegistryError } from "../../../core/mod.ts";
import { CONFIG, descriptor, IMAGE, INDEX, LAYER } from "../../support/oci_images.ts";
import { text } from "../../support/registry_fixture.ts";

const DOCKER = "application/vnd.docker.distribution.manifest.v2+json";
const LIST = "application/vnd.docker.distribution.manifest.list.v2+json";
const A = descriptor(LAYER, "a");
const B = descriptor(LAYER, "b");
const config = descriptor(CONFIG, "{}");

const read = (manifest: unknown, mediaType?: string) => readOciManifest(text(JSON.stringify(manifest)), mediaType);
const raw = (bytes: Uint8Array | string, mediaType = IMAGE) =>
  readOciManifest(typeof bytes === "string" ? text(bytes) : bytes, mediaType);

function refusal(run: () => unknown): [string, unknown] | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    if (!isRegistryError(error)) throw error;
    return [error.code, error.data.at ?? error.data.of];
  }
}

const named = ({ references }: ReturnType<typeof read>) => references.map(({ kind, digest }) => [kind, digest]);

describe("what a manifest names", () => {
  test("is config and layers of an image, OCI's and Docker's alike", () => {
    for (const type of [IMAGE, DOCKER]) {
      const facts = read({ schemaVersion: 2, mediaType: type, config, layers: [A, B] }, type);
      expect(named(facts)).toEqual([config, A, B].map(({ digest }) => ["blob", digest]));
      expect([facts.mediaType, facts.subject, facts.annotations]).toEqual([type, null, null]);
    }
  });

  test("is manifests of an index or a list", () => {
    for (const type of [INDEX, LIST]) {
      const facts = read({ schemaVersion: 2, manifests: [{ ...A, mediaType: IMAGE }] }, type);
      expect(named(facts)).toEqual([["manifest", A.digest]]);
      expect(facts.artifactType).toBeNull();
    }
  });

  test("is blobs of the artifact manifest that came and went", () => {
    const type = "application/vnd.oci.artifact.manifest.v1+json";
    const facts = read({ mediaType: type, artifactType: "text/x", blobs: [A], subject: { ...B, mediaType: IMAGE } });
    expect(named(facts)).toEqual([["blob", A.digest]]);
    expect([facts.subject, facts.artifactType]).toEqual([B.digest, "text/x"]);
  });

  test("is each thing once, and needed if it is needed once", () => {
    const foreign = { ...A, mediaType: "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip" };
    expect(read({ config, layers: [foreign, B, B] }, IMAGE).references).toEqual([
      { ...config, kind: "blob", foreign: false },
      { ...foreign, kind: "blob", foreign: true },
      { ...B, kind: "blob", foreign: false },
    ]);
    expect(read({ config, layers: [foreign, A] }, IMAGE).references[1]?.foreign).toBe(false);
    expect(read({ config, layers: [A, foreign] }, IMAGE).references[1]?.foreign).toBe(false);
    const docker = { ...A, mediaType: "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip" };
    expect(read({ config, layers: [docker] }, DOCKER).references[1]?.foreign).toBe(true);
  });

  test("may be nothing, and null as Go writes it", () => {
    expect(named(read({ schemaVersion: 2, manifests: [] }, INDEX))).toEqual([]);
    expect(named(read({ schemaVersion: 2, manifests: null, annotations: null, subject: null }, INDEX))).toEqual([]);
    expect(named(read({ schemaVersion: 2, config, layers: null }, IMAGE))).toHaveLength(1);
  });

  test("does not depend on fields that nobody knows", () => {
    const known = { schemaVersion: 2, config, layers: [A] };
    const more = { ...known, "org.example": { deep: [1, null] }, layers: [{ ...A, data: "YQ==", "x-y": true }] };
    expect(read(more, IMAGE)).toEqual(read(known, IMAGE));
  });

  test("is read of types that nobody knows as well", () => {
    const facts = read({ layers: [A], annotations: { k: "v" } }, "application/vnd.example.thing+json");
    expect([named(facts), facts.annotations]).toEqual([[["blob", A.digest]], { k: "v" }]);
  });
});

describe("the artifact type", () => {
  test("is artifactType, or the type of the config; an index has no other", () => {
    expect(read({ config, layers: [], artifactType: "a/b" }, IMAGE).artifactType).toBe("a/b");
    expect(read({ config, layers: [] }, IMAGE).artifactType).toBe(CONFIG);
    expect(read({ config, layers: [], artifactType: "" }, IMAGE).artifactType).toBe(CONFIG);
    expect(read({ manifests: [], artifactType: "a/b" }, INDEX).artifactType).toBe("a/b");
  });
});

describe("the media type", () => {
  test("is the Content-Type, or what the manifest says; both say the same", () => {
    expect(read({ config, layers: [] }, IMAGE).mediaType).toBe(IMAGE);
    expect(read({ config, layers: [], mediaType: IMAGE }).mediaType).toBe(IMAGE);
    expect(refusal(() => read({ config, layers: [], mediaType: IMAGE }, DOCKER))).toEqual([
      "invalid_manifest",
      "mediaType",
    ]);
    expect(refusal(() => read({ config, layers: [] }))).toEqual(["invalid_manifest", "mediaType"]);
    for (const type of ["x", "a/b; charset=utf-8", "a/b\n", "/", "a/", `a/${"b".repeat(200)}`]) {
      expect(refusal(() => read({}, type))).toEqual(["invalid_manifest", "mediaType"]);
    }
  });
});

describe("refused is", () => {
  const refused: Record<string, readonly [unknown, string?]> = {
    "an image that is an index as well (CVE-2021-41190)": [{ config, layers: [], manifests: [] }],
    "an index that is an image as well": [{ manifests: [], layers: [A] }, INDEX],
    "an index with a config": [{ manifests: [], config }, INDEX],
    "an image without config": [{ layers: [] }],
    "an index without manifests": [{}, INDEX],
    "schema 1": [{ schemaVersion: 1, fsLayers: [] }, "application/vnd.docker.distribution.manifest.v1+prettyjws"],
    "layers that are no list": [{ config, layers: {} }],
    "a layer that is no object": [{ config, layers: ["x"] }],
    "a layer without digest": [{ config, layers: [{ ...A, digest: undefined }] }],
    "a digest of odd length": [{ config, layers: [{ ...A, digest: "sha256:ab" }] }],
    "a digest in upper case": [{ config, layers: [{ ...A, digest: A.digest.toUpperCase().replace("SHA", "sha") }] }],
    "a digest without algorithm": [{ config, layers: [{ ...A, digest: "a".repeat(64) }] }],
    "a digest of 300 characters": [{ config, layers: [{ ...A, digest: `x:${"a".repeat(300)}` }] }],
    "a size that is text": [{ config, layers: [{ ...A, size: "1" }] }],
    "a negative size": [{ config, layers: [{ ...A, size: -1 }] }],
    "a layer without size": [{ config, layers: [{ ...A, size: undefined }] }],
    "a subject that is text": [{ config, layers: [], subject: A.digest }],
    "annotations that are numbers": [{ config, layers: [], annotations: { a: 1 } }],
    "annotations that are a list": [{ config, layers: [], annotations: ["a"] }],
    "annotations with half a character": [{ config, layers: [], annotations: { a: "\ud800" } }],
    "an artifact type with NUL": [{ config, layers: [], artifactType: "a\0" }],
    "a list": [[]],
    "a number": [1],
    null: [null],
  };
  for (const [what, [manifest, type = IMAGE]] of Object.entries(refused)) {
    test(what, () => expect(refusal(() => read(manifest, type))?.[0]).toBe("invalid_manifest"));
  }

  test("what is no JSON, or no UTF-8", () => {
    for (const bytes of ["", "{", "{}x", "\ufeff{}", "nul"]) {
      expect(refusal(() => raw(bytes))?.[0]).toBe("invalid_manifest");
    }
    expect(refusal(() => raw(Uint8Array.of(0x22, 0xff, 0x22)))?.[0]).toBe("invalid_manifest");
  });

  test("what is too large, too deep or names too much", () => {
    expect(refusal(() => raw(new Uint8Array(MAX_OCI_MANIFEST_BYTES + 1)))).toEqual(["limit_exceeded", "bytes"]);
    expect(refusal(() => raw("[".repeat(MAX_OCI_MANIFEST_BYTES)))).toEqual(["limit_exceeded", "levels"]);
    expect(refusal(() => raw(`{"a":${"[".repeat(100)}`))).toEqual(["limit_exceeded", "levels"]);
    const manifests = Array.from({ length: 10_001 }, (_, i) => descriptor(IMAGE, `${i}`));
    expect(refusal(() => read({ manifests }, INDEX))).toEqual(["limit_exceeded", "descriptors"]);
    expect(read({ manifests: manifests.slice(1) }, INDEX).references).toHaveLength(10_000);
  });
});

test("brackets in strings are no levels", () => {
  const annotations = { [`[{"\\`.repeat(100)]: `\\"[`.repeat(100) };
  expect(read({ config, layers: [], annotations }, IMAGE).annotations).toEqual(annotations);
});

test("4 MiB of annotations are taken", () => {
  const annotations = Object.fromEntries(Array.from({ length: 390 }, (_, i) => [`k${i}`, "x".repeat(10_000)]));
  expect(Object.keys(read({ config, layers: [], annotations }, IMAGE).annotations ?? {})).toHaveLength(390);
});

test("the same array is read once for the same type, and again for another", () => {
  const bytes = text(JSON.stringify({ config, layers: [A] }));
  expect(readOciManifest(bytes, IMAGE)).toBe(readOciManifest(bytes, IMAGE));
  expect(readOciManifest(bytes, DOCKER).mediaType).toBe(DOCKER);
});

test("any JSON and any bytes are either read or refused with a code", () => {
  const field = fc.constantFrom(
    "config",
    "layers",
    "manifests",
    "subject",
    "annotations",
    "digest",
    "size",
    "mediaType",
  );
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom<unknown>(A, B, config, A.digest, IMAGE, 2, -1, 1.5, null, true, "", "__proto__"),
      fc.array(tie("any"), { maxLength: 4 }),
      fc.dictionary(fc.oneof(field, fc.string()), tie("any"), { maxKeys: 6 }),
    ),
  })).any;
  fc.assert(
    fc.property(value, fc.constantFrom(IMAGE, INDEX, DOCKER, LIST, "a/b", undefined), (manifest, type) => {
      const code = refusal(() => read(manifest, type))?.[0];
      expect([undefined, "invalid_manifest"]).toContain(code);
    }),
    { numRuns: 1000 },
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      expect([undefined, "invalid_manifest", "limit_exceeded"]).toContain(refusal(() => raw(bytes))?.[0]);
    }),
  );
});
