/** What pulls ask for, each with one query that is compiled once: most of what a registry does is this. */
import type { Kysely } from "kysely";
import { decodeTrustedCbor } from "../base/cbor.ts";
import type { EventPayloads } from "../events/types.ts";
import type { ContentAddress } from "../identity/content_address.ts";
import type { StorageLocation } from "../spi/storage.ts";
import { LOCATION_COLUMNS, locationOf, newestFirst } from "./objects.ts";
import { payloadOf } from "./payloads.ts";
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
  readonly size: number;
  /** Of the event whose payload has the bytes. */
  readonly sequence: number;
}

/** By its digest, or by a tag that points at it. Its bytes are {@link manifestPayload}. */
export async function locatedManifest(
  db: Kysely<Tables>,
  { tenant, name }: RepositoryName,
  reference: { readonly digest: string } | { readonly tag: string },
): Promise<LocatedManifest | undefined> {
  const [row] =
    "digest" in reference
      ? await selectPrepared<LocatedManifest>(db, "manifest by digest", () => byDigest(db), [
          tenant,
          name,
          reference.digest,
        ])
      : await selectPrepared<LocatedManifest>(db, "manifest by tag", () => byTag(db), [tenant, name, reference.tag]);
  return row && { ...row, size: Number(row.size), sequence: Number(row.sequence) };
}

const MANIFEST_COLUMNS = ["m.repository_id", "m.digest", "m.media_type", "m.size", "m.sequence"] as const;

const byDigest = (db: Kysely<Tables>) =>
  db
    .selectFrom("oci_repositories as r")
    .innerJoin("oci_manifests as m", "m.repository_id", "r.repository_id")
    .select(MANIFEST_COLUMNS)
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
    .select(MANIFEST_COLUMNS)
    .where("r.tenant", "=", "")
    .where("r.name", "=", "")
    .where("t.tag", "=", "")
    .compile();

/** The manifest in the payload of the event that brought it. */
export async function manifestPayload(db: Kysely<Tables>, sequence: number): Promise<Uint8Array | undefined> {
  const payload = await payloadOf(db, sequence);
  if (payload === undefined) return undefined;
  return (decodeTrustedCbor(payload) as unknown as EventPayloads["v1.oci.manifest_pushed"]).manifest;
}
