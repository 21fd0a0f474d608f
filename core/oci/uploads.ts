/** Blobs that arrive over several requests: the upload engine (core/content/uploads.ts), one scope a repository. */
import { authorize } from "../access/decide.ts";
import { RegistryError } from "../base/errors.ts";
import { type ByteSource, toIterable } from "../base/stream.ts";
import type { UploadOwner } from "../content/upload_sessions.ts";
import type { UploadSession } from "../content/uploads.ts";
import type { Caller } from "../spi/authenticator.ts";
import type { OciDeps } from "./deps.ts";
import { checkRepository, isOciAlgorithm, unsupportedAlgorithm } from "./names.ts";
import type { BlobUpload } from "./types.ts";

/** An image has many layers, and clients leave uploads behind that they do not need: a blob was mounted, or was there. */
const MORE_THAN_FILES = 10;

export interface UploadRef {
  readonly repository: string;
  readonly uploadId: string;
}

export async function startUpload(
  deps: OciDeps,
  caller: Caller,
  input: { readonly repository: string; readonly algorithm?: string; readonly length?: number },
): Promise<BlobUpload> {
  authorize(caller, "oci:push");
  const { repository, algorithm = "sha256", length } = input;
  checkRepository(repository);
  if (!isOciAlgorithm(algorithm)) throw unsupportedAlgorithm(algorithm);
  const session = await deps.uploads.create(ownerOf(caller, repository), {
    target: null,
    maxSize: deps.limits.maxObjectBytes,
    backendId: deps.backendId,
    algorithms: [algorithm],
    maxOpen: deps.limits.maxOpenUploads * MORE_THAN_FILES,
    ...(length === undefined ? {} : { length }),
  });
  return describe(repository, session);
}

export async function getUpload(deps: OciDeps, caller: Caller, input: UploadRef): Promise<BlobUpload> {
  const { repository, uploadId } = input;
  const owner = checkUpload(caller, repository);
  return describe(repository, underWay(await deps.uploads.status(owner, uploadId)));
}

export async function cancelUpload(deps: OciDeps, caller: Caller, input: UploadRef): Promise<void> {
  const { repository, uploadId } = input;
  const owner = checkUpload(caller, repository);
  underWay(await deps.uploads.look(owner, uploadId));
  await deps.uploads.cancel(owner, uploadId);
}

export async function appendUpload(
  deps: OciDeps,
  caller: Caller,
  input: UploadRef & { readonly offset?: number; readonly source: ByteSource; readonly length?: number },
): Promise<BlobUpload> {
  const { repository, uploadId, offset, source, length } = input;
  const owner = checkUpload(caller, repository);
  const request = {
    source: exactly(source, length),
    complete: false,
    ...(offset === undefined ? {} : { offset }),
    ...(caller.signal === undefined ? {} : { signal: caller.signal }),
  };
  // Nothing is completed here.
  return describe(repository, underWay(await deps.uploads.append(owner, uploadId, request, async () => null)));
}

/** @throws {RegistryError} `access_denied`, `invalid_name` */
export function checkUpload(caller: Caller, repository: string): UploadOwner {
  authorize(caller, "oci:push");
  checkRepository(repository);
  return ownerOf(caller, repository);
}

function ownerOf({ tenant, principal }: Caller, repository: string): UploadOwner {
  return { tenant, owner: principal.subject, door: "oci", scope: repository };
}

/** The bytes of a request whose length was announced, or of any. */
export function exactly(source: ByteSource, length: number | undefined): ByteSource {
  return length === undefined ? source : counted(source, length);
}

async function* counted(source: ByteSource, length: number): AsyncGenerator<Uint8Array> {
  let size = 0;
  for await (const chunk of toIterable(source)) {
    size += chunk.length;
    if (size > length) throw wrongSize(`More than the announced ${length} bytes came`, length);
    yield chunk;
  }
  if (size < length) throw wrongSize(`${length} bytes were announced, ${size} came`, length);
}

function wrongSize(message: string, expected: number): RegistryError {
  return new RegistryError("size_mismatch", message, { expected });
}

/** @throws {RegistryError} `upload_not_found` for one that has its answer: it is no upload any more */
function underWay(session: UploadSession): UploadSession {
  if (session.complete) throw uploadNotFound(session.upload_id);
  return session;
}

export function uploadNotFound(uploadId: string): RegistryError {
  const message = "This upload has ended; begin a new one";
  return new RegistryError("upload_not_found", message, { upload_id: uploadId });
}

function describe(repository: string, session: UploadSession): BlobUpload {
  const { upload_id, offset, max_size, expires_at } = session;
  return { upload_id, repository, offset, max_size, expires_at };
}
