/** What pulls ask for, each with one query that is compiled once: most of what a registry does is this. */
import type { Kysely } from "kysely";
import { decodeTrustedCbor } from "../base/cbor.ts";
import type { EventPayloads } from "../events/types.ts";
import type { ContentAddress } from "../identity/content_address.ts";
import type { StorageLocation } from "../spi/storage.ts";
import { LOCATION_COLUMNS, locationOf, newestFirst } from "./objects.ts";
import { selectPrepared } from "./statements.ts";
import type { OciBlobsTable, StorageLocationsTable, Tables } from "./tables.ts";

export interface RepositoryName {
  readonly tenant: string;
  readonly name: string;
}

export interface LocatedBlob {
  readonly address: ContentAddress;
  readonly size: number;
  /** Of the newest copy; none when there is no good one. */
  readonly location: StorageLocation | undefined;
}

type BlobRow = Pick<OciBlobsTable, "content_address" | "size"> &
  Pick<StorageLocationsTable, (typeof LOCATION_COLUMNS)[number]>;

export async function locatedBlob(
  db: Kysely<Tables>,
  { tenant, name }: RepositoryName,
  digest: string,
): Promise<LocatedBlob | undefined> {
  const build = () =>
    db
      .selectFrom("oci_repositories as r")
      .innerJoin("oci_blobs as b", "b.repository_id", "r.repository_id")
      .innerJoin("objects as o", "o.content_address", "b.content_address")
      .leftJoin("storage_locations as l", (join) =>
        join.onRef("l.content_address", "=", "o.content_address").on("o.state", "=", "live"),
      )
      .select(["b.content_address", "b.size"])
      .select(LOCATION_COLUMNS.map((column) => `l.${column}` as const))
      .where("r.tenant", "=", tenant)
      .where("r.name", "=", name)
      .where("b.digest", "=", digest)
      .compile();
  // One row a copy, sorted here: see located_files.ts.
  const rows = await selectPrepared<BlobRow>(db, "located blob", build, ["live", tenant, name, digest]);
  const [row] = rows.sort(newestFirst);
  if (row === undefined) return undefined;
  return {
    address: row.content_address as ContentAddress,
    size: row.size,
    location: (row.backend_id as string | null) === null ? undefined : locationOf(row),
  };
}

export interface LocatedManifest {
  readonly repository_id: string;
  readonly digest: string;
  readonly media_type: string;
  readonly bytes: Uint8Array;
}

interface ManifestRow {
  readonly repository_id: string;
  readonly digest: string;
  readonly media_type: string;
  readonly payload: Uint8Array | null;
}

/** By its digest, or by a tag that points at it. */
export async function locatedManifest(
  db: Kysely<Tables>,
  { tenant, name }: RepositoryName,
  reference: { readonly digest: string } | { readonly tag: string },
): Promise<LocatedManifest | undefined> {
  const [row] =
    "digest" in reference
      ? await selectPrepared<ManifestRow>(db, "manifest by digest", () => byDigest(db), [
          tenant,
          name,
          reference.digest,
        ])
      : await selectPrepared<ManifestRow>(db, "manifest by tag", () => byTag(db), [tenant, name, reference.tag]);
  if (row === undefined || row.payload === null) return undefined;
  const { manifest } = decodeTrustedCbor(row.payload) as unknown as EventPayloads["v1.oci.manifest_pushed"];
  return { repository_id: row.repository_id, digest: row.digest, media_type: row.media_type, bytes: manifest };
}

const byDigest = (db: Kysely<Tables>) =>
  db
    .selectFrom("oci_repositories as r")
    .innerJoin("oci_manifests as m", "m.repository_id", "r.repository_id")
    .innerJoin("event_payloads as p", "p.sequence", "m.sequence")
    .select(["m.repository_id", "m.digest", "m.media_type", "p.payload"])
    .where("r.tenant", "=", "")
    .where("r.name", "=", "")
    .where("m.digest", "=", "")
    .compile();

const byTag = (db: Kysely<Tables>) =>
  db
    .selectFrom("oci_repositories as r")
    .innerJoin("oci_tags as t", "t.repository_id", "r.repository_id")
    .innerJoin("oci_manifests as m", (join) =>
      join.onRef("m.repository_id", "=", "t.repository_id").onRef("m.digest", "=", "t.digest"),
    )
    .innerJoin("event_payloads as p", "p.sequence", "m.sequence")
    .select(["m.repository_id", "m.digest", "m.media_type", "p.payload"])
    .where("r.tenant", "=", "")
    .where("r.name", "=", "")
    .where("t.tag", "=", "")
    .compile();
