/** Files that arrive over several requests: the upload engine (core/content/uploads.ts) in front of the ingest unit. */
import { authorize } from "../access/decide.ts";
import { isRegistryError, RegistryError } from "../base/errors.ts";
import type { ByteSource } from "../base/stream.ts";
import type { Bring } from "../content/place.ts";
import type { UploadOwner } from "../content/upload_sessions.ts";
import type { UploadSession, Uploads } from "../content/uploads.ts";
import type { Algorithm } from "../identity/algorithms.ts";
import { type Digest, parseDigest } from "../identity/digest.ts";
import type { Caller } from "../spi/authenticator.ts";
import type { FileEntry } from "./entries.ts";
import type { Replace } from "./entry_unit.ts";
import { getFileEntry } from "./find_entry.ts";
import { checkTarget, type IngestFileInput, type IngestFileResult, putFileContent } from "./ingest_file.ts";
import type { PackageDeps } from "./types.ts";

export interface UploadDeps extends PackageDeps {
  readonly uploads: Uploads;
}

/** As for `ingestFile`, `replaceFile` and `putFile`; the bytes follow. */
export interface CreateUploadInput extends Omit<IngestFileInput, "source"> {
  /** The path must not exist (`false`, the default), must exist (`true`), or either. */
  readonly replace?: Replace;
}

export interface AppendUploadInput {
  readonly uploadId: string;
  /** Where the bytes belong; refused with `upload_offset_mismatch` unless the upload is just there. */
  readonly offset: number;
  readonly source: ByteSource;
  /** These are the last bytes: the file enters its package. */
  readonly complete: boolean;
  /** Bytes of the whole, if it was not said before. */
  readonly length?: number;
  /** Digests of the whole, besides those that were given in the beginning; checked when it is complete. */
  readonly expected?: readonly Digest[];
  /** Digests of these bytes alone: none of them is appended unless all match. */
  readonly expectedHere?: readonly Digest[];
}

export interface Upload {
  readonly upload_id: string;
  readonly package_id: string;
  readonly path: string;
  /** Bytes that are durable; never decreases. */
  readonly offset: number;
  readonly length: number | null;
  /** Bytes at most. */
  readonly max_size: number;
  /** True once there is a final answer: `result` or `refusal`. */
  readonly complete: boolean;
  readonly result: IngestFileResult | null;
  /** Why the file could not enter its package. */
  readonly refusal: RegistryError | null;
  readonly created_at: string;
  /** Without a request until then it ends, and its bytes are freed. */
  readonly expires_at: string;
}

/** The engine keeps it as JSON. */
interface Target {
  readonly package_id: string;
  readonly path: string;
  readonly replace: Replace;
  readonly executable: boolean;
  readonly media_type: string | null;
  readonly digests: readonly string[];
  readonly algorithms: readonly Algorithm[];
}

/** @throws {RegistryError} what `ingestFile` can say before the bytes are here; `too_many_uploads` */
export async function createUpload(deps: UploadDeps, caller: Caller, input: CreateUploadInput): Promise<Upload> {
  const replace = input.replace ?? false;
  await checkTarget(deps, caller, input, replace);
  const target: Target = {
    package_id: input.packageId,
    path: input.path,
    replace,
    executable: input.executable ?? false,
    media_type: input.mediaType ?? null,
    digests: (input.expected ?? []).map(String),
    algorithms: input.algorithms ?? [],
  };
  const session = await deps.uploads.create(ownerOf(caller), {
    target,
    maxSize: deps.limits.maxObjectBytes,
    backendId: deps.backendId,
    algorithms: [...target.algorithms, ...(input.expected ?? []).map(({ algorithm }) => algorithm)],
    ...(input.expectedSize === undefined ? {} : { length: input.expectedSize }),
  });
  return describe(session);
}

/** How far it is. Disturbs nobody. @throws {RegistryError} `upload_not_found` */
export async function getUpload(deps: UploadDeps, caller: Caller, uploadId: string): Promise<Upload> {
  authorize(caller, "package:write");
  return describe(await deps.uploads.look(ownerOf(caller), uploadId));
}

/**
 * Ends a request that is under way on it, wherever it runs, and gives the offset to go on at: no other request moves it
 * any more. @throws {RegistryError} `upload_not_found`
 */
