/** How much is in a repository. */
import { type Kysely, sql } from "kysely";
import { factKeys } from "./keys.ts";
import type { Loader } from "./loader.ts";
import type { Tables } from "./tables.ts";

interface OciContents {
  readonly tags: number;
  readonly manifests: number;
  /** Each once, whatever its digests. */
  readonly blobs: number;
}

/** Digests of blobs of which every blob has exactly one (`v1.oci.blob_linked`). */
const SHA256 = { from: "sha256:", to: "sha256;" } as const;

/** Of a living repository, counted by the database. */
export const contentsOf: Loader<string, OciContents> = {
  name: "oci contents",
  keyOf: factKeys.ociContents,
  async load(db, ids) {
    const rows = await db
      .selectFrom("oci_repositories as r")
      .select("r.repository_id")
      .select((eb) => [
        eb
          .selectFrom("oci_tags as t")
          .select((count) => count.fn.countAll().as("count"))
          .whereRef("t.repository_id", "=", "r.repository_id")
          .as("tags"),
        eb
          .selectFrom("oci_manifests as m")
          .select((count) => count.fn.countAll().as("count"))
          .whereRef("m.repository_id", "=", "r.repository_id")
          .as("manifests"),
        eb
          .selectFrom("oci_blobs as b")
          .select((count) => count.fn.countAll().as("count"))
          .whereRef("b.repository_id", "=", "r.repository_id")
          .where("b.digest", ">=", SHA256.from)
          .where("b.digest", "<", SHA256.to)
          .as("blobs"),
      ])
      .where("r.repository_id", "in", ids as string[])
      .execute();
    return new Map(
      rows.map((row) => [
        factKeys.ociContents(row.repository_id),
        { tags: Number(row.tags), manifests: Number(row.manifests), blobs: Number(row.blobs) },
      ]),
    );
  },
};

interface OciTally extends OciContents {
  /** Of its blobs and manifests. */
  readonly bytes: number;
  /** When the newest of all that is there came, or moved. */
  readonly last_push: string | null;
}

interface Part {
  readonly count: number;
  readonly bytes: number;
  readonly newest: string | null;
}

/** Rows that one statement looks at: a few milliseconds. */
const STEP = 5000;

/** The same and more for people, looked at in steps: what comes meanwhile may be counted or not. */
export async function tallyOf(db: Kysely<Tables>, repositoryId: string): Promise<OciTally> {
  const tags = await walk(db, repositoryId, { table: "oci_tags", key: "tag", size: "0", time: "moved_at" });
  const manifests = await walk(db, repositoryId, {
    ...{ table: "oci_manifests", key: "digest", size: "size", time: "pushed_at" },
  });
  const blobs = await walk(db, repositoryId, {
    ...{ table: "oci_blobs", key: "digest", size: "size", time: "linked_at", ...SHA256 },
  });
  const times = [tags, manifests, blobs].flatMap(({ newest }) => newest ?? []).sort();
  return {
    tags: tags.count,
    manifests: manifests.count,
    blobs: blobs.count,
    bytes: manifests.bytes + blobs.bytes,
    last_push: times.at(-1) ?? null,
  };
}

interface Walk {
  readonly table: "oci_tags" | "oci_manifests" | "oci_blobs";
  readonly key: string;
  readonly size: string;
  readonly time: string;
  readonly from?: string;
  readonly to?: string;
}

async function walk(db: Kysely<Tables>, repositoryId: string, over: Walk): Promise<Part> {
  const { table, from = "", to = "\x7f" } = over;
  const [key, size, time] = [over.key, over.size, over.time].map((name) => sql.raw(name)) as [Raw, Raw, Raw];
  let part: Part = { count: 0, bytes: 0, newest: null };
  for (let after = from; ; ) {
    const { rows } = await sql<{ count: number; bytes: number | null; newest: string | null; last: string | null }>`
      select count(*) as count, sum(bytes) as bytes, max(at) as newest, max(key) as last from
      (select ${key} as key, ${size} as bytes, ${time} as at from ${sql.table(table)}
        where repository_id = ${repositoryId} and ${key} > ${after} and ${key} < ${to} order by ${key} limit ${sql.lit(STEP)}) as step
    `.execute(db);
    const [row] = rows;
    const count = Number(row?.count ?? 0);
    const newest = [part.newest, row?.newest ?? null].flatMap((at) => at ?? []).sort();
    part = {
      count: part.count + count,
      bytes: part.bytes + Number(row?.bytes ?? 0),
      newest: newest.at(-1) ?? null,
    };
    if (count < STEP) return part;
    after = row?.last as string;
  }
}

type Raw = ReturnType<typeof sql.raw>;
