/** The log read again by reducers of its own: what it says must follow from what it said before. */
import type { Door } from "./oci_door.ts";

const TYPES = [
  "repository_created",
  "blob_linked",
  "blob_unlinked",
  "manifest_pushed",
  "tag_moved",
  "tag_deleted",
  "manifest_deleted",
].map((name) => `v1.oci.${name}`);

interface Event {
  readonly sequence: number;
  readonly type: string;
  readonly subject: string;
  readonly payload: {
    readonly name: string;
    readonly digest: string;
    readonly digests: readonly string[];
    readonly tag: string;
    readonly tags: readonly string[];
    readonly previous: string | null;
  };
}

export interface Logged {
  readonly name: string;
  readonly blobs: Set<string>;
  readonly manifests: Set<string>;
  readonly tags: Map<string, string>;
}

export class Log {
  /** By name. */
  readonly repositories = new Map<string, Logged>();
  /** `repository tag digest`, ever. */
  readonly moves = new Set<string>();
  events = 0;
  readonly #byId = new Map<string, Logged>();
  #since = 0;

  /** Up to its end. Answers what does not follow. */
  async read(door: Door): Promise<string[]> {
    const problems: string[] = [];
    const types = TYPES.map((type) => `&type=${type}`).join("");
    for (let pending = 1; pending > 0; ) {
      const page = await door.json<{ events: Event[]; last_sequence: number; pending: number }>(
        `/events?limit=1000&since=${this.#since}${types}`,
      );
      for (const event of page.events) {
        this.events += 1;
        const wrong = this.#apply(event);
        if (wrong !== undefined) problems.push(`event ${event.sequence}, ${event.type}: ${wrong}`);
      }
      this.#since = page.last_sequence;
      pending = page.pending;
    }
    return problems;
  }

  #apply({ type, subject, payload }: Event): string | undefined {
    if (type === "v1.oci.repository_created") {
      const { name } = payload;
      if (this.repositories.has(name)) return `${name} is there already`;
      const made: Logged = { name, blobs: new Set(), manifests: new Set(), tags: new Map() };
      this.repositories.set(name, made);
      this.#byId.set(subject, made);
      return undefined;
    }
    const repository = this.#byId.get(subject);
    if (repository === undefined) return `there is no repository ${subject}`;
    return this.#change(type, repository, payload);
  }

  #change(type: string, { name, blobs, manifests, tags }: Logged, payload: Event["payload"]): string | undefined {
    const { digest, digests, tag, previous } = payload;
    switch (type) {
      case "v1.oci.blob_linked":
        if (digests.every((one) => blobs.has(one))) return "nothing new";
        for (const one of digests) blobs.add(one);
        return undefined;
      case "v1.oci.blob_unlinked":
        for (const one of digests) if (!blobs.delete(one)) return `${one} was not there`;
        return undefined;
      case "v1.oci.manifest_pushed":
        if (manifests.has(digest)) return `${digest} is there already`;
        manifests.add(digest);
        return undefined;
      case "v1.oci.tag_moved": {
        const before = tags.get(tag) ?? null;
        tags.set(tag, digest);
        this.moves.add(`${name} ${tag} ${digest}`);
        if (before !== previous || before === digest) return `${tag} was at ${before}, not at ${previous}`;
        return manifests.has(digest) ? undefined : `${tag} points at ${digest}, which is not there`;
      }
      case "v1.oci.tag_deleted":
        if (tags.get(tag) !== digest) return `${tag} was at ${tags.get(tag)}, not at ${digest}`;
        tags.delete(tag);
        return undefined;
      case "v1.oci.manifest_deleted": {
        const pointing = [...tags].filter(([, at]) => at === digest).map(([one]) => one);
        for (const one of pointing) tags.delete(one);
        if (!manifests.delete(digest)) return `${digest} was not there`;
        const same = pointing.sort().join() === [...payload.tags].sort().join();
        return same ? undefined : `tags ${payload.tags} are named, and ${pointing} pointed at it`;
      }
    }
    return "an event that this log does not have";
  }
}
