/** What is left of a push after an earlier run: the directory as it is now, against what the package holds. */
import { type BigIntStats, lstatSync } from "node:fs";
import type { FileEntry, PackageEntry } from "../../core/mod.ts";
import { identityOf } from "../files/steady_file.ts";
import type { FileFound, Found } from "../files/walk.ts";
import type { SentFile } from "./journal.ts";

export interface Left {
  /** Paths that the package must lose: gone here, or of another kind, or a link that leads elsewhere. */
  readonly remove: readonly string[];
  /** Done, as far as can be told without reading. */
  readonly done: readonly Found[];
  readonly add: readonly Found[];
  /** Files that the package has under a path to which something is to be added: maybe that very content. */
  readonly there: ReadonlyMap<string, FileEntry>;
}

export function reconcile(
  found: readonly Found[],
  entries: readonly PackageEntry[],
  sent: ReadonlyMap<string, SentFile>,
  look: (path: string) => BigIntStats | undefined = lookAt,
): Left {
  const byPath = new Map(entries.map((entry) => [entry.path, entry]));
  const done: Found[] = [];
  const add: Found[] = [];
  const there = new Map<string, FileEntry>();
  const kept = new Set<string>();
  for (const one of found) {
    const entry = byPath.get(one.path);
    if (entry === undefined || !sameKind(one, entry)) {
      add.push(one);
      continue;
    }
    kept.add(one.path);
    if (one.kind !== "file" || entry.kind !== "file") done.push(one);
    else if (isSent(one, entry, sent.get(one.path), look)) done.push(one);
    else {
      there.set(one.path, entry);
      add.push(one);
    }
  }
  return { remove: entries.filter(({ path }) => !kept.has(path)).map(({ path }) => path), done, add, there };
}

function sameKind(one: Found, entry: PackageEntry): boolean {
  if (one.kind === "symlink") return entry.kind === "symlink" && entry.target === one.target;
  return one.kind === entry.kind;
}

/** The journal says which content the file had when it was read, and the server that it has just that. */
function isSent(
  file: FileFound,
  entry: FileEntry,
  sent: SentFile | undefined,
  look: (path: string) => BigIntStats | undefined,
): boolean {
  if (sent === undefined || sent.content_address !== entry.content_address) return false;
  if (entry.executable !== file.executable || entry.size !== file.size) return false;
  const stat = look(file.absolute);
  return stat !== undefined && identityOf(stat) === sent.identity;
}

function lookAt(path: string): BigIntStats | undefined {
  try {
    return lstatSync(path, { bigint: true });
  } catch {
    // It is gone by now; whoever reads it finds that out.
    return undefined;
  }
}
