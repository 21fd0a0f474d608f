/** Links: which blobs can be read in which repository. The bytes are an object's, whoever brought them. */
import { factKeys } from "./keys.ts";
import type { Loader } from "./loader.ts";
import { deleteOfRepository, selectByKeys } from "./statements.ts";
import type { OciBlobsTable } from "./tables.ts";
import { RowFold, type View, viewTable } from "./view.ts";

const blobs = viewTable(
  "oci_blobs",
  ["repository_id", "digest", "content_address", "size", "linked_at"],
  ["repository_id", "digest"],
);

export const ociBlobsView: View = {
  name: "oci_blobs",
  version: 1,
  tables: [blobs],
  async reduce(trx, events) {
    const rows = new RowFold(blobs);
    for (const event of events) {
      if (event.type === "v1.oci.blob_linked") {
        const { content_address, size, digests } = event.payload;
        for (const digest of digests) {
          rows.put({ repository_id: event.subject, digest, content_address, size, linked_at: event.occurred_at });
        }
      } else if (event.type === "v1.oci.blob_unlinked") {
        for (const digest of event.payload.digests) rows.remove([event.subject, digest]);
      } else if (event.type === "v1.oci.repository_deleted") {
        // What it had is not in this event, and may be pending.
        await rows.flush(trx);
        await deleteOfRepository(trx, blobs.name, blobs.primaryKey, event.subject);
      }
    }
    await rows.flush(trx);
  },
};

/** A blob of a repository by one of its digests. */
export const blobByDigest: Loader<{ repositoryId: string; digest: string }, OciBlobsTable> = {
  name: "oci blob",
  keyOf: ({ repositoryId, digest }) => factKeys.ociBlob(repositoryId, digest),
  async load(db, keys) {
    const tuples = keys.map(({ repositoryId, digest }) => [repositoryId, digest]);
    const rows = await selectByKeys(db, "oci_blobs", blobs.columns, ["repository_id", "digest"], tuples);
    return new Map(rows.map((row) => [factKeys.ociBlob(row.repository_id, row.digest), row]));
  },
};

/** Every digest under which a repository has an object. */
export const linkOf: Loader<{ repositoryId: string; address: string }, readonly string[]> = {
  name: "oci link",
  keyOf: ({ repositoryId, address }) => factKeys.ociLink(repositoryId, address),
  async load(db, keys) {
    const tuples = keys.map(({ repositoryId, address }) => [address, repositoryId]);
    const rows = await selectByKeys(db, "oci_blobs", blobs.columns, ["content_address", "repository_id"], tuples);
    const found = new Map<string, string[]>();
    for (const row of rows) {
      const key = factKeys.ociLink(row.repository_id, row.content_address);
      const digests = found.get(key);
      if (digests === undefined) found.set(key, [row.digest]);
      else digests.push(row.digest);
    }
    for (const digests of found.values()) digests.sort();
    return found;
  },
};
