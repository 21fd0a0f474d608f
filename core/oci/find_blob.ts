import { authorize } from "../access/decide.ts";
import { readObject } from "../content/read.ts";
import type { Caller } from "../spi/authenticator.ts";
import { locatedBlob } from "../views/oci_located.ts";
import type { OciDeps } from "./deps.ts";
import { blobNotFound, checkRepository, parseOciDigest } from "./names.ts";
import { referExisting } from "./repository_unit.ts";
import type { OciBlob } from "./types.ts";

/** Spec, "Pulling blobs". */
export async function findBlob(
  deps: OciDeps,
  caller: Caller,
  input: { readonly repository: string; readonly digest: string },
): Promise<OciBlob> {
  authorize(caller, "oci:pull");
  const { repository } = input;
  checkRepository(repository);
  const digest = parseOciDigest(input.digest).toString();
  const found = await locatedBlob(deps.database.read, { tenant: caller.tenant, name: repository }, digest);
  if (found === undefined) {
    await referExisting(deps, caller, repository);
    throw blobNotFound(repository, digest);
  }
  const { address, size, location } = found;
  return {
    digest,
    size,
    content_address: address,
    intact: location !== undefined,
    open: async (options = {}) => readObject(deps, caller, { address, size, data: {} }, location, options),
  };
}
