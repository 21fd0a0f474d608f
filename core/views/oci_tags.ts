/** Where tags point, and where they ever pointed. */
import type { Kysely } from "kysely";
import { factKeys } from "./keys.ts";
import type { Loader } from "./loader.ts";
import { deleteOfRepository, selectByKeys, selectPrepared } from "./statements.ts";
import type { OciTagsTable, Tables } from "./tables.ts";
import { RowFold, type View, viewTable } from "./view.ts";

const tags = viewTable(
  "oci_tags",
  ["repository_id", "tag", "digest", "moved_at", "sequence"],
  ["repository_id", "tag"],
);

const history = viewTable(
  "oci_tag_history",
  ["repository_id", "tag", "sequence", "digest", "occurred_at", "actor", "restored_from"],
  ["repository_id", "tag", "sequence"],
);

export const ociTagsView: View = {
  name: "oci_tags",
  version: 1,
  tables: [tags, history],
  async reduce(trx, events) {
    const rows = new RowFold(tags);
    const past = new RowFold(history);
    for (const event of events) {
      const { subject: repository_id, sequence, occurred_at, actor } = event;
      const note = (tag: string, digest: string | null, restored_from: number | null = null) =>
        past.put({ repository_id, tag, sequence, digest, occurred_at, actor, restored_from });
      switch (event.type) {
        case "v1.oci.tag_moved": {
          const { tag, digest, restored_from } = event.payload;
          rows.put({ repository_id, tag, digest, moved_at: occurred_at, sequence });
          note(tag, digest, restored_from);
          break;
        }
        case "v1.oci.tag_deleted":
          rows.remove([repository_id, event.payload.tag]);
          note(event.payload.tag, null);
          break;
        case "v1.oci.manifest_deleted":
          for (const tag of event.payload.tags) {
            rows.remove([repository_id, tag]);
            note(tag, null);
          }
          break;
        case "v1.oci.repository_deleted":
          // Histories stay; that they end here is said once, of the repository (`oci_deleted_repositories`).
          await rows.flush(trx);
          await deleteOfRepository(trx, tags.name, tags.primaryKey, repository_id);
          break;
      }
    }
    await rows.flush(trx);
    await past.flush(trx);
  },
};

export const tagByName: Loader<{ repositoryId: string; tag: string }, OciTagsTable> = {
  name: "oci tag",
  keyOf: ({ repositoryId, tag }) => factKeys.ociTag(repositoryId, tag),
  async load(db, keys) {
    const tuples = keys.map(({ repositoryId, tag }) => [repositoryId, tag]);
    const rows = await selectByKeys(db, "oci_tags", tags.columns, ["repository_id", "tag"], tuples);
    return new Map(rows.map((row) => [factKeys.ociTag(row.repository_id, row.tag), row]));
  },
};

/** All tags that point at a manifest, in byte order. */
export const tagsOf: Loader<{ repositoryId: string; digest: string }, readonly string[]> = {
  name: "oci tags of",
  keyOf: ({ repositoryId, digest }) => factKeys.ociTagsOf(repositoryId, digest),
  async load(db, keys) {
    const tuples = keys.map(({ repositoryId, digest }) => [repositoryId, digest]);
    const columns = ["repository_id", "digest", "tag"] as const;
    const rows = await selectByKeys(db, "oci_tags", columns, ["repository_id", "digest"], tuples);
    const found = new Map<string, string[]>();
    for (const row of rows) {
      const key = factKeys.ociTagsOf(row.repository_id, row.digest);
      const names = found.get(key);
      if (names === undefined) found.set(key, [row.tag]);
      else names.push(row.tag);
    }
    // Tags are ASCII, so this is byte order.
    for (const names of found.values()) names.sort();
    return found;
  },
};

/** Up to `count` tags of a repository after `last`, in byte order. */
export async function tagNamesAfter(
  db: Kysely<Tables>,
  repositoryId: string,
  last: string,
  count: number,
): Promise<readonly string[]> {
  const build = () =>
    db
      .selectFrom("oci_tags")
      .select("tag")
      .where("repository_id", "=", "")
      .where("tag", ">", "")
      .orderBy("tag")
      .limit(1)
      .compile();
  const rows = await selectPrepared<{ readonly tag: string }>(db, "oci tags after", build, [repositoryId, last, count]);
  return rows.map(({ tag }) => tag);
}

/** Tags of a repository that came or moved after an event: for units that looked at all others before they began. */
export function tagsMovedSince(sequence: number): Loader<string, readonly string[]> {
  return {
    // Two units of one group may have looked at different times.
    name: `oci tags since ${sequence}`,
    keyOf: factKeys.ociContents,
    async load(db, ids) {
      const rows = await db
        .selectFrom("oci_tags")
        .select(["repository_id", "tag"])
        .where("repository_id", "in", ids as string[])
        .where("sequence", ">", sequence)
        .execute();
      const found = new Map<string, string[]>(ids.map((id) => [factKeys.ociContents(id), []]));
      // In byte order, so that every database names the same one first.
      rows.sort((a, b) => (a.tag < b.tag ? -1 : 1));
      for (const row of rows) found.get(factKeys.ociContents(row.repository_id))?.push(row.tag);
      return found;
    },
  };
}
