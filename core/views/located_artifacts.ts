/**
 * What pulls from `/v2/packages/<tenant>/<name>` ask for. Each query is compiled once and walks an index, however many
 * packages there are.
 */
import { type Kysely, sql } from "kysely";
import type { RepositoryName } from "./oci_located.ts";
import { packageArtifactsTable } from "./package_artifacts.ts";
import { selectPrepared } from "./statements.ts";
import type { PackageArtifactsTable, Tables } from "./tables.ts";

type Db = Kysely<Tables>;

/** Tag of the package of a name that was finalised last. */
const LATEST = "latest";
const ID_LENGTH = 36;

const named = (db: Db) => db.selectFrom("package_artifacts").where("tenant", "=", "").where("name", "=", "");

/** The package of that name that a tag or the digest of its OCI manifest means: an id first, then `latest`, then a version. */
export async function locatedArtifact(
  db: Db,
  { tenant, name }: RepositoryName,
  reference: { readonly digest: string } | { readonly tag: string },
): Promise<PackageArtifactsTable | undefined> {
  const one = async (by: "package_id" | "version" | "artifact_digest", value: string) => {
    const build = () => named(db).select(packageArtifactsTable.columns).where(by, "=", "").compile();
    return (await selectPrepared<PackageArtifactsTable>(db, `artifact ${by}`, build, [tenant, name, value]))[0];
  };
  if ("digest" in reference) return await one("artifact_digest", reference.digest);
  const { tag } = reference;
  if (tag === LATEST) return await newest(db, { tenant, name });
  return (tag.length === ID_LENGTH ? await one("package_id", tag) : undefined) ?? (await one("version", tag));
}

async function newest(db: Db, { tenant, name }: RepositoryName): Promise<PackageArtifactsTable | undefined> {
  const build = () => named(db).select(packageArtifactsTable.columns).orderBy("sequence", "desc").limit(1).compile();
  return (await selectPrepared<PackageArtifactsTable>(db, "artifact newest", build, [tenant, name, 1]))[0];
}

/** Whether a package of that name is finalised. */
export async function hasArtifacts(db: Db, { tenant, name }: RepositoryName): Promise<boolean> {
  const build = () => named(db).select("sequence").limit(1).compile();
  return (await selectPrepared(db, "artifact any", build, [tenant, name, 1])).length > 0;
}

export interface LocatedConfig {
  readonly config_size: number;
  readonly sequence: number;
  /** `blake3:<hex>` */
  readonly manifest_digest: string;
}

/** The manifest of a package by its sha256. */
export async function locatedConfig(
  db: Db,
  { tenant, name }: RepositoryName,
  digest: string,
): Promise<LocatedConfig | undefined> {
  const build = () =>
    db
      .selectFrom("package_artifacts as a")
      .innerJoin("artifact_packages as p", "p.package_id", "a.package_id")
      .select(["a.config_size", "a.sequence", "p.manifest_digest"])
      .where("a.tenant", "=", "")
      .where("a.name", "=", "")
      .where("a.config_digest", "=", "")
      .compile();
  return (await selectPrepared<LocatedConfig>(db, "artifact config", build, [tenant, name, digest]))[0];
}

/** Up to `count` tags after `last`, in byte order, of packages that can be pulled here. */
export async function artifactTags(
  db: Db,
  { tenant, name }: RepositoryName,
  last: string,
  count: number,
): Promise<readonly string[]> {
  const page = async (column: "package_id" | "version") => {
    const build = () =>
      named(db)
        .select(`${column} as tag`)
        .where("artifact_digest", "is not", null)
        .where(column, ">", "")
        .where(column, "<>", "")
        .orderBy(column)
        .limit(1)
        .compile();
    return await selectPrepared<{ readonly tag: string }>(db, `artifact tags ${column}`, build, [
      tenant,
      name,
      last,
      LATEST,
      count,
    ]);
  };
  const found = new Set([...(await page("package_id")), ...(await page("version"))].map(({ tag }) => tag));
  const artifact = await newest(db, { tenant, name });
  // What reads `latest` is the newest, whoever has it as a version.
  if (artifact !== undefined && artifact.artifact_digest !== null && LATEST > last) found.add(LATEST);
  // Tags are ASCII, so this is byte order.
  return [...found].sort().slice(0, count);
}

/**
 * Up to `count` names of finalised packages, in byte order: those that come after `last`, begin with `prefix` and have
 * `maxLength` characters at most.
 */
export async function artifactNames(
  db: Db,
  tenant: string,
  page: { readonly last: string; readonly prefix: string; readonly maxLength: number; readonly count: number },
): Promise<readonly string[]> {
  const { last, prefix, maxLength, count } = page;
  // From one name to the next in the index: `distinct` would read every package of every name.
  const after = (name: unknown) => sql`(select min(name) from package_artifacts
    where tenant = ${tenant} and name > ${name} and name >= ${prefix} and name < ${prefix}
      and length(name) <= ${maxLength})`;
  const build = () =>
    sql`with recursive names (name) as (
        select ${after(last)} union all select ${after(sql.ref("names.name"))} from names where names.name is not null
      ) select name from names where name is not null limit ${count}`.compile(db);
  // A name is ASCII and ends before DEL.
  const range = [prefix, `${prefix}\x7f`, maxLength];
  const parameters = [tenant, last, ...range, tenant, ...range, count];
  const rows = await selectPrepared<{ readonly name: string }>(db, "artifact names", build, parameters);
  return rows.map(({ name }) => name);
}
