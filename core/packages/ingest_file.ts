import { authorize } from "../access/decide.ts";
import { RegistryError } from "../base/errors.ts";
import { type ByteSource, toIterable } from "../base/stream.ts";
import { type Bring, bringContent, SMALL } from "../content/place.ts";
import type { Algorithm } from "../identity/algorithms.ts";
import type { Digest } from "../identity/digest.ts";
import { coded } from "../ledger/mod.ts";
import type { Caller } from "../spi/authenticator.ts";
import { entryByPath } from "../views/files.ts";
import { pathKeyOf } from "../views/keys.ts";
import { loadOne } from "../views/loader.ts";
import { packageById } from "../views/packages.ts";
import type { FileEntry } from "./entries.ts";
import {
  checkAncestors,
  checkOpen,
  checkReplace,
  type EntryOutcome,
  putEntryUnit,
  type Replace,
} from "./entry_unit.ts";
import { ancestorsOf, checkPath } from "./paths.ts";
import { checkPackageId } from "./read.ts";
import type { PackageDeps } from "./types.ts";

export interface IngestFileInput {
  readonly packageId: string;
  /** Relative, `/`-separated, exact UTF-8. */
  readonly path: string;
  /** The bytes. A chunk's memory may be used again once two later chunks have been asked for. */
  readonly source: ByteSource;
  readonly executable?: boolean;
  readonly mediaType?: string;
  /** Refused with `digest_mismatch` unless the bytes have all of these. */
  readonly expected?: readonly Digest[];
  /** Bytes; refused with `size_mismatch` otherwise. */
  readonly expectedSize?: number;
  /** Digests to record beyond blake3 and sha256. */
  readonly algorithms?: readonly Algorithm[];
}

export interface IngestFileResult {
  readonly entry: FileEntry;
  /** True when a stored copy of these bytes was kept. */
  readonly deduplicated: boolean;
  /** True when an entry of this path was there before. */
  readonly replaced: boolean;
}

/**
 * Adds a file to an open package.
 * @throws {RegistryError} `invalid_path`, `path_exists`, `path_conflict`, `package_not_found`, `package_not_open`,
 * `digest_mismatch`, `size_mismatch`, `limit_exceeded`, `storage_*`, `database_*`, `conflict` (try again)
 */
export function ingestFile(deps: PackageDeps, caller: Caller, input: IngestFileInput): Promise<IngestFileResult> {
  return putFileContent(deps, caller, input, false, fromSource(deps, caller, input));
}

/** As {@link ingestFile}, for a path that exists. @throws {RegistryError} `file_not_found` when it does not */
export function replaceFile(deps: PackageDeps, caller: Caller, input: IngestFileInput): Promise<IngestFileResult> {
  return putFileContent(deps, caller, input, true, fromSource(deps, caller, input));
}

/** As {@link ingestFile}, whether the path exists or not. */
export function putFile(deps: PackageDeps, caller: Caller, input: IngestFileInput): Promise<IngestFileResult> {
  return putFileContent(deps, caller, input, "either", fromSource(deps, caller, input));
}

function fromSource(deps: PackageDeps, caller: Caller, input: IngestFileInput): Bring {
  return (options) =>
    deps.dataPlane.ingest(toIterable(input.source), {
      ...options,
      backend_id: deps.backendId,
      max_size: deps.limits.maxObjectBytes,
      ...(caller.signal === undefined ? {} : { signal: caller.signal }),
    });
}

/** Puts a file into an open package: refuses early, brings its bytes, and commits. */
export async function putFileContent(
  deps: PackageDeps,
  caller: Caller,
  input: Omit<IngestFileInput, "source">,
  replace: Replace,
  bring: Bring,
): Promise<IngestFileResult> {
  await checkTarget(deps, caller, input, replace);
  const content = await bringContent(deps, bring, {
    ...(input.expected === undefined ? {} : { expected: input.expected }),
    ...(input.expectedSize === undefined ? {} : { expected_size: input.expectedSize }),
    ...(input.algorithms === undefined ? {} : { algorithms: input.algorithms }),
  });
  // Nothing is awaited from here to the commit.
  content.ready();
  const { result } = content;
  const { sha256, sha512 } = result.digests;
  const entry: FileEntry = {
    kind: "file",
    path: input.path,
    content_address: result.address,
    size: result.size,
    digests: { sha256: sha256.hex, ...(sha512 === undefined ? {} : { sha512: sha512.hex }) },
    executable: input.executable ?? false,
    media_type: input.mediaType ?? null,
  };
  const outcome: EntryOutcome = await deps.ledger.commit(
    caller,
    putEntryUnit(caller, input.packageId, entry, replace, content),
  );
  return { entry, deduplicated: !outcome.stored, replaced: outcome.replaced };
}

/** What can be said before the bytes are here. @throws {RegistryError} as {@link ingestFile} */
export async function checkTarget(
  deps: PackageDeps,
  caller: Caller,
  input: Omit<IngestFileInput, "source">,
  replace: Replace,
): Promise<void> {
  authorize(caller, "package:write");
  checkPath(input.path);
  checkMediaType(input.mediaType);
  checkPackageId(input.packageId);
  const limit = deps.limits.maxObjectBytes;
  if (input.expectedSize !== undefined && input.expectedSize > limit) {
    const message = `A file may have ${limit} bytes; ${input.expectedSize} were announced`;
    throw new RegistryError("limit_exceeded", message, { limit, bytes: input.expectedSize });
  }
  await coded(deps.database, () => refuseEarly(deps, caller, input, replace));
}

/** Says no before gigabytes travel; the unit of work decides again. */
async function refuseEarly(
  deps: PackageDeps,
  caller: Caller,
  input: Omit<IngestFileInput, "source">,
  replace: Replace,
): Promise<void> {
  if (input.expectedSize !== undefined && input.expectedSize <= SMALL) return;
  const db = deps.database.read;
  checkOpen(await loadOne(db, packageById, input.packageId), caller, input.packageId);
  const keys = [input.path, ...ancestorsOf(input.path)].map((path) => ({
    packageId: input.packageId,
    pathKey: pathKeyOf(path),
  }));
  const found = await entryByPath.load(db, keys);
  const [existing, ...ancestors] = keys.map((key) => found.get(entryByPath.keyOf(key)));
  checkReplace(input.path, existing, replace);
  checkAncestors(input.path, ancestors);
}

/** RFC 9110, section 8.3.1, without parameters. */
const MEDIA_TYPE = /^[A-Za-z0-9!#$&^_.+-]{1,127}\/[A-Za-z0-9!#$&^_.+-]{1,127}$/;

function checkMediaType(mediaType: string | undefined): void {
  if (mediaType === undefined || MEDIA_TYPE.test(mediaType)) return;
  throw new RegistryError("invalid_argument", "A media type reads type/subtype", {
    media_type: mediaType.slice(0, 300),
  });
}
