/**
 * Files of finalised packages by their digest, for the repositories of packages. Each statement walks an index and looks
 * at a bounded number of rows.
 */
import type { Kysely } from "kysely";
import { Pace } from "../base/turn.ts";
import type { ContentAddress } from "../identity/content_address.ts";
import type { StorageLocation } from "../spi/storage.ts";
import { LOCATION_COLUMNS, locationOf, newestFirst } from "./objects.ts";
import type { RepositoryName } from "./oci_located.ts";
import { selectPrepared } from "./statements.ts";
import type { StorageLocationsTable, Tables } from "./tables.ts";

type Db = Kysely<Tables>;

export interface LocatedPackageFile {
  readonly packageId: string;
  readonly address: ContentAddress;
  readonly size: number;
  /** Of the newest copy; none when there is no good one. */
  readonly location: StorageLocation | undefined;
}

/** Rows looked at in one statement. */
const PAGES = [32, 256, 1024] as const;

/**
 * A file of the packages of that name by its sha256. A content may be in many packages, and a name have many: looked
 * through are those that have the content and those that have the name, the newest first and by turns, until either
 * comes to its end.
 */
export async function locatedPackageFile(
  db: Db,
  repository: RepositoryName,
  sha256: string,
): Promise<LocatedPackageFile | undefined> {
  const address = await addressOf(db, sha256);
  if (address === undefined) return undefined;
  const pace = new Pace();
  let [id, sequence]: [string, number] = ["~", Number.MAX_SAFE_INTEGER];
  for (let at = 0; ; at++) {
    const limit = PAGES[Math.min(at, PAGES.length - 1)] as number;
    const holders = await holdersBefore(db, repository, address, id, limit);
    const holder = holders.find(({ held }) => held !== null);
    if (holder !== undefined) return await located(db, address, holder.package_id);
    if (holders.length < limit) return undefined;
    id = (holders.at(-1) as Holder).package_id;

    const candidates = await candidatesBefore(db, repository, address, sequence, limit);
    const found = candidates.find(({ held }) => held === 1);
    if (found !== undefined) return await located(db, address, found.package_id);
    if (candidates.length < limit) return undefined;
    sequence = (candidates.at(-1) as Candidate).sequence;
    if (pace.due()) await pace.turn();
  }
}

/** A file of any package of the tenant; after a look at the newest that have it, nobody says that there is none. */
export async function anyPackageFile(db: Db, tenant: string, sha256: string): Promise<LocatedPackageFile | undefined> {
  const address = await addressOf(db, sha256);
  if (address === undefined) return undefined;
  const holders = await holdersBefore(db, { tenant, name: undefined }, address, "~", PAGES[1]);
  const holder = holders.find(({ held }) => held !== null);
  return holder && (await located(db, address, holder.package_id));
}

async function addressOf(db: Db, sha256: string): Promise<string | undefined> {
  const build = () =>
    db
      .selectFrom("object_digests")
      .select("content_address")
      .where("algorithm", "=", "")
      .where("hex", "=", "")
      .compile();
  const rows = await selectPrepared<{ readonly content_address: string }>(db, "address", build, ["sha256", sha256]);
  return rows[0]?.content_address;
}

interface Holder {
  readonly package_id: string;
  /** Null where it is not one of those that are meant. */
  readonly held: string | null;
}

/** Packages that have the content, the newest ids first; one as often as it has it. */
async function holdersBefore(
  db: Db,
  { tenant, name }: { readonly tenant: string; readonly name: string | undefined },
  address: string,
  id: string,
  limit: number,
): Promise<readonly Holder[]> {
  const build = () =>
    db
      .selectFrom((eb) =>
        eb
          .selectFrom("artifact_files")
          .select("package_id")
          .where("content_address", "=", "")
          .where("package_id", "<", "")
          .orderBy("package_id", "desc")
          .limit(1)
          .as("f"),
      )
      .leftJoin("package_artifacts as a", (join) => {
        const same = join
          .onRef("a.package_id", "=", "f.package_id")
          .on("a.artifact_digest", "is not", null)
          .on("a.tenant", "=", "");
        return name === undefined ? same : same.on("a.name", "=", "");
      })
      .select(["f.package_id", "a.package_id as held"])
      .orderBy("f.package_id", "desc")
      .compile();
  const key = `artifact holders ${name === undefined}`;
  return await selectPrepared<Holder>(db, key, build, [
    ...[address, id, limit, tenant],
    ...(name === undefined ? [] : [name]),
  ]);
}

interface Candidate {
  readonly package_id: string;
  readonly sequence: number;
  /** 1 where it has the content. */
  readonly held: number;
}

/** Packages of the name, the newest first. */
async function candidatesBefore(
  db: Db,
  { tenant, name }: RepositoryName,
  address: string,
  sequence: number,
  limit: number,
): Promise<readonly Candidate[]> {
  const build = () =>
    db
      .selectFrom((eb) =>
        eb
          .selectFrom("package_artifacts")
          .select(["package_id", "sequence", "artifact_digest"])
          .where("tenant", "=", "")
          .where("name", "=", "")
          .where("sequence", "<", 0)
          .orderBy("sequence", "desc")
          .limit(1)
          .as("a"),
      )
      .select(["a.package_id", "a.sequence"])
      .select((eb) =>
        eb
          .case()
          .when(
            eb.and([
              eb("a.artifact_digest", "is not", null),
              eb.exists(
                eb
                  .selectFrom("artifact_files as f")
                  .select("f.package_id")
                  .where("f.content_address", "=", "")
                  .whereRef("f.package_id", "=", "a.package_id"),
              ),
            ]),
          )
          .then(eb.lit(1))
          .else(eb.lit(0))
          .end()
          .as("held"),
      )
      .orderBy("a.sequence", "desc")
      .compile();
  // In the order of the text: the list of columns comes before what it is taken from.
  return await selectPrepared<Candidate>(db, "artifact candidates", build, [address, tenant, name, sequence, limit]);
}

type CopyRow = { readonly size: number } & Pick<StorageLocationsTable, (typeof LOCATION_COLUMNS)[number]>;

async function located(db: Db, address: string, packageId: string): Promise<LocatedPackageFile | undefined> {
  const build = () =>
    db
      .selectFrom("objects as o")
      .leftJoin("storage_locations as l", (join) =>
        join.onRef("l.content_address", "=", "o.content_address").on("o.state", "=", "live"),
      )
      .select("o.size")
      .select(LOCATION_COLUMNS.map((column) => `l.${column}` as const))
      .where("o.content_address", "=", "")
      .compile();
  const rows = await selectPrepared<CopyRow>(db, "located object", build, ["live", address]);
  const [row] = rows.sort(newestFirst);
  if (row === undefined) return undefined;
  return {
    packageId,
    address: address as ContentAddress,
    size: row.size,
    location: (row.backend_id as string | null) === null ? undefined : locationOf(row),
  };
}
