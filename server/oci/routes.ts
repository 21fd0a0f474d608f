/**
 * `/v2/`: OCI Distribution (distribution-spec, main). One door for everything, because names contain slashes: what a
 * path means is for `path.ts` to say. Not in the OpenAPI description, which has no words for such paths.
 */
import { type ChunkPool, checkRepository, type OciRegistry } from "../../core/mod.ts";
import type { Caller } from "../../core/spi/mod.ts";
import type { Ask } from "../env.ts";
import { HttpError } from "../http/error.ts";
import { type Reply, setHeader } from "../http/reply.ts";
import type { OciHandler } from "./answers.ts";
import { deleteBlob, getBlob } from "./blobs.ts";
import { getVersion, listReferrers, listRepositories, listTags } from "./lists.ts";
import { deleteManifest, getManifest, putManifest } from "./manifests.ts";
import { matchOciPath, type OciKind, type OciTarget } from "./path.ts";
import { appendUpload, cancelUpload, completeUpload, getUpload, startUpload } from "./uploads.ts";

type Handlers = Readonly<Record<string, OciHandler>>;

/** GET answers HEAD too. */
const HANDLERS: Readonly<Record<OciKind, Handlers>> = {
  version: { GET: getVersion },
  catalog: { GET: listRepositories },
  tags: { GET: listTags },
  referrers: { GET: listReferrers },
  manifest: { GET: getManifest, PUT: putManifest, DELETE: deleteManifest },
  blob: { GET: getBlob, DELETE: deleteBlob },
  uploads: { POST: startUpload },
  upload: { GET: getUpload, PATCH: appendUpload, PUT: completeUpload, DELETE: cancelUpload },
};

export function ociDoor(oci: OciRegistry, chunks: ChunkPool | undefined): (ask: Ask, caller: Caller) => Promise<Reply> {
  return async ({ request, path }, caller) => {
    const target = targetOf(path);
    const handle = handlerOf(target.kind, request.method);
    const reply = await handle({ oci, caller, request, target, chunks });
    setHeader(reply, "docker-distribution-api-version", "registry/2.0");
    return reply;
  };
}

/** @throws {HttpError} `not_found` @throws {RegistryError} `invalid_name` */
function targetOf(path: string): OciTarget {
  const target = matchOciPath(path);
  if (target === undefined) throw new HttpError("not_found", "There is no such path in the OCI distribution API");
  const { repository, reference } = target;
  // Before a body is read.
  if (repository !== "") checkRepository(repository);
  return reference.includes("%") ? { ...target, reference: decodeURIComponent(reference) } : target;
}

/** @throws {HttpError} `method_not_allowed` */
function handlerOf(kind: OciKind, method: string): OciHandler {
  const handlers = HANDLERS[kind];
  const wanted = method === "HEAD" ? "GET" : method;
  const handler = Object.hasOwn(handlers, wanted) ? handlers[wanted] : undefined;
  if (handler !== undefined) return handler;
  const allow = Object.keys(handlers)
    .flatMap((name) => (name === "GET" ? ["GET", "HEAD"] : [name]))
    .join(", ");
  throw new HttpError("method_not_allowed", `Allowed here: ${allow}`, { allow });
}
