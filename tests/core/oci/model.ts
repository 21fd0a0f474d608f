/** A registry as a few Maps: what any sequence of pushes and deletions must amount to. And the sequences, for fast-check. */
import fc from "fast-check";
import { descriptor, digestOf, IMAGE, imageOf, indexOf } from "../../support/oci_images.ts";

export const REPOSITORIES = ["a", "a/b"] as const;
export const CONTENTS = ["{}", "one", "two", ""] as const;
export const TAGS = ["latest", "v1", "v2"] as const;

const image = imageOf(["one"]);
/** The third refers to the first; the last two are indexes: of the first and of what never comes. */
export const MANIFESTS: readonly Uint8Array[] = [
  image,
  imageOf(["one", "two"], { annotations: { "é\n": "\u0000😀", __proto__x: "y" } }),
  imageOf([""], { subject: { ...descriptor(IMAGE, image) }, artifactType: "a/b" }),
  indexOf([descriptor(IMAGE, image)], { subject: descriptor(IMAGE, "never here") }),
  indexOf([descriptor(IMAGE, "never here")]),
];
/** Contents that each needs. */
const NEEDS: readonly (readonly number[])[] = [[0, 1], [0, 1, 2], [0, 3], [], []];
export const ALGORITHMS = ["sha256", "sha512"] as const;

export type Operation =
  | { readonly do: "push" | "unlink"; readonly repo: number; readonly content: number; readonly algorithm: number }
  | { readonly do: "mount"; readonly repo: number; readonly content: number; readonly from: number | null }
  | {
      readonly do: "manifest";
      readonly repo: number;
      readonly manifest: number;
      readonly algorithm: number;
      readonly tags: readonly number[];
    }
  | { readonly do: "delete"; readonly repo: number; readonly manifest: number; readonly algorithm: number }
  | { readonly do: "untag"; readonly repo: number; readonly tag: number };

const below = (n: number) => fc.nat({ max: n - 1 });
const [repo, content, algorithm] = [below(REPOSITORIES.length), below(CONTENTS.length), below(ALGORITHMS.length)];
const manifest = below(MANIFESTS.length);

export const operations = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.record({ do: fc.constant("push"), repo, content, algorithm }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("unlink"), repo, content, algorithm }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant("mount"), repo, content, from: fc.option(repo) }) },
    {
      weight: 10,
      arbitrary: fc.record({
        do: fc.constant("manifest"),
        repo,
        manifest,
        algorithm,
        tags: fc.array(below(TAGS.length), { maxLength: 3 }),
      }),
    },
    { weight: 3, arbitrary: fc.record({ do: fc.constant("delete"), repo, manifest, algorithm }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("untag"), repo, tag: below(TAGS.length) }) },
  ),
  { minLength: 30, maxLength: 60, size: "max" },
) as fc.Arbitrary<Operation[]>;

export const manifestDigest = (manifest: number, algorithm: number): string =>
  digestOf(MANIFESTS[manifest] as Uint8Array, ALGORITHMS[algorithm]);
export const contentDigest = (content: number, algorithm: number): string =>
  digestOf(CONTENTS[content] as string, ALGORITHMS[algorithm]);

export class Repository {
  /** Digests under which it has each content. */
  readonly blobs = new Map<number, Set<string>>();
  readonly manifests = new Set<string>();
  readonly tags = new Map<string, string>();
}

export class Model {
  readonly repositories = new Map<string, Repository>();

  /** What the operation answers: `undefined` for success, else the error's code; a mount that finds nothing: "none". */
  apply(op: Operation): string | undefined {
    const name = REPOSITORIES[op.repo] as string;
    const known = this.repositories.get(name);
    const begun = (): Repository => {
      const found = known ?? new Repository();
      this.repositories.set(name, found);
      return found;
    };
    switch (op.do) {
      case "push":
        link(begun(), op.content, [contentDigest(op.content, 0), contentDigest(op.content, op.algorithm)]);
        return undefined;
      case "mount": {
        const sources = op.from === null ? REPOSITORIES : [REPOSITORIES[op.from] as string];
        const found = sources.filter((source) => this.repositories.get(source)?.blobs.has(op.content));
        if (found.length === 0) return "none";
        // There are two repositories: if both have it, this one does, and nothing changes.
        const from = found.length > 1 ? known : this.repositories.get(found[0] as string);
        link(begun(), op.content, from?.blobs.get(op.content) ?? []);
        return undefined;
      }
      case "manifest": {
        if (NEEDS[op.manifest]?.some((content) => known?.blobs.has(content) !== true)) return "manifest_blob_unknown";
        const digest = manifestDigest(op.manifest, op.algorithm);
        const repository = begun();
        repository.manifests.add(digest);
        for (const tag of op.tags) repository.tags.set(TAGS[tag] as string, digest);
        return undefined;
      }
    }
    if (known === undefined) return "repository_not_found";
    switch (op.do) {
      case "unlink":
        if (known.blobs.get(op.content)?.has(contentDigest(op.content, op.algorithm)) !== true) return "blob_not_found";
        known.blobs.delete(op.content);
        return undefined;
      case "untag":
        return known.tags.delete(TAGS[op.tag] as string) ? undefined : "manifest_not_found";
      case "delete": {
        const digest = manifestDigest(op.manifest, op.algorithm);
        if (!known.manifests.delete(digest)) return "manifest_not_found";
        for (const [tag, at] of known.tags) if (at === digest) known.tags.delete(tag);
        return undefined;
      }
    }
  }
}

function link(repository: Repository, content: number, digests: Iterable<string>): void {
  repository.blobs.set(content, new Set([...(repository.blobs.get(content) ?? []), ...digests]));
}
