import { authorize } from "../access/decide.ts";
import type { Caller } from "../spi/authenticator.ts";
import { loadOne, want } from "../views/loader.ts";
import { blobByDigest, linkOf } from "../views/oci_blobs.ts";
import type { OciDeps } from "./deps.ts";
import { blobNotFound, checkRepository, parseOciDigest } from "./names.ts";
import { commitIn, referExisting } from "./repository_unit.ts";

/** Spec, "Deleting Blobs". The bytes stay as long as anything needs them. */
export async function deleteBlob(
  deps: OciDeps,
  caller: Caller,
  input: { readonly repository: string; readonly digest: string },
): Promise<void> {
  authorize(caller, "oci:delete");
  const { repository } = input;
  checkRepository(repository);
  const digest = parseOciDigest(input.digest).toString();
  const ref = await referExisting(deps, caller, repository);
  // A digest names one content for ever, so the address that it has now is the one that it will have.
  const blob = await loadOne(deps.database.read, blobByDigest, { repositoryId: ref.id, digest });
  if (blob === undefined) throw blobNotFound(repository, digest);
  const { content_address: address } = blob;
  await commitIn(
    deps,
    caller,
    ref,
    (repositoryId) => ({ link: want(linkOf, { repositoryId, address }) }),
    ({ link }, subject) => {
      if (link === undefined) throw blobNotFound(repository, digest);
      const payload = { content_address: address, digests: link };
      return { events: [{ type: "v1.oci.blob_unlinked", subject, payload }], result: undefined };
    },
  );
}