export async function resumeUpload(deps: UploadDeps, caller: Caller, uploadId: string): Promise<Upload> {
  authorize(caller, "package:write");
  return describe(await deps.uploads.status(ownerOf(caller), uploadId));
}

/** Frees its bytes. A file that is in its package already stays. @throws {RegistryError} `upload_not_found` */
export async function cancelUpload(deps: UploadDeps, caller: Caller, uploadId: string): Promise<void> {
  authorize(caller, "package:write");
  await deps.uploads.cancel(ownerOf(caller), uploadId);
}

/**
 * Appends, and puts the file into its package when it is complete. A refusal that is final is kept like a result and
 * thrown again to whoever asks again, with `upload_complete: true` in its data.
 * @throws {RegistryError} `upload_*`, what `ingestFile` throws
 */
export async function appendUpload(deps: UploadDeps, caller: Caller, input: AppendUploadInput): Promise<Upload> {
  authorize(caller, "package:write");
  const session = await deps.uploads.append(
    ownerOf(caller),
    input.uploadId,
    {
      offset: input.offset,
      source: input.source,
      complete: input.complete,
      ...(input.length === undefined ? {} : { length: input.length }),
      ...(input.expectedHere === undefined ? {} : { expected: input.expectedHere }),
      ...(caller.signal === undefined ? {} : { signal: caller.signal }),
    },
    (session, ingest, again) => attach(deps, caller, session, input.expected ?? [], ingest, again),
  );
  const upload = describe(session);
  if (upload.refusal !== null) throw upload.refusal;
  return upload;
}

/** Attempts when the stored copy of the bytes changes under them: a push by somebody else, a repair. */
const ATTEMPTS = 3;

async function attach(
  deps: UploadDeps,
  caller: Caller,
  session: UploadSession,
  expected: readonly Digest[],
  ingest: Bring,
  again: boolean,
): Promise<IngestFileResult> {
  const target = session.target as Target;
  const input: Omit<IngestFileInput, "source"> = {
    packageId: target.package_id,
    path: target.path,
    executable: target.executable,
    expected: [...target.digests.map(parseDigest), ...expected],
    algorithms: target.algorithms,
    ...(target.media_type === null ? {} : { mediaType: target.media_type }),
  };
  for (let attempt = 1; ; attempt++) {
    try {
      return await putFileContent(deps, caller, input, target.replace, ingest);
    } catch (error) {
      if (isRegistryError(error, "conflict") && attempt < ATTEMPTS) continue;
      // The attempt before may have got through and died before it could say so.
      const done =
        again && isRegistryError(error, "path_exists") ? await findDone(deps, caller, input, ingest) : undefined;
      if (done === undefined) throw error;
      return { entry: done, deduplicated: false, replaced: false };
    }
  }
}

/** The entry at the path, if it is what this upload would have put there. */
async function findDone(
  deps: UploadDeps,
  caller: Caller,
  input: Omit<IngestFileInput, "source">,
  ingest: Bring,
): Promise<FileEntry | undefined> {
  const entry = await getFileEntry(deps, caller, { package: input.packageId, path: input.path });
  let address: string | undefined;
  const enough = new Error("only the address is wanted");
  try {
    await ingest({
      async place(facts) {
        address = facts.address;
        throw enough;
      },
    });
  } catch (error) {
    if (error !== enough) throw error;
  }
  const same = entry.executable === (input.executable ?? false) && entry.media_type === (input.mediaType ?? null);
  return same && entry.content_address === address ? entry : undefined;
}

function ownerOf({ tenant, principal }: Caller): UploadOwner {
  return { tenant, owner: principal.subject, door: "packages" };
}

function describe(session: UploadSession): Upload {
  const { upload_id, offset, length, max_size, complete, answer, created_at, expires_at } = session;
  const { package_id, path } = session.target as Target;
  let refusal: RegistryError | null = null;
  if (answer?.ok === false) {
    const { code, message, data } = answer.error;
    refusal = new RegistryError(code, message, { ...data, upload_complete: true });
  }
  return {
    ...{ upload_id, package_id, path, offset, length, max_size, complete },
    result: answer?.ok === true ? (answer.value as IngestFileResult) : null,
    refusal,
    created_at,
    expires_at,
  };
}
