/**
 * What an archive wants to put into a package, gathered header by header: a tree, in which every name is there once.
 * Decides what can be decided without the package; `archive_unit.ts` does the rest. Pure.
 */
import { type ErrorCode, isRegistryError, RegistryError } from "../base/errors.ts";
import { pathKeyOf } from "../views/keys.ts";
import { plain, type TarEntry } from "./archive_tar_read.ts";
import type { FileEntry } from "./entries.ts";
import { checkPath, checkSymlink } from "./paths.ts";
import type { Limits } from "./types.ts";

export interface ArchiveRefusal {
  readonly path: string;
  readonly code: ErrorCode;
  readonly message: string;
}

/** An entry that is wanted. A file gets its content when its bytes are stored. */
export type Planned =
  | { readonly kind: "file"; readonly path: string; readonly executable: boolean; content?: FileContentFacts }
  | { readonly kind: "directory"; readonly path: string }
  | { readonly kind: "symlink"; readonly path: string; readonly target: string }
  /** A hard link: the same as another file of this archive. */
  | { readonly kind: "link"; readonly path: string; readonly to: PlannedFile };
export type PlannedFile = Extract<Planned, { kind: "file" }>;
export type FileContentFacts = Pick<FileEntry, "content_address" | "size" | "digests">;

/** A name of the tree. Without `planned` it is a directory that only leads to others. */
export interface PlanNode {
  /** NFC, as the package compares paths. */
  readonly pathKey: string;
  planned?: Planned;
  children?: Map<string, PlanNode>;
}

export class ArchivePlan {
  readonly #limits: Limits;
  readonly #root: PlanNode = { pathKey: "" };
  /** Every name of the tree, in the order in which it appeared. */
  readonly nodes: PlanNode[] = [];
  readonly refusals: ArchiveRefusal[] = [];

  /** Made once, so that it is known among the refusals: it ends the reading. */
  readonly #tooMany: RegistryError;

  constructor(limits: Limits) {
    this.#limits = limits;
    this.#tooMany = tooManyEntries(limits);
  }

  /**
   * Takes a header in. What is refused goes to `refusals` and answers `undefined`.
   * @throws {RegistryError} `limit_exceeded` when there are too many names
   */
  add(entry: TarEntry): Planned | undefined {
    // The root of the tree is there already.
    if (entry.path === "" && entry.kind === "directory") return undefined;
    try {
      const planned = this.#plan(entry);
      this.#insert(planned);
      return planned;
    } catch (error) {
      if (!isRegistryError(error) || error === this.#tooMany) throw error;
      this.refuse(entry.path, error);
      return undefined;
    }
  }

  refuse(path: string, { code, message }: RegistryError): void {
    this.refusals.push({ path: path.slice(0, 4096), code, message });
  }

  #plan(entry: TarEntry): Planned {
    const { path, kind, target, executable, size, problem } = entry;
    if (problem !== undefined) {
      throw new RegistryError(kind === "unsupported" ? "unsupported" : "invalid_path", `${quoted(path)} ${problem}`);
    }
    checkPath(path);
    const { maxObjectBytes } = this.#limits;
    switch (kind) {
      case "file":
        if (size <= maxObjectBytes) return { kind, path, executable };
        throw new RegistryError("limit_exceeded", `${quoted(path)} has more than ${maxObjectBytes} bytes`);
      case "symlink":
        checkSymlink(path, target);
        return { kind, path, target };
      case "link":
        return this.#resolve(path, target);
      default:
        return { kind: "directory", path };
    }
  }

  #resolve(path: string, target: string): Planned {
    const named = plain(target, "file");
    const found = this.#find(pathKeyOf(named))?.planned;
    if (found === undefined || found.path !== named || found.kind === "directory") {
      const message = `${quoted(path)} is a hard link to ${quoted(target)}, which is no file that comes before it in the archive`;
      throw new RegistryError("invalid_path", message);
    }
    if (found.kind === "link") return { kind: "link", path, to: found.to };
    if (found.kind === "file") return { kind: "link", path, to: found };
    // The same link in another place: what it points at has to lie inside from there as well.
    checkSymlink(path, found.target);
    return { kind: "symlink", path, target: found.target };
  }

  #find(pathKey: string): PlanNode | undefined {
    let at: PlanNode | undefined = this.#root;
    for (const segment of pathKey.split("/")) at = at?.children?.get(segment);
    return at;
  }

  #insert(planned: Planned): void {
    const pathKey = pathKeyOf(planned.path);
    let at = this.#root;
    let end = 0;
    for (const segment of pathKey.split("/")) {
      if (at.planned !== undefined && at.planned.kind !== "directory") {
        throw new RegistryError("path_conflict", `${quoted(at.planned.path)} is not a directory in this archive`);
      }
      end += segment.length;
      at = this.#child(at, segment, pathKey.slice(0, end));
      end += 1;
    }
    const { planned: there } = at;
    if (there === undefined && (planned.kind === "directory" || at.children === undefined)) at.planned = planned;
    else if (there === undefined) {
      throw new RegistryError("path_conflict", `${quoted(planned.path)} is a ${planned.kind}, but others lie below it`);
    } else if (there.path !== planned.path) {
      const message = `${quoted(planned.path)} and ${quoted(there.path)} are the same name after Unicode normalisation (NFC)`;
      throw new RegistryError("path_conflict", message);
    } else if (there.kind !== "directory" || planned.kind !== "directory") {
      throw new RegistryError("path_exists", `${quoted(planned.path)} is in the archive twice`);
    }
  }

  #child(parent: PlanNode, segment: string, pathKey: string): PlanNode {
    parent.children ??= new Map();
    let child = parent.children.get(segment);
    if (child === undefined) {
      if (this.nodes.length >= this.#limits.maxArchiveEntries) throw this.#tooMany;
      child = { pathKey };
      parent.children.set(segment, child);
      this.nodes.push(child);
    }
    return child;
  }
}

export function tooManyEntries({ maxArchiveEntries: limit }: Limits): RegistryError {
  return new RegistryError(
    "limit_exceeded",
    `An archive may have ${limit} names, directories on the way to them counted; send several, they add up in the package`,
    { limit },
  );
}

function quoted(path: string): string {
  return JSON.stringify(path.slice(0, 300));
}
