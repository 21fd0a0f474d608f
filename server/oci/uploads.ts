/** Blobs that come (spec, "Pushing blobs", "Cancel a blob upload", "Mounting a blob from another repository"). */
import { isRepository, RegistryError } from "../../core/mod.ts";
import { contentLength, passingBodyOf } from "../http/body.ts";
import { accepted, type OciHandler, pushed, queryOf, uploadState } from "./answers.ts";
import { chunkOf } from "./headers.ts";

/** Mounts where it can; takes the whole blob where the digest is given; else begins an upload. */
export const startUpload: OciHandler = async ({ oci, caller, request, target: { repository }, chunks }) => {
  const query = queryOf(request);
  const [mount, from, digest] = [query.get("mount"), query.get("from"), query.get("digest")];
  // A mount that cannot be is an upload, also where nothing can be called by the name that it is to come from.
  if (mount !== null && (!from || isRepository(from))) {
    const mounted = await oci.mountBlob(caller, { repository, digest: mount, ...(from && { from }) });
    if (mounted !== undefined) return pushed(repository, mounted);
  }
  const length = contentLength(request.headers);
  if (digest !== null) {
    const source = passingBodyOf(request, chunks);
    const whole = { repository, digest, source, ...(length !== undefined && { length }) };
    return pushed(repository, await oci.pushBlob(caller, whole));
  }
  if (length !== undefined && length > 0) {
    throw new RegistryError(
      "invalid_argument",
      "A POST with content needs ?digest=; without it, send the content to the Location of the answer",
    );
  }
  const algorithm = query.get("digest-algorithm");
  const upload = await oci.startUpload(caller, { repository, ...(algorithm !== null && { algorithm }) });
  return accepted(202, uploadState(upload));
};

export const appendUpload: OciHandler = async ({ oci, caller, request, target, chunks }) => {
  const { repository, reference: uploadId } = target;
  const source = passingBodyOf(request, chunks);
  const upload = await oci.appendUpload(caller, { repository, uploadId, source, ...chunkOf(request.headers) });
  return accepted(202, uploadState(upload));
};

export const completeUpload: OciHandler = async ({ oci, caller, request, target, chunks }) => {
  const { repository, reference: uploadId } = target;
  const digest = queryOf(request).get("digest");
  if (digest === null) {
    throw new RegistryError("invalid_digest", "PUT ends an upload, and needs ?digest= of the whole blob");
  }
  const chunk = chunkOf(request.headers);
  const last = request.body === null || chunk.length === 0 ? {} : { source: passingBodyOf(request, chunks), ...chunk };
  return pushed(repository, await oci.completeUpload(caller, { repository, uploadId, digest, ...last }));
};

export const getUpload: OciHandler = async ({ oci, caller, target }) => {
  const { repository, reference: uploadId } = target;
  const upload = await oci.getUpload(caller, { repository, uploadId });
  return { status: 204, headers: { ...uploadState(upload), "cache-control": "no-store" }, body: null };
};

export const cancelUpload: OciHandler = async ({ oci, caller, target }) => {
  const { repository, reference: uploadId } = target;
  await oci.cancelUpload(caller, { repository, uploadId });
  return { status: 204, headers: {}, body: null };
};
