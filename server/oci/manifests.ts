/** Manifests (spec, "Pulling manifests", "Pushing Manifests", "Deleting tags", "Deleting Manifests"). */
import {
  type AsOf,
  checkPushTarget,
  checkTag,
  MAX_OCI_MANIFEST_BYTES,
  parseAsOf,
  parseReference,
  RegistryError,
} from "../../core/mod.ts";
import { contentLength, smallBody } from "../http/body.ts";
import { isNotModified } from "../http/etag.ts";
import { accepted, type OciHandler, queryOf } from "./answers.ts";
import { manifestType } from "./headers.ts";

/** `Accept` is not looked at: a manifest is what was pushed, and nothing else can be made of it without another digest. */
export const getManifest: OciHandler = async ({ oci, caller, request, target }) => {
  const { repository, reference } = target;
  const wanted = { repository, reference, ...asOf(request) };
  const found =
    request.method === "HEAD"
      ? { ...(await oci.findManifest(caller, wanted)), bytes: null }
      : await oci.getManifest(caller, wanted);
  const { digest, media_type, size, bytes } = found;
  const etag = `"${digest}"`;
  const headers = {
    "content-type": media_type,
    "content-length": String(size),
    "docker-content-digest": digest,
    etag,
    "cache-control": "private, no-cache",
  };
  if (isNotModified(request.headers, etag)) {
    return { status: 304, headers: { etag, "docker-content-digest": digest }, body: null };
  }
  return { status: 200, headers, body: bytes };
};

/** `?as-of=`, ours: the manifest that the tag pointed at then (docs/guides/oci.md). */
function asOf(request: Request): { readonly asOf?: AsOf } {
  if (!request.url.includes("?")) return {};
  const [point, ...more] = queryOf(request).getAll("as-of");
  if (more.length > 0) throw new RegistryError("invalid_argument", "as-of names one point in time");
  return point === undefined ? {} : { asOf: parseAsOf(point) };
}

export const putManifest: OciHandler = async ({ oci, caller, request, target }) => {
  const { repository, reference } = target;
  // All that can be refused without the bytes is refused before they come.
  parseReference(reference);
  const tags = queryOf(request).getAll("tag");
  for (const tag of tags) checkTag(tag);
  checkPushTarget(repository, reference, tags);
  const mediaType = manifestType(request.headers);
  if (contentLength(request.headers) === 0) throw new RegistryError("invalid_manifest", "A manifest cannot be empty");
  const bytes = await smallBody(request, MAX_OCI_MANIFEST_BYTES);
  const result = await oci.pushManifest(caller, {
    ...{ repository, reference, bytes, tags },
    ...(mediaType !== undefined && { mediaType }),
  });
  return accepted(201, {
    location: `/v2/${repository}/manifests/${result.digest}`,
    "docker-content-digest": result.digest,
    ...(result.subject !== null && { "oci-subject": result.subject }),
    ...(tags.length > 0 && { "oci-tag": result.tags.join(", ") }),
  });
};

export const deleteManifest: OciHandler = async ({ oci, caller, target }) => {
  const { repository, reference } = target;
  if (reference.includes(":")) await oci.deleteManifest(caller, { repository, digest: reference });
  else await oci.deleteTag(caller, { repository, tag: reference });
  return accepted(202);
};
