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
  | { readonly do: "untag"; readonly repo: number; readonly tag: number }
  /** To where it was `back` operations ago. */
  | { readonly do: "restore"; readonly repo: number; readonly tag: number; readonly back: number }
  | { readonly do: "drop"; readonly repo: number };

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
    { weight: 4, arbitrary: fc.record({ do: fc.constant("restore"), repo, tag: below(TAGS.length), back: below(20) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("drop"), repo }) },
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
  /** The operations that removed manifests, by digest. */
  readonly removed = new Map<string, number>();
  /** The operation that deleted it. */
  end: number | undefined;
}

/** What a tag pointed at, in which repository of the name. */
export interface Pointed {
  readonly repository: Repository;
  readonly digest: string;
}

export interface Past {
  readonly repository: Repository;
  readonly digest: string | null;
  readonly restored: boolean;
}

const manifestOf = new Map(
  MANIFESTS.flatMap((bytes, at) => ALGORITHMS.map((algorithm) => [digestOf(bytes, algorithm), at] as const)),
);

const keyOf = (repository: string, tag: string) => `${repository}:${tag}`;

export class Model {
  readonly repositories = new Map<string, Repository>();
  /** What every tag pointed at after so many operations. */
  readonly snapshots: ReadonlyMap<string, Pointed>[] = [new Map()];
  /** Of every tag, oldest first. */
  readonly histories = new Map<string, Past[]>();
  /** Names that were ever a repository's. */
  readonly named = new Set<string>();

  /** What the operation answers: `undefined` for success, else the error's code; a mount that finds nothing: "none". */
  apply(op: Operation): string | undefined {
    const code = this.#change(op);
    const now = new Map<string, Pointed>();
    for (const [name, repository] of this.repositories) {
      this.named.add(name);
      for (const [tag, digest] of repository.tags) now.set(keyOf(name, tag), { repository, digest });
    }
    const before = this.snapshots.at(-1) as ReadonlyMap<string, Pointed>;
    for (const key of new Set([...before.keys(), ...now.keys()])) {
      const [was, is] = [before.get(key), now.get(key)];
      if (was?.digest === is?.digest && was?.repository === is?.repository) continue;
      const past = this.histories.get(key) ?? [];
      this.histories.set(key, past);
      const repository = (is ?? was)?.repository as Repository;
      past.push({ repository, digest: is?.digest ?? null, restored: op.do === "restore" });
    }
    this.snapshots.push(now);
    return code;
  }

  asOf(repository: string, tag: string, operation: number): Pointed | undefined {
    return this.snapshots[operation]?.get(keyOf(repository, tag));
  }

  historyOf(repository: string, tag: string): readonly Past[] {
    return this.histories.get(keyOf(repository, tag)) ?? [];
  }

  /** Which operation took what a tag pointed at; `undefined`: it can be pulled. */
  removalOf(name: string, { repository, digest }: Pointed): number | undefined {
    if (this.repositories.get(name)?.manifests.has(digest) === true) return undefined;
    return repository.removed.get(digest) ?? repository.end;
  }

  #change(op: Operation): string | undefined {
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
        repository.removed.delete(digest);
        for (const tag of op.tags) repository.tags.set(TAGS[tag] as string, digest);
        return undefined;
      }
    }
    if (op.do === "restore") return this.#restore(name, TAGS[op.tag] as string, op.back);
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
        known.removed.set(digest, this.snapshots.length);
        for (const [tag, at] of known.tags) if (at === digest) known.tags.delete(tag);
        return undefined;
      }
      case "drop":
        this.repositories.delete(name);
        known.end = this.snapshots.length;
        return undefined;
    }
  }

  #restore(name: string, tag: string, back: number): string | undefined {
    if (!this.named.has(name)) return "repository_not_found";
    const then = this.asOf(name, tag, Math.max(0, this.snapshots.length - 1 - back));
    if (then === undefined) return "manifest_not_found";
    if (this.removalOf(name, then) !== undefined) return "content_removed";
    const known = this.repositories.get(name) as Repository;
    const needs = NEEDS[manifestOf.get(then.digest) as number] ?? [];
    if (needs.some((content) => !known.blobs.has(content))) return "manifest_blob_unknown";
    known.tags.set(tag, then.digest);
    return undefined;
  }
}

function link(repository: Repository, content: number, digests: Iterable<string>): void {
  repository.blobs.set(content, new Set([...(repository.blobs.get(content) ?? []), ...digests]));
}
