import { jcsText } from "../base/jcs.ts";
import { readOciManifest } from "../manifest/oci.ts";
import { factKeys } from "./keys.ts";
import type { Loader } from "./loader.ts";
import { deleteOfRepository, selectByKeys } from "./statements.ts";
import type { OciManifestsTable } from "./tables.ts";
import { RowFold, type View, viewTable } from "./view.ts";

const manifests = viewTable(
  "oci_manifests",
  [
    "repository_id",
    "digest",
    "media_type",
    "size",
    "artifact_type",
    "subject",
    "annotations",
    "pushed_at",
    "pushed_by",
    "sequence",
  ],
  ["repository_id", "digest"],
);

const references = viewTable(
  "oci_references",
  ["repository_id", "manifest", "digest", "kind"],
  ["repository_id", "manifest", "digest", "kind"],
);

const removed = viewTable(
  "oci_removed_manifests",
  ["repository_id", "digest", "sequence", "removed_at", "removed_by"],
  ["repository_id", "digest"],
);

export const ociManifestsView: View = {
  name: "oci_manifests",
  version: 2,
  tables: [manifests, references, removed],
  async reduce(trx, events) {
    const rows = new RowFold(manifests);
    const named = new RowFold(references);
    const past = new RowFold(removed);
    for (const event of events) {
      if (event.type === "v1.oci.manifest_pushed") {
        const { digest, media_type, manifest } = event.payload;
        const facts = readOciManifest(manifest, media_type);
        rows.put({
          repository_id: event.subject,
          digest,
          media_type,
          size: manifest.length,
          artifact_type: facts.artifactType,
          subject: facts.subject,
          annotations: facts.annotations === null ? null : jcsText(facts.annotations),
          pushed_at: event.occurred_at,
          pushed_by: event.actor,
          sequence: event.sequence,
        });
        past.remove([event.subject, digest]);
        for (const reference of facts.references) {
          named.put({
            repository_id: event.subject,
            manifest: digest,
            digest: reference.digest,
            kind: reference.kind,
          });
        }
      } else if (event.type === "v1.oci.manifest_deleted") {
        const { digest } = event.payload;
        rows.remove([event.subject, digest]);
        past.put({
          ...{ repository_id: event.subject, digest, sequence: event.sequence },
          ...{ removed_at: event.occurred_at, removed_by: event.actor },
        });
        // What it named is not in this event, and may be pending.
        await named.flush(trx);
        await trx
          .deleteFrom("oci_references")
          .where("repository_id", "=", event.subject)
          .where("manifest", "=", digest)
          .execute();
      } else if (event.type === "v1.oci.repository_deleted") {
        await rows.flush(trx);
        await named.flush(trx);
        await deleteOfRepository(trx, manifests.name, manifests.primaryKey, event.subject);
        await deleteOfRepository(trx, references.name, references.primaryKey, event.subject);
      }
    }
    await rows.flush(trx);
    await named.flush(trx);
    await past.flush(trx);
  },
};

export const manifestByDigest: Loader<{ repositoryId: string; digest: string }, OciManifestsTable> = {
  name: "oci manifest",
  keyOf: ({ repositoryId, digest }) => factKeys.ociManifest(repositoryId, digest),
  async load(db, keys) {
    const tuples = keys.map(({ repositoryId, digest }) => [repositoryId, digest]);
    const rows = await selectByKeys(db, "oci_manifests", manifests.columns, ["repository_id", "digest"], tuples);
    return new Map(rows.map((row) => [factKeys.ociManifest(row.repository_id, row.digest), row]));
  },
};
