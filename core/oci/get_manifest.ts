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

type Wanted = { readonly repository: string; readonly reference: string; readonly asOf?: AsOf };

/** Spec, "Pulling manifests". `peek`: no pull, so that nobody keeps it for having been looked at. */
export async function getManifest(
  deps: OciDeps,
  caller: Caller,
  input: Wanted & { readonly peek?: boolean },
): Promise<OciManifest> {
  const found = await locate(deps, caller, input);
  const bytes = await deps.manifestBytes.of(found);
  if (bytes === undefined) throw manifestNotFound(input.repository, input.reference);
  const { repository_id, digest, media_type } = found;
  if (input.peek !== true) deps.pulls.note(repository_id, digest);
  return { digest, media_type, size: bytes.length, bytes };
}

/** As {@link getManifest}, without the bytes; never a pull. */
export async function findManifest(deps: OciDeps, caller: Caller, input: Wanted): Promise<Omit<OciManifest, "bytes">> {
  const { digest, media_type, size } = await locate(deps, caller, input);
  return { digest, media_type, size };
}

async function locate(deps: OciDeps, caller: Caller, input: Wanted): Promise<LocatedManifest> {
  authorize(caller, "oci:pull");
  const { repository, reference, asOf } = input;
  checkRepository(repository);
  const parsed = parseReference(reference);
  if (asOf !== undefined) return await asItWas(deps, caller, repository, parsed, asOf);
  const wanted = "digest" in parsed ? { digest: parsed.digest.toString() } : parsed;
  const found = await locatedManifest(deps.database.read, { tenant: caller.tenant, name: repository }, wanted);
  if (found !== undefined) return found;
  await referExisting(deps, caller, repository);
  throw manifestNotFound(repository, reference);
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
