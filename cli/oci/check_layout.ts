/**
 * An image layout in a directory, looked through before anything is stored: every digest, and whether all of it is there.
 * What is found is remembered by path, so that what is stored later is what was checked.
 */
import {
  checkComplete,
  checkLayoutHeader,
  collect,
  createDigest,
  type Digest,
  type Hasher,
  isOciManifestType,
  LAYOUT_FILE,
  LAYOUT_INDEX,
  type LayoutReference,
  layoutDigest,
  layoutPath,
  MAX_OCI_MANIFEST_BYTES,
  RegistryError,
  readLayoutIndex,
  walkLayout,
} from "../../core/mod.ts";
import { readFile } from "../files/read.ts";
import type { FileFound, Walk } from "../files/walk.ts";
import type { Step } from "../progress/meter.ts";
import { noLink } from "./layout.ts";

export interface CheckOptions {
  readonly hasher: Hasher;
  readonly allowMissing: boolean;
  readonly signal: AbortSignal;
  onProgress(done: Step): void;
}

export interface CheckedLayout {
  /** By path: of every file. */
  readonly digests: ReadonlyMap<string, Digest>;
  readonly missing: readonly string[];
}

const MOST = 200_000;
/** Files that are read at once: as many as this machine has to do with. */
const AT_ONCE = 4;

/**
 * @throws {RegistryError} `invalid_manifest` (no layout), `digest_mismatch` and `size_mismatch` (`data.path`),
 * `limit_exceeded`, `manifest_blob_unknown`, `unsupported` (links), `source_changed`
 */
export async function checkLayout({ entries }: Walk, options: CheckOptions): Promise<CheckedLayout> {
  const files = new Map<string, FileFound>();
  for (const entry of entries) {
    if (entry.kind === "symlink") throw noLink(entry.path);
    if (entry.kind === "file") files.set(entry.path, entry);
  }
  const read = async (path: string) => {
    const file = files.get(path);
    if (file === undefined) throw noLayout(path);
    if (file.size > MAX_OCI_MANIFEST_BYTES) throw tooLarge(file);
    // No more than it had when it was found: it is refused if it grew.
    return await collect(
      readFile(file, () => {}),
      file.size,
    );
  };
  checkLayoutHeader(await read(LAYOUT_FILE));
  const roots = readLayoutIndex(await read(LAYOUT_INDEX));
  const digests = await digestAll(files, options);
  const { missing } = await walkLayout(
    {
      async manifest(wanted) {
        const file = find(files, wanted);
        if (file === undefined || !isOciManifestType(wanted.mediaType)) return undefined;
        return { media_type: wanted.mediaType, bytes: await read(file.path) };
      },
      blob: async (wanted) => find(files, wanted),
    },
    roots,
    { most: MOST, signal: options.signal },
  );
  checkComplete({ missing }, options.allowMissing);
  return { digests, missing };
}

/** @throws {RegistryError} `size_mismatch` */
function find(files: ReadonlyMap<string, FileFound>, { digest, size }: LayoutReference): FileFound | undefined {
  const file = files.get(layoutPath(digest));
  if (file === undefined || file.size === size) return file;
  const message = `${file.path} has ${file.size} bytes, and what names it says ${size}`;
  throw new RegistryError("size_mismatch", message, { path: file.path, expected: size, actual: file.size });
}

/** Of each file, under the algorithm of its name. @throws {RegistryError} `digest_mismatch`, `invalid_manifest` */
async function digestAll(files: ReadonlyMap<string, FileFound>, { hasher, signal, onProgress }: CheckOptions) {
  const digests = new Map<string, Digest>();
  const queue = files.values();
  let failure: { readonly error: unknown } | undefined;
  const digestOne = async (file: FileFound) => {
    const { path } = file;
    const wanted = layoutDigest(path);
    const algorithm = wanted?.algorithm ?? "sha256";
    const hash = hasher.create(algorithm);
    for await (const chunk of readFile(file, (bytes) => onProgress({ bytes }))) {
      signal.throwIfAborted();
      hash.update(chunk);
    }
    const found = createDigest(algorithm, hash.digest());
    if (wanted !== undefined && !found.equals(wanted)) throw wrongDigest(path, found);
    digests.set(path, found);
    onProgress({ files: 1 });
  };
  const worker = async () => {
    for (const file of queue) {
      if (failure !== undefined) return;
      await digestOne(file).catch((error) => {
        failure ??= { error };
      });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  if (failure !== undefined) throw failure.error;
  return digests;
}

function wrongDigest(path: string, actual: Digest): RegistryError {
  return new RegistryError("digest_mismatch", `${path} has the digest ${actual}, which is not what it is named`, {
    path,
    actual: actual.toString(),
  });
}

function tooLarge({ path, size }: FileFound): RegistryError {
  const message = `${path} has ${size} bytes; a manifest may have ${MAX_OCI_MANIFEST_BYTES}`;
  return new RegistryError("limit_exceeded", message, { path, limit: MAX_OCI_MANIFEST_BYTES, bytes: size });
}

function noLayout(path: string): RegistryError {
  return new RegistryError("invalid_manifest", `This is no OCI image layout: it has no file ${path}`, { path });
}
