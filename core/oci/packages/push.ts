/** What may come into a package's repository: referrers and their blobs. And what its blobs may become elsewhere. */
import { authorize, isAllowed } from "../../access/decide.ts";
import type { Digest } from "../../identity/digest.ts";
import type { Decision } from "../../ledger/mod.ts";
import { readOciManifest } from "../../manifest/oci.ts";
import type { Caller } from "../../spi/authenticator.ts";
import { want } from "../../views/loader.ts";
import { hasArtifacts } from "../../views/located_artifacts.ts";
import { anyPackageFile, type LocatedPackageFile } from "../../views/located_package_files.ts";
import { objectByAddress } from "../../views/objects.ts";
import { blobByDigest, linkOf } from "../../views/oci_blobs.ts";
import type { RepositoryName } from "../../views/oci_located.ts";
import { packageById } from "../../views/packages.ts";
import type { OciDeps } from "../deps.ts";
import { linkedEvent } from "../link_blob.ts";
import { mountBlob } from "../mount_blob.ts";
import { checkRepository, parseOciDigest, parseReference } from "../names.ts";
import { commitIn, refer } from "../repository_unit.ts";
import type { OciRegistry, PushedBlob, PushedManifest, PushManifestInput } from "../types.ts";
import { findOwned, readConfig } from "./find_blob.ts";
import { checkPushTarget, isOfPackages, noPackageToReferTo, noReferrer, PACKAGES, packageNameIn } from "./names.ts";

/** Before a byte is taken. @throws {RegistryError} `access_denied` */
export async function checkReferable(
  { database }: OciDeps,
  caller: Caller,
  repository: string,
): Promise<RepositoryName> {
  authorize(caller, "oci:push");
  // It tells whether there is such a package.
  authorize(caller, "package:read");
  checkRepository(repository);
  const name = packageNameIn(caller, repository);
  if (name !== undefined) {
    const place = { tenant: caller.tenant, name };
    if (await hasArtifacts(database.read, place)) return place;
  }
  throw noPackageToReferTo(repository);
}

export async function pushReferrer(
  deps: OciDeps,
  ordinary: OciRegistry,
  caller: Caller,
  input: PushManifestInput,
): Promise<PushedManifest> {
  const { repository, reference, tags = [], bytes, mediaType } = input;
  const name = await checkReferable(deps, caller, repository);
  parseReference(reference);
  checkPushTarget(repository, reference, tags);
  const { subject, references } = readOciManifest(bytes, mediaType);
  if (subject === null) throw noReferrer(repository);
  await linkOwned(
    deps,
    ordinary,
    caller,
    { repository, name },
    references.filter(({ kind, foreign }) => kind === "blob" && !foreign).map(({ digest }) => digest),
  );
  return await ordinary.pushManifest(caller, input);
}

/**
 * A client that asks whether a package's blob is here is told so, and does not push it: it becomes the referrer's, too.
 * What is not here is for the push to refuse.
 */
async function linkOwned(
  deps: OciDeps,
  ordinary: OciRegistry,
  caller: Caller,
  { repository, name }: { readonly repository: string; readonly name: RepositoryName },
  digests: readonly string[],
): Promise<void> {
  const { id: repositoryId } = await refer(deps, caller, repository);
  const keys = digests.map((digest) => ({ repositoryId, digest }));
  const known = await blobByDigest.load(deps.database.read, keys);
  for (const key of keys) {
    if (known.has(blobByDigest.keyOf(key))) continue;
    // Of any algorithm: whoever wrote the manifest may know more of them.
    const digest = key.digest.startsWith("sha256:") ? parseOciDigest(key.digest) : undefined;
    const linked = digest && (await linkFrom(deps, ordinary, caller, name, repository, digest));
    // Where all have to be here, nothing more is linked for a push that will be refused.
    if (linked === undefined && !deps.sparseImages) return;
  }
}

/** Mounts of blobs that packages have, where no ordinary repository has them. */
export async function mountFromAny(
  deps: OciDeps,
  ordinary: OciRegistry,
  caller: Caller,
  input: Parameters<OciRegistry["mountBlob"]>[1],
): Promise<PushedBlob | undefined> {
  const { repository, from } = input;
  if (isOfPackages(repository)) await checkReferable(deps, caller, repository);
  // Who may not read packages is told what somebody is told who asks for what is not there; also of what lies with them.
  const mayRead = isAllowed(caller, "package:read");
  const mounted = await mountBlob(deps, caller, input, mayRead ? undefined : PACKAGES);
  if (mounted !== undefined || !mayRead) return mounted;
  const digest = parseOciDigest(input.digest);
  if (from === undefined) {
    if (digest.algorithm !== "sha256") return undefined;
    const file = await anyPackageFile(deps.database.read, caller.tenant, digest.hex);
    return file && (await linkFile(deps, caller, repository, digest, file));
  }
  const name = packageNameIn(caller, from);
  if (name === undefined) return undefined;
  return await linkFrom(deps, ordinary, caller, { tenant: caller.tenant, name }, repository, digest);
}

/** Makes a blob of the packages of a name one of `repository`. `undefined`: they have none, or no good copy. */
async function linkFrom(
  deps: OciDeps,
  ordinary: OciRegistry,
  caller: Caller,
  from: RepositoryName,
  repository: string,
  digest: Digest,
): Promise<PushedBlob | undefined> {
  const owned = await findOwned(deps, from, digest);
  if (owned === undefined) return undefined;
  if ("file" in owned) return await linkFile(deps, caller, repository, digest, owned.file);
  // In the log, not in the store: it becomes an object now.
  const { config_size: length } = owned.config;
  const source = readConfig(deps, caller, digest, owned.config, { range: { start: 0, end: length }, verify: false });
  return await ordinary.pushBlob(caller, { repository, digest: digest.toString(), source, length });
}

async function linkFile(
  deps: OciDeps,
  caller: Caller,
  repository: string,
  digest: Digest,
  { packageId, address }: LocatedPackageFile,
): Promise<PushedBlob | undefined> {
  return await commitIn(
    deps,
    caller,
    await refer(deps, caller, repository),
    (repositoryId) => ({
      // The files of a finalised package stay as long as it does.
      package: want(packageById, packageId),
      object: want(objectByAddress, address),
      link: want(linkOf, { repositoryId, address: address as string }),
    }),
    ({ package: holder, object, link }, repositoryId): Decision<PushedBlob | undefined> => {
      if (holder?.state !== "finalized" || object?.state !== "live") return { events: [], result: undefined };
      const { size } = object;
      const payload = { content_address: address, size, digests: [digest.toString()] };
      const linked = linkedEvent(repositoryId, payload, link);
      return {
        events: linked === undefined ? [] : [linked],
        result: { digest: digest.toString(), size, content_address: address },
      };
    },
  );
}
