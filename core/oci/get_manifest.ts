import { authorize } from "../access/decide.ts";
import type { Caller } from "../spi/authenticator.ts";
import { locatedManifest } from "../views/oci_located.ts";
import type { OciDeps } from "./deps.ts";
import { checkRepository, manifestNotFound, parseReference } from "./names.ts";
import { referExisting } from "./repository_unit.ts";
import type { OciManifest } from "./types.ts";

/** Spec, "Pulling manifests". */
export async function getManifest(
  deps: OciDeps,
  caller: Caller,
  input: { readonly repository: string; readonly reference: string },
): Promise<OciManifest> {
  authorize(caller, "oci:pull");
  const { repository, reference } = input;
  checkRepository(repository);
  const parsed = parseReference(reference);
  const wanted = "digest" in parsed ? { digest: parsed.digest.toString() } : parsed;
  const found = await locatedManifest(deps.database.read, { tenant: caller.tenant, name: repository }, wanted);
  if (found === undefined) {
    await referExisting(deps, caller, repository);
    throw manifestNotFound(repository, reference);
  }
  return { ...found, size: found.bytes.length };
}
