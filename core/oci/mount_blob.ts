import { sql } from "kysely";
import { authorize } from "../access/decide.ts";
import type { Decision } from "../ledger/mod.ts";
import type { Caller } from "../spi/authenticator.ts";
import { loadOne, want } from "../views/loader.ts";
import { objectByAddress } from "../views/objects.ts";
import { blobByDigest, linkOf } from "../views/oci_blobs.ts";
import { repositoryById, repositoryByName } from "../views/oci_repositories.ts";
import type { OciDeps } from "./deps.ts";
import { linkedEvent } from "./link_blob.ts";
import { checkRepository, parseOciDigest } from "./names.ts";
import { commitIn, type RepositoryRef, refer } from "./repository_unit.ts";
import type { PushedBlob } from "./types.ts";

/**
 * Links a blob that another repository has (spec, "Mounting a blob from another repository").
 * @param hidden Repositories whose names begin so are none to mount from.
 */
export async function mountBlob(
  deps: OciDeps,
  caller: Caller,
  input: { readonly repository: string; readonly digest: string; readonly from?: string },
  hidden?: string,
): Promise<PushedBlob | undefined> {
  authorize(caller, "oci:push");
  authorize(caller, "oci:pull");
  checkRepository(input.repository);
  if (input.from !== undefined) checkRepository(input.from);
  const digest = parseOciDigest(input.digest).toString();
  const repository = await refer(deps, caller, input.repository);
  const found = await findSource(deps, caller, digest, input.from ?? repository, hidden);
  if (found === undefined) return undefined;
  const { sourceId, address } = found;
  return await commitIn(
    deps,
    caller,
    repository,
    (repositoryId) => ({
      source: want(repositoryById, sourceId),
      blob: want(blobByDigest, { repositoryId: sourceId, digest }),
      known: want(linkOf, { repositoryId: sourceId, address }),
      object: want(objectByAddress, address),
      link: want(linkOf, { repositoryId, address }),
    }),
    ({ source, blob, known, object, link }, repositoryId): Decision<PushedBlob | undefined> => {
      // Without a good copy the caller brings one.
      if (source === undefined || blob === undefined || known === undefined || object?.state !== "live") {
        return { events: [], result: undefined };
      }
      const { size } = blob;
      const linked = linkedEvent(repositoryId, { content_address: address, size, digests: known }, link);
      return {
        events: linked === undefined ? [] : [linked],
        result: { digest, size, content_address: address as PushedBlob["content_address"] },
      };
    },
  );
}

/**
 * The repository that was named, or any of the tenant, best the one that is to have the blob. What the unit decides is
 * looked up again there.
 */
async function findSource(
  { database }: OciDeps,
  { tenant }: Caller,
  digest: string,
  from: string | RepositoryRef,
  hidden: string | undefined,
): Promise<{ readonly sourceId: string; readonly address: string } | undefined> {
  if (hidden !== undefined && typeof from === "string" && from.startsWith(hidden)) return undefined;
  const named =
    typeof from === "string"
      ? (await loadOne(database.read, repositoryByName, { tenant, name: from }))?.repository_id
      : from.id;
  const blob = named && (await loadOne(database.read, blobByDigest, { repositoryId: named, digest }));
  if (blob) return { sourceId: blob.repository_id, address: blob.content_address };
  if (typeof from === "string") return undefined;
  let sources = database.read
    .selectFrom("oci_blobs as b")
    .innerJoin("oci_repositories as r", "r.repository_id", "b.repository_id")
    .select(["b.repository_id", "b.content_address"])
    .where("b.digest", "=", digest)
    .where("r.tenant", "=", tenant)
    .limit(1);
  if (hidden !== undefined) sources = sources.where(sql`substr(r.name, 1, ${hidden.length})`, "<>", hidden);
  const row = await sources.executeTakeFirst();
  return row && { sourceId: row.repository_id, address: row.content_address };
}
