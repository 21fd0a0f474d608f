import { authorize } from "../access/decide.ts";
import { RegistryError } from "../base/errors.ts";
import type { Caller } from "../spi/authenticator.ts";
import { type LocatedManifest, locatedManifest } from "../views/oci_located.ts";
import type { AsOf } from "./administration.ts";
import { manifestOf, tagAsOf } from "./as_of.ts";
import type { OciDeps } from "./deps.ts";
import { checkRepository, manifestNotFound, parseReference } from "./names.ts";
import { referExisting } from "./repository_unit.ts";
import type { OciManifest } from "./types.ts";

/** Spec, "Pulling manifests". */
export async function getManifest(
  deps: OciDeps,
  caller: Caller,
  input: { readonly repository: string; readonly reference: string; readonly asOf?: AsOf; readonly peek?: boolean },
): Promise<OciManifest> {
  authorize(caller, "oci:pull");
  const { repository, reference, asOf, peek = false } = input;
  checkRepository(repository);
  const parsed = parseReference(reference);
  const wanted = "digest" in parsed ? { digest: parsed.digest.toString() } : parsed;
  const found =
    asOf === undefined
      ? await locatedManifest(deps.database.read, { tenant: caller.tenant, name: repository }, wanted)
      : await asItWas(deps, caller, repository, parsed, asOf);
  if (found === undefined) {
    await referExisting(deps, caller, repository);
    throw manifestNotFound(repository, reference);
  }
  const { repository_id, ...manifest } = found;
  if (!peek) deps.pulls.note(repository_id, manifest.digest);
  return { ...manifest, size: manifest.bytes.length };
}

async function asItWas(
  deps: OciDeps,
  caller: Caller,
  repository: string,
  reference: ReturnType<typeof parseReference>,
  asOf: AsOf,
): Promise<LocatedManifest> {
  if ("digest" in reference) {
    throw new RegistryError("invalid_argument", "A digest names the same content at all times; as-of is for tags");
  }
  const { tag } = reference;
  return await manifestOf(deps, caller, repository, await tagAsOf(deps, caller, { repository, tag, asOf }));
}
