/** Blobs of packages: their files, which are objects like any other, and their manifests, which are in the log. */
import { checkByteRange } from "../../base/bytes.ts";
import { RegistryError } from "../../base/errors.ts";
import { Rooms } from "../../base/room.ts";
import { readObject } from "../../content/read.ts";
import type { ContentAddress } from "../../identity/content_address.ts";
import type { Digest } from "../../identity/digest.ts";
import { sized } from "../../manifest/package_artifact.ts";
import type { Caller } from "../../spi/authenticator.ts";
import type { ByteRange } from "../../spi/storage.ts";
import { type LocatedConfig, locatedConfig } from "../../views/located_artifacts.ts";
import { type LocatedPackageFile, locatedPackageFile } from "../../views/located_package_files.ts";
import type { RepositoryName } from "../../views/oci_located.ts";
import type { OciDeps } from "../deps.ts";
import { blobNotFound, parseOciDigest } from "../names.ts";
import type { OciBlob, OciRegistry } from "../types.ts";
import { configBytes, MAX_LARGE, orOrdinary, ownName } from "./place.ts";

export async function findPackageBlob(
  deps: OciDeps,
  ordinary: OciRegistry,
  caller: Caller,
  input: { readonly repository: string; readonly digest: string },
): Promise<OciBlob> {
  const { repository } = input;
  const name = ownName(caller, repository);
  const digest = parseOciDigest(input.digest);
  const found = await findOwned(deps, name, digest);
  if (found === undefined) {
    const notFound = () => blobNotFound(repository, digest.toString());
    return await orOrdinary(deps, name, repository, notFound, () => ordinary.findBlob(caller, input));
  }
  if ("config" in found) return configBlob(deps, caller, digest, found.config);
  const { address, size, location } = found.file;
  return {
    digest: digest.toString(),
    size,
    content_address: address,
    intact: location !== undefined,
    open: async (options = {}) => readObject(deps, caller, { address, size, data: {} }, location, options),
  };
}

type Owned = { readonly config: LocatedConfig } | { readonly file: LocatedPackageFile };

/** What a package of that name has under a digest. They are known by sha256 alone. */
export async function findOwned(
  { database }: OciDeps,
  name: RepositoryName,
  digest: Digest,
): Promise<Owned | undefined> {
  if (digest.algorithm !== "sha256") return undefined;
  const config = await locatedConfig(database.read, name, digest.toString());
  if (config !== undefined) return { config };
  const file = await locatedPackageFile(database.read, name, digest.hex);
  return file && { file };
}

function configBlob(deps: OciDeps, caller: Caller, digest: Digest, config: LocatedConfig): OciBlob {
  const { config_size: size, manifest_digest } = config;
  return {
    digest: digest.toString(),
    size,
    content_address: manifest_digest as ContentAddress,
    intact: true,
    async open({ range = { start: 0, end: size }, verify = deps.verifyReads } = {}) {
      checkByteRange(range, size);
      return { length: range.end - range.start, body: readConfig(deps, caller, digest, config, { range, verify }) };
    },
  };
}

/** One that is being sent takes its size of memory: above this, few are at once. Bytes. */
const LARGE = 16 * 1024 * 1024;
const rooms = new Rooms(MAX_LARGE, LARGE);
const PIECE = 1024 * 1024;

/** Never begun, it takes no room. @throws {RegistryError} `chain_broken` before the first byte */
export async function* readConfig(
  deps: OciDeps,
  caller: Caller,
  digest: Digest,
  { sequence, config_size }: LocatedConfig,
  { range, verify }: { readonly range: ByteRange; readonly verify: boolean },
): AsyncGenerator<Uint8Array, void, void> {
  const leave = await rooms.enter(deps.ledger, config_size, caller.signal);
  try {
    const bytes = await configBytes(deps, sequence);
    if (bytes.length !== config_size || (verify && (await sized(bytes, deps.hasher)).digest !== digest.toString())) {
      throw new RegistryError("chain_broken", `Event ${sequence} is damaged; run \`artifactstore events verify\``, {
        sequence,
      });
    }
    for (let at = range.start; at < range.end; at += PIECE) {
      yield bytes.subarray(at, Math.min(at + PIECE, range.end));
    }
  } finally {
    leave();
  }
}
