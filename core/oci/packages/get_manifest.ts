import { RegistryError } from "../../base/errors.ts";
import { Rooms } from "../../base/room.ts";
import {
  entriesOfManifest,
  PACKAGE_MANIFEST_TYPE,
  packageArtifactManifest,
  sized,
} from "../../manifest/package_artifact.ts";
import type { Caller } from "../../spi/authenticator.ts";
import { hasArtifacts, locatedArtifact } from "../../views/located_artifacts.ts";
import type { RepositoryName } from "../../views/oci_located.ts";
import type { PackageArtifactsTable } from "../../views/tables.ts";
import type { OciDeps } from "../deps.ts";
import { manifestNotFound, parseReference } from "../names.ts";
import type { OciManifest, OciRegistry } from "../types.ts";
import { noPackage, tooLarge } from "./names.ts";
import { configBytes, MAX_LARGE, orOrdinary, ownName } from "./place.ts";

type Input = Parameters<OciRegistry["getManifest"]>[1];

/** Made of the package's manifest each time: nothing of it is kept. */
export async function getPackageManifest(
  deps: OciDeps,
  ordinary: OciRegistry,
  caller: Caller,
  input: Input,
): Promise<OciManifest> {
  const name = checked(caller, input);
  const artifact = await findArtifact(deps, name, input);
  if (artifact === undefined) return await otherManifest(deps, name, input, () => ordinary.getManifest(caller, input));
  return { ...factsOf(artifact), bytes: await manifestOf(deps, caller, artifact) };
}

/** As {@link getPackageManifest}, without reading the log. */
export async function findPackageManifest(
  deps: OciDeps,
  ordinary: OciRegistry,
  caller: Caller,
  input: Input,
): Promise<Omit<OciManifest, "bytes">> {
  const name = checked(caller, input);
  const artifact = await findArtifact(deps, name, input);
  if (artifact === undefined) return await otherManifest(deps, name, input, () => ordinary.findManifest(caller, input));
  return factsOf(artifact);
}

/** @throws {RegistryError} `unsupported` for what only tags that move can answer */
function checked(caller: Caller, { repository, asOf }: Input): RepositoryName {
  const name = ownName(caller, repository);
  if (asOf === undefined) return name;
  const message = "Tags of packages do not move, but for latest: ask for a package by its version or its id";
  throw new RegistryError("unsupported", message, { repository });
}

type Artifact = PackageArtifactsTable & {
  readonly [K in "artifact_digest" | "artifact_size" | "config_digest" | "config_size"]: NonNullable<
    PackageArtifactsTable[K]
  >;
};

/** @throws {RegistryError} `manifest_not_found` where it is too large */
async function findArtifact(
  { database }: OciDeps,
  name: RepositoryName,
  { repository, reference }: Input,
): Promise<Artifact | undefined> {
  const parsed = parseReference(reference);
  const wanted = "digest" in parsed ? { digest: parsed.digest.toString() } : parsed;
  const found = await locatedArtifact(database.read, name, wanted);
  if (found?.artifact_digest === null) throw tooLarge(repository, reference, found);
  return found as Artifact | undefined;
}

function factsOf({ artifact_digest: digest, artifact_size: size }: Artifact): Omit<OciManifest, "bytes"> {
  return { digest, media_type: PACKAGE_MANIFEST_TYPE, size };
}

/** A referrer's, by its digest: tags here are those of packages. */
async function otherManifest<T>(
  deps: OciDeps,
  name: RepositoryName,
  { repository, reference }: Input,
  ordinary: () => Promise<T>,
): Promise<T> {
  const notFound = () => manifestNotFound(repository, reference);
  if (reference.includes(":")) return await orOrdinary(deps, name, repository, notFound, ordinary);
  throw (await hasArtifacts(deps.database.read, name)) ? notFound() : noPackage(repository);
}

/** Made in turns, from this size on a few at once. Bytes. */
const LARGE = 1024 * 1024;
const rooms = new Rooms(MAX_LARGE, LARGE);

async function manifestOf(deps: OciDeps, caller: Caller, artifact: Artifact): Promise<Uint8Array> {
  const { package_id, sequence, artifact_digest, config_digest: digest, config_size: size } = artifact;
  const leave = await rooms.enter(deps.ledger, size, caller.signal);
  try {
    const config = await configBytes(deps, sequence);
    const bytes = await packageArtifactManifest(entriesOfManifest(config), { digest, size });
    if (bytes !== undefined && (await sized(bytes, deps.hasher)).digest === artifact_digest) return bytes;
  } finally {
    leave();
  }
  // Better nothing than bytes under the digest of others.
  throw new RegistryError(
    "views_differ",
    `The package ${package_id} gives another OCI manifest than when it was finalised; run \`artifactstore events verify\` and \`artifactstore replay --check\``,
    { package_id },
  );
}
