import { isRegistryError, RegistryError } from "../base/errors.ts";
import type { ByteSource } from "../base/stream.ts";
import { type Bring, bringContent } from "../content/place.ts";
import { CHECKPOINT_SIZE } from "../content/upload_bytes.ts";
import type { UploadOwner } from "../content/upload_sessions.ts";
import type { Digest } from "../identity/digest.ts";
import { coded } from "../ledger/mod.ts";
import type { Caller } from "../spi/authenticator.ts";
import { locatedBlob } from "../views/oci_located.ts";
import type { OciDeps } from "./deps.ts";
import { linkBlob } from "./link_blob.ts";
import { parseOciDigest } from "./names.ts";
import { storeBlob } from "./push_blob.ts";
import { refer } from "./repository_unit.ts";
import type { PushedBlob } from "./types.ts";
import { checkUpload, exactly, type UploadRef, uploadNotFound } from "./uploads.ts";

/** Attempts when the stored copy of the bytes changes under them: a push by somebody else, a repair. */
const ATTEMPTS = 3;

/** Ends an upload with the last bytes, if any (spec, "Pushing a blob in chunks", the closing PUT). */
export async function completeUpload(
  deps: OciDeps,
  caller: Caller,
  input: UploadRef & {
    readonly digest: string;
    readonly offset?: number;
    readonly source?: ByteSource;
    readonly length?: number;
  },
): Promise<PushedBlob> {
  const { repository, uploadId, offset, source, length } = input;
  const owner = checkUpload(caller, repository);
  const digest = parseOciDigest(input.digest);
  // As much as a crash may cost an upload anyway.
  if (source !== undefined && length !== undefined && length <= CHECKPOINT_SIZE && (offset ?? 0) === 0) {
    const blob = await completeAtOnce(deps, caller, { owner, repository, uploadId, digest, source, length });
    if (blob !== undefined) return blob;
  }
  let mine = false;
  const session = await deps.uploads.append(
    owner,
    uploadId,
    {
      complete: true,
      repeatable: true,
      ...(source === undefined ? {} : { source: exactly(source, length) }),
      ...(offset === undefined ? {} : { offset }),
      ...(caller.signal === undefined ? {} : { signal: caller.signal }),
    },
    async (_session, ingest, again) => {
      mine = true;
      try {
        return await attach(deps, caller, repository, digest, ingest);
      } catch (error) {
        // It had ended, and was freed, and a power cut took the note of it.
        const blob =
          again && isRegistryError(error, "object_missing")
            ? await linkedBefore(deps, caller, repository, digest)
            : undefined;
        if (blob === undefined) throw error;
        return blob;
      }
    },
  );
  const { answer } = session;
  if (answer?.ok === true) {
    const blob = answer.value as PushedBlob;
    // Asked again: the first answer may have been lost.
    if (mine || blob.digest === digest.toString()) return blob;
  }
  if (answer?.ok !== false || !mine) throw uploadNotFound(uploadId);
  // The bytes are gone, and a client that is told so begins anew: there is nothing to ask this upload any more.
  await deps.uploads.cancel(owner, uploadId).catch(() => {});
  throw new RegistryError(answer.error.code, answer.error.message, answer.error.data);
}

/**
 * A blob that is whole in the closing request: stored as if there were no upload, without what one costs. If the request
 * breaks off, nothing of it counts, and no offset was told.
 */
async function completeAtOnce(
  deps: OciDeps,
  caller: Caller,
  whole: UploadRef & {
    readonly owner: UploadOwner;
    readonly digest: Digest;
    readonly source: ByteSource;
    readonly length: number;
  },
): Promise<PushedBlob | undefined> {
  const { owner, repository, uploadId, digest, source, length } = whole;
  try {
    const session = await deps.uploads.whole(owner, uploadId, length, (_session, stopped, note) => {
      const signal = caller.signal === undefined ? stopped : AbortSignal.any([caller.signal, stopped]);
      const bytes = { source: exactly(source, length), length };
      return storeBlob(deps, { ...caller, signal }, repository, digest, bytes, note);
    });
    return session?.answer?.ok === true ? (session.answer.value as PushedBlob) : undefined;
  } catch (error) {
    if (isRegistryError(error, "digest_mismatch")) await deps.uploads.cancel(owner, uploadId).catch(() => {});
    throw error;
  }
}

async function linkedBefore(
  deps: OciDeps,
  { tenant }: Caller,
  name: string,
  digest: Digest,
): Promise<PushedBlob | undefined> {
  const found = await locatedBlob(deps.database.read, { tenant, name }, digest.toString());
  return found && { digest: digest.toString(), size: found.size, content_address: found.address };
}

async function attach(deps: OciDeps, caller: Caller, name: string, digest: Digest, ingest: Bring): Promise<PushedBlob> {
  for (let attempt = 1; ; attempt++) {
    try {
      const repository = await coded(deps.database, () => refer(deps, caller, name));
      const content = await bringContent(deps, ingest, { expected: [digest] });
      return await coded(deps.database, () => linkBlob(deps, caller, repository, digest, content));
    } catch (error) {
      if (!isRegistryError(error, "conflict") || attempt >= ATTEMPTS) throw error;
    }
  }
}
