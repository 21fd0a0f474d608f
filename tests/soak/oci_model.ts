/** Repositories as a model knows them that hears of every request before it is sent, and of every answer. */
import type { Content, Manifest } from "./oci_content.ts";
import { Act, Register } from "./oci_register.ts";

const HERE = "here";
const NONE = () => false;

export class RepositoryModel {
  readonly begun = new Register();
  /** By digest: `here` or not. */
  readonly blobs = new Map<string, Register>();
  readonly manifests = new Map<string, Register>();
  /** The digest that it points at. */
  readonly tags: ReadonlyMap<string, Register>;
  /** Manifests whose deletion is under way. */
  readonly deleting = new Map<string, Set<Act>>();

  constructor(tags: readonly string[]) {
    this.tags = new Map(tags.map((tag) => [tag, new Register()]));
  }

  blob(digest: string): Register {
    return at(this.blobs, digest);
  }

  manifest(digest: string): Register {
    return at(this.manifests, digest);
  }

  tag(tag: string): Register {
    const register = this.tags.get(tag);
    if (register === undefined) throw new Error(`the model has no tag ${tag}`);
    return register;
  }
}

export class Model {
  readonly repositories: ReadonlyMap<string, RepositoryModel>;
  /** What was pushed anywhere, by each of its digests. */
  readonly contents = new Map<string, Content>();

  /** @param tags all that there will ever be */
  constructor(names: readonly string[], tags: readonly string[]) {
    this.repositories = new Map(names.map((name) => [name, new RepositoryModel(tags)]));
  }

  in(name: string): RepositoryModel {
    const repository = this.repositories.get(name);
    if (repository === undefined) throw new Error(`the model has no repository ${name}`);
    return repository;
  }

  /** Under its sha256 always, under the digest of the push besides. */
  pushBlob(name: string, content: Content, digest: string): Act {
    const repository = this.in(name);
    const act = begin(repository);
    this.contents.set(content.sha256, content).set(content.sha512, content);
    for (const under of new Set([content.sha256, digest])) act.join(repository.blob(under).begin(HERE));
    return act;
  }

  /** Takes along every digest that its source has, by the time when it is decided. */
  mountBlob(name: string, content: Content, digest: string): Act {
    const act = this.pushBlob(name, content, digest);
    if (digest !== content.sha512) act.join(this.in(name).blob(content.sha512).begin(HERE, NONE));
    return act;
  }

  /** Under all its digests. */
  deleteBlob(name: string, { sha256, sha512 }: Content): Act {
    const act = new Act();
    for (const digest of [sha256, sha512]) act.join(this.in(name).blob(digest).begin(null));
    return act;
  }

  pushManifest(name: string, digest: string, tags: readonly string[]): Act {
    const repository = this.in(name);
    const act = begin(repository);
    act.join(repository.manifest(digest).begin(HERE));
    for (const tag of tags) {
      act.join(repository.tag(tag).begin(digest));
      // It may have been deleted right after it was pushed, and this tag with it.
      for (const deletion of repository.deleting.get(digest) ?? []) untag(deletion, repository, tag, digest);
    }
    return act;
  }

  deleteTag(name: string, tag: string): Act {
    const act = new Act();
    act.join(this.in(name).tag(tag).begin(null));
    return act;
  }

  /** With the tags that point at it. */
  deleteManifest(name: string, digest: string): Act {
    const repository = this.in(name);
    const act = new Act();
    act.join(repository.manifest(digest).begin(null));
    for (const [tag, register] of repository.tags) {
      if (register.values.has(digest)) untag(act, repository, tag, digest);
    }
    const together = repository.deleting.get(digest) ?? new Set();
    repository.deleting.set(digest, together.add(act));
    const over = () => {
      together.delete(act);
    };
    act.join({ done: over, refused: over, unknown: over });
    return act;
  }

  /** Manifests that could refer to it, with what is known of each. */
  referrers(name: string, subject: string, known: ReadonlyMap<string, Manifest>): ReadonlyMap<string, Register> {
    const found = [...this.in(name).manifests].filter(([digest]) => known.get(digest)?.subject === subject);
    return new Map(found);
  }
}

function begin(repository: RepositoryModel): Act {
  const act = new Act();
  act.join(repository.begun.begin(HERE));
  return act;
}

/** If it points there, it goes; if not, it stays. */
function untag(act: Act, repository: RepositoryModel, tag: string, digest: string): void {
  act.join(repository.tag(tag).begin(null, (value) => value === digest));
}

function at(registers: Map<string, Register>, key: string): Register {
  let register = registers.get(key);
  if (register === undefined) {
    register = new Register();
    registers.set(key, register);
  }
  return register;
}
