import type { EventType, PackageEntry, ReducibleEvent } from "../events/types.ts";
import { type ContentAddress, digestOf } from "../identity/content_address.ts";
import { factKeys, pathKeyOf } from "./keys.ts";
import type { Loader } from "./loader.ts";
import { selectByKeys } from "./statements.ts";
import type { ArtifactFilesTable } from "./tables.ts";
import { RowFold, type View, viewTable } from "./view.ts";

export const filesTable = viewTable(
  "artifact_files",
  [
    "package_id",
    "path_key",
    "relative_path",
    "kind",
    "content_address",
    "digest_algorithm",
    "digest_primary",
    "digest_sha256",
    "digest_sha512",
    "size",
    "executable",
    "symlink_target",
    "media_type",
    "ingested_at",
    "ingested_by",
    "sequence",
  ],
  ["package_id", "path_key"],
);

export const filesView: View = {
  name: "artifact_files",
  version: 1,
  tables: [filesTable],
  async reduce(trx, events) {
    const rows = new RowFold(filesTable);
    for (const event of events) {
      switch (event.type) {
        case "v1.package.file_ingested":
        case "v1.package.file_replaced":
          rows.put(rowOf(event));
          break;
        case "v1.package.file_removed":
          rows.remove([event.subject, pathKeyOf(event.payload.path)]);
          break;
        case "v1.package.deleted":
          await rows.flush(trx);
          await trx.deleteFrom("artifact_files").where("package_id", "=", event.subject).execute();
          break;
      }
    }
    await rows.flush(trx);
  },
};

type EntryEvent = Extract<
  ReducibleEvent,
  { type: Extract<EventType, "v1.package.file_ingested" | "v1.package.file_replaced"> }
>;

function rowOf(event: EntryEvent): ArtifactFilesTable {
  const entry = event.payload;
  const file = entry.kind === "file" ? entry : undefined;
  const primary = file === undefined ? undefined : digestOf(file.content_address);
  return {
    package_id: event.subject,
    path_key: pathKeyOf(entry.path),
    relative_path: entry.path,
    kind: entry.kind,
    content_address: file?.content_address ?? null,
    digest_algorithm: primary?.algorithm ?? null,
    digest_primary: primary?.hex ?? null,
    digest_sha256: file?.digests.sha256 ?? null,
    digest_sha512: file?.digests.sha512 ?? null,
    size: file?.size ?? null,
    executable: file?.executable === true ? 1 : 0,
    symlink_target: entry.kind === "symlink" ? entry.target : null,
    media_type: file?.media_type ?? null,
    ingested_at: event.occurred_at,
    ingested_by: event.actor,
    sequence: event.sequence,
  };
}

/** The entry that a row stands for. */
export function entryOf(row: ArtifactFilesTable): PackageEntry {
  if (row.kind === "directory") return { kind: "directory", path: row.relative_path };
  if (row.kind === "symlink") return { kind: "symlink", path: row.relative_path, target: row.symlink_target ?? "" };
  const sha512 = row.digest_sha512;
  return {
    kind: "file",
    path: row.relative_path,
    content_address: row.content_address as ContentAddress,
    size: row.size as number,
    digests: { sha256: row.digest_sha256 as string, ...(sha512 === null ? {} : { sha512 }) },
    executable: row.executable === 1,
    media_type: row.media_type,
  };
}

/** The entry of a package whose path is equal after NFC. */
export const entryByPath: Loader<{ packageId: string; pathKey: string }, ArtifactFilesTable> = {
  name: "entry",
  keyOf: ({ packageId, pathKey }) => factKeys.entry(packageId, pathKey),
  async load(db, keys) {
    const tuples = keys.map(({ packageId, pathKey }) => [packageId, pathKey]);
    const rows = await selectByKeys(db, "artifact_files", filesTable.columns, ["package_id", "path_key"], tuples);
    return new Map(rows.map((row) => [factKeys.entry(row.package_id, row.path_key), row]));
  },
};

/**
 * Sequence of the newest event about a package. As long as it is the same, so is everything that the log says of the
 * package, its entries above all; and it is one step in an index, however many these are.
 */
export const newestOf: Loader<string, number> = {
  name: "newest",
  keyOf: factKeys.entries,
  async load(db, packageIds) {
    const found = new Map<string, number>();
    for (const id of packageIds) {
      const row = await db
        .selectFrom("events")
        .select("sequence")
        .where("subject", "=", id)
        .orderBy("sequence", "desc")
        .limit(1)
        .executeTakeFirst();
      if (row !== undefined) found.set(factKeys.entries(id), Number(row.sequence));
    }
    return found;
  },
};
