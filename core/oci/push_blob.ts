import { authorize } from "../access/decide.ts";
import { RegistryError } from "../base/errors.ts";
import { type ByteSource, toIterable } from "../base/stream.ts";
import { bringContent } from "../content/place.ts";
import type { NoteAnswer } from "../content/uploads.ts";
import type { Digest } from "../identity/digest.ts";
import { coded } from "../ledger/mod.ts";
import type { Caller } from "../spi/authenticator.ts";
import type { OciDeps } from "./deps.ts";
import { linkBlob } from "./link_blob.ts";
import { checkRepository, parseOciDigest } from "./names.ts";
import { refer } from "./repository_unit.ts";
import type { PushedBlob } from "./types.ts";

/** A whole blob in one request (spec, "Single POST"). */
export async function pushBlob(
  deps: OciDeps,
  caller: Caller,
  input: {
    readonly repository: string;
    readonly digest: string;
    readonly source: ByteSource;
    readonly length?: number;
  },
): Promise<PushedBlob> {
  authorize(caller, "oci:push");
  checkRepository(input.repository);
  const digest = parseOciDigest(input.digest);
  const { maxObjectBytes: limit } = deps.limits;
  const { length, source } = input;
  if (length !== undefined && length > limit) {
    throw new RegistryError("limit_exceeded", `A blob may have ${limit} bytes; ${length} were announced`, {
      limit,
      bytes: length,
    });
  }
  return await storeBlob(deps, caller, input.repository, digest, { source, ...(length !== undefined && { length }) });
}

/** Bytes as they come, made a blob of the repository; `beside` goes into the same transaction. */
export async function storeBlob(
  deps: OciDeps,
  caller: Caller,
  name: string,
  digest: Digest,
  { source, length }: { readonly source: ByteSource; readonly length?: number },
  beside?: NoteAnswer,
): Promise<PushedBlob> {
  const repository = await coded(deps.database, () => refer(deps, caller, name));
  const content = await bringContent(
    deps,
    (options) =>
      deps.dataPlane.ingest(toIterable(source), {
        ...options,
        backend_id: deps.backendId,
        max_size: deps.limits.maxObjectBytes,
        ...(caller.signal === undefined ? {} : { signal: caller.signal }),
      }),
    { expected: [digest], ...(length === undefined ? {} : { expected_size: length }) },
  );
  return await coded(deps.database, () => linkBlob(deps, caller, repository, digest, content, beside));
}
