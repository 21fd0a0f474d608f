import { isRegistryError, RegistryError } from "../base/errors.ts";
import type { ByteSource } from "../base/stream.ts";
import { type Bring, bringContent } from "../content/place.ts";
import type { Digest } from "../identity/digest.ts";
import { coded } from "../ledger/mod.ts";
import type { Caller } from "../spi/authenticator.ts";
import type { OciDeps } from "./deps.ts";
import { linkBlob } from "./link_blob.ts";
import { parseOciDigest } from "./names.ts";
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
  let mine = false;
  const session = await deps.uploads.append(
    owner,
    uploadId,
    {
      complete: true,
      ...(source === undefined ? {} : { source: exactly(source, length) }),
      ...(offset === undefined ? {} : { offset }),
      ...(caller.signal === undefined ? {} : { signal: caller.signal }),
    },
    (_session, ingest) => {
      mine = true;
      return attach(deps, caller, repository, digest, ingest);
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
