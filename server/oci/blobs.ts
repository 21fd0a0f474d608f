/** Blobs that are there (spec, "Pulling blobs", "Deleting Blobs"). */
import { RegistryError } from "../../core/mod.ts";
import { contentReply } from "../http/content.ts";
import { accepted, type OciHandler } from "./answers.ts";
import { blobRange } from "./headers.ts";

export const getBlob: OciHandler = async ({ oci, caller, request, target, chunks }) => {
  const { repository, reference } = target;
  const { digest, size, intact, open } = await oci.findBlob(caller, { repository, digest: reference });
  // Who asks before a push is to push: good bytes under the digest mend it.
  if (request.method === "HEAD" && !intact) {
    throw new RegistryError("blob_not_found", `The bytes of ${digest} are known to be damaged; push it again`, {
      repository,
      digest,
    });
  }
  return await contentReply(request, {
    ...{ size, open, chunks, validator: digest, rangeOf: blobRange },
    headers: { "docker-content-digest": digest, "cache-control": "private, max-age=31536000, immutable" },
    described: { "content-type": "application/octet-stream" },
  });
};

export const deleteBlob: OciHandler = async ({ oci, caller, target }) => {
  const { repository, reference } = target;
  await oci.deleteBlob(caller, { repository, digest: reference });
  return accepted(202);
};
