import { toHex } from "../base/bytes.ts";
import { jcsText } from "../base/jcs.ts";
import type { ReducibleEvent } from "../events/types.ts";
import { factKeys } from "./keys.ts";
import type { Loader } from "./loader.ts";
import { selectByKeys } from "./statements.ts";
import type { ArtifactPackagesTable } from "./tables.ts";
import { RowFold, type View, viewTable } from "./view.ts";

const packages = viewTable(
  "artifact_packages",
  [
    "package_id",
    "tenant",
    "name",
    "version",
    "state",
    "retention_class",
    "metadata",
    "metadata_schema",
    "external_refs",
    "created_at",
    "created_by",
    "created_sequence",
    "finalized_at",
    "finalized_by",
    "manifest_sequence",
    "manifest_digest",
    "file_count",
    "total_bytes",
  ],
  ["package_id"],
);

const tombstones = viewTable(
  "package_tombstones",
  ["package_id", "tenant", "deleted_at", "deleted_by"],
  ["package_id"],
);

export const packagesView: View = {
  name: "artifact_packages",
  version: 1,
  tables: [packages, tombstones],
  async reduce(trx, events, hasher) {
    const rows = new RowFold(packages);
    const deleted = new RowFold(tombstones);
    const stored = await rowsToChange(trx, events);
    const current = (packageId: string) => {
      const pending = rows.get([packageId]);
      return pending === undefined ? stored.get(packageId) : (pending ?? undefined);
    };
    for (const event of events) {
      switch (event.type) {
        case "v1.package.created": {
          const { name, version, retention_class, metadata, metadata_schema, external_refs } = event.payload;
          rows.put({
            package_id: event.subject,
            tenant: event.tenant,
            name,
            version,
            state: "open",
            retention_class,
            metadata: jcsText(metadata),
            metadata_schema,
            external_refs: jcsText(external_refs),
            created_at: event.occurred_at,
            created_by: event.actor,
            created_sequence: event.sequence,
            finalized_at: null,
            finalized_by: null,
            manifest_sequence: null,
            manifest_digest: null,
            file_count: null,
            total_bytes: null,
          });
          break;
        }
        case "v1.package.finalized": {
          // Absent only in a replay of a deleted package whose creation has been erased; its deletion follows.
          const row = current(event.subject);
          if (row === undefined) break;
          let fileCount = 0;
          let totalBytes = 0;
          for (const entry of event.payload.files) {
            if (entry.kind !== "file") continue;
            fileCount++;
            totalBytes += entry.size;
          }
          rows.put({
            ...row,
            state: "finalized",
            finalized_at: event.payload.provenance.finalized_at,
            finalized_by: event.payload.provenance.finalized_by,
            manifest_sequence: event.sequence,
            manifest_digest: `blake3:${toHex(hasher.hash("blake3", event.payload_bytes))}`,
            file_count: fileCount,
            total_bytes: totalBytes,
          });
          break;
        }
        case "v1.package.abandoned": {
          const row = current(event.subject);
          if (row !== undefined) rows.put({ ...row, state: "abandoned" });
          break;
        }
        case "v1.package.deleted":
          rows.remove([event.subject]);
          deleted.put({
            package_id: event.subject,
            tenant: event.tenant,
            deleted_at: event.occurred_at,
            deleted_by: event.actor,
          });
          break;
      }
    }
    await rows.flush(trx);
    await deleted.flush(trx);
  },
};

async function rowsToChange(trx: Parameters<View["reduce"]>[0], events: readonly ReducibleEvent[]) {
  const ids = new Set<string>();
  for (const event of events) {
    if (event.type === "v1.package.finalized" || event.type === "v1.package.abandoned") ids.add(event.subject);
  }
  const found = await selectByKeys(
    trx,
    "artifact_packages",
    packages.columns,
    ["package_id"],
    [...ids].map((id) => [id]),
  );
  return new Map(found.map((row) => [row.package_id, row]));
}

export const packageById: Loader<string, ArtifactPackagesTable> = {
  name: "package",
  keyOf: factKeys.package,
  async load(db, ids) {
    const rows = await selectByKeys(
      db,
      "artifact_packages",
      packages.columns,
      ["package_id"],
      ids.map((id) => [id]),
    );
    return new Map(rows.map((row) => [factKeys.package(row.package_id), row]));
  },
};

/** The finalised package that holds a version of a name. */
export const releasedPackage: Loader<{ tenant: string; name: string; version: string }, ArtifactPackagesTable> = {
  name: "release",
  keyOf: ({ tenant, name, version }) => factKeys.release(tenant, name, version),
  async load(db, keys) {
    const tuples = keys.map(({ tenant, name, version }) => [tenant, name, version]);
    const rows = await selectByKeys(db, "artifact_packages", packages.columns, ["tenant", "name", "version"], tuples);
    return new Map(
      rows
        .filter((row) => row.state === "finalized")
        .map((row) => [factKeys.release(row.tenant, row.name, row.version as string), row]),
    );
  },
};

/** True where the log holds the deletion of the subject. */
export const deletionOf: Loader<string, { package_id: string; tenant: string }> = {
  name: "deletion",
  keyOf: factKeys.deletion,
  async load(db, ids) {
    const rows = await selectByKeys(
      db,
      "package_tombstones",
      ["package_id", "tenant"],
      ["package_id"],
      ids.map((id) => [id]),
    );
    return new Map(rows.map((row) => [factKeys.deletion(row.package_id), row]));
  },
};
