/**
 * What tags pointed at, read by name: over every repository that had it. Their histories follow each other, because a
 * name is given again only after its repository was deleted.
 */
import type { Kysely } from "kysely";
import type { EventType } from "../events/types.ts";
import { loadOne } from "./loader.ts";
import type { RepositoryName } from "./oci_located.ts";
import { deletedRepositories, repositoryByName } from "./oci_repositories.ts";
import { selectByKeys, selectPrepared } from "./statements.ts";
import type { OciTagHistoryTable, Tables } from "./tables.ts";

/** An event: which, when, by whom. */
export interface Happening {
  readonly sequence: number;
  readonly occurred_at: string;
  readonly actor: string;
}

export interface NamedRepository {
  readonly id: string;
  /** Its deletion; absent while it lives. */
  readonly end?: Happening;
}

export interface TagEntry extends Happening {
  readonly repository: NamedRepository;
  readonly event: EventType;
  /** What the tag pointed at from then on; `null`: nothing. */
  readonly digest: string | null;
  readonly restored_from: number | null;
}

/** All that have or had this name, oldest first; the living one, if any, is the last. */
export async function repositoriesNamed(
  db: Kysely<Tables>,
  where: RepositoryName,
): Promise<readonly NamedRepository[]> {
  // In this order: one that is deleted between the two is found as living, never not at all.
  const living = await loadOne(db, repositoryByName, where);
  const gone = (await deletedRepositories(db, where)).map((row) => ({
    id: row.repository_id,
    end: { sequence: row.deleted_sequence, occurred_at: row.deleted_at, actor: row.deleted_by },
  }));
  return living === undefined || gone.some(({ id }) => id === living.repository_id)
    ? gone
    : [...gone, { id: living.repository_id }];
}

/** Up to and including an event, or up to (and without) the first one that is later than a time. */
export type Position = { readonly sequence: number } | { readonly time: string };

/**
 * What the tag pointed at then; `undefined`: nothing, or there was no repository. By time: in the repository that was not
 * deleted by then, before the tag's first event that is later. (Clocks of servers may disagree; sequences do not.)
 */
export async function entryAt(
  db: Kysely<Tables>,
  repositories: readonly NamedRepository[],
  tag: string,
  at: Position,
): Promise<(TagEntry & { readonly digest: string }) | undefined> {
  const lasts = (end: Happening) => ("sequence" in at ? end.sequence > at.sequence : end.occurred_at > at.time);
  const repository = repositories.find(({ end }) => end === undefined || lasts(end));
  if (repository === undefined) return undefined;
  const last = "sequence" in at ? at.sequence : await lastBefore(db, repository.id, tag, at.time);
  const [entry] = await entriesOf(db, repository, tag, last, 1);
  return entry === undefined || entry.digest === null ? undefined : { ...entry, digest: entry.digest };
}

async function lastBefore(db: Kysely<Tables>, repositoryId: string, tag: string, time: string): Promise<number> {
  const build = () =>
    db
      .selectFrom("oci_tag_history")
      .select((eb) => eb.fn.min("sequence").as("first"))
      .where("repository_id", "=", "")
      .where("tag", "=", "")
      .where("occurred_at", ">", "")
      .compile();
  const parameters = [repositoryId, tag, time];
  const [row] = await selectPrepared<{ first: number | null }>(db, "oci tag later", build, parameters);
  return row === undefined || row.first === null ? Number.MAX_SAFE_INTEGER : Number(row.first) - 1;
}

/** Newest first, from `last` on (inclusive), with the deletions of repositories in which the tag pointed somewhere. */
export async function entriesUpTo(
  db: Kysely<Tables>,
  repositories: readonly NamedRepository[],
  tag: string,
  last: number,
  limit: number,
): Promise<readonly TagEntry[]> {
  const found: TagEntry[] = [];
  for (const repository of repositories.toReversed()) {
    if (found.length >= limit) break;
    const entries = await entriesOf(db, repository, tag, last, limit - found.length);
    const { end } = repository;
    if (end !== undefined && end.sequence <= last && entries[0] !== undefined && entries[0].digest !== null) {
      found.push({ ...end, repository, event: "v1.oci.repository_deleted", digest: null, restored_from: null });
    }
    found.push(...entries);
  }
  return found.slice(0, limit);
}

type EntryRow = Omit<OciTagHistoryTable, "repository_id" | "tag"> & { readonly type: string };

async function entriesOf(
  db: Kysely<Tables>,
  repository: NamedRepository,
  tag: string,
  last: number,
  limit: number,
): Promise<readonly TagEntry[]> {
  const build = () =>
    db
      .selectFrom("oci_tag_history as h")
      .innerJoin("events as e", "e.sequence", "h.sequence")
      .select(["h.sequence", "h.digest", "h.occurred_at", "h.actor", "h.restored_from", "e.type"])
      .where("h.repository_id", "=", "")
      .where("h.tag", "=", "")
      .where("h.sequence", "<=", 0)
      .orderBy("h.sequence", "desc")
      .limit(1)
      .compile();
  const rows = await selectPrepared<EntryRow>(db, "oci tag entries", build, [repository.id, tag, last, limit]);
  return rows.map(({ type, sequence, restored_from, ...row }) => ({
    ...row,
    repository,
    event: type as EventType,
    sequence: Number(sequence),
    restored_from: restored_from === null ? null : Number(restored_from),
  }));
}

/** Which of these the living repository has. */
export async function presentManifests(
  db: Kysely<Tables>,
  repositories: readonly NamedRepository[],
  digests: Iterable<string>,
): Promise<ReadonlySet<string>> {
  const living = repositories.at(-1);
  if (living === undefined || living.end !== undefined) return new Set();
  const keys = [...new Set(digests)].map((digest) => [living.id, digest]);
  const rows = await selectByKeys(db, "oci_manifests", ["digest"], ["repository_id", "digest"], keys);
  return new Set(rows.map(({ digest }) => digest));
}

/** What took the manifest of each entry out of its repository: by itself, or with the whole. Absent where it still is. */
export async function removalsOf(
  db: Kysely<Tables>,
  entries: readonly (Pick<TagEntry, "repository"> & { readonly digest: string })[],
): Promise<(entry: { readonly repository: NamedRepository; readonly digest: string }) => Happening | undefined> {
  const keys = new Map(entries.map((e) => [`${e.repository.id} ${e.digest}`, [e.repository.id, e.digest]]));
  const columns = ["repository_id", "digest", "sequence", "removed_at", "removed_by"] as const;
  const pair = ["repository_id", "digest"] as const;
  const rows = await selectByKeys(db, "oci_removed_manifests", columns, pair, [...keys.values()]);
  const removed = new Map(
    rows.map((row): [string, Happening] => [
      `${row.repository_id} ${row.digest}`,
      { sequence: Number(row.sequence), occurred_at: row.removed_at, actor: row.removed_by },
    ]),
  );
  return ({ repository, digest }) => removed.get(`${repository.id} ${digest}`) ?? repository.end;
}
