/** The unit of work that makes brought bytes a blob of a repository. */
import { type BroughtContent, contentWants, storedEvent } from "../content/place.ts";
import type { NoteAnswer } from "../content/uploads.ts";
import type { NewEvent } from "../events/types.ts";
import type { Digest } from "../identity/digest.ts";
import type { Caller } from "../spi/authenticator.ts";
import { want } from "../views/loader.ts";
import { linkOf } from "../views/oci_blobs.ts";
import type { OciDeps } from "./deps.ts";
import { commitIn, type RepositoryRef } from "./repository_unit.ts";
import type { PushedBlob } from "./types.ts";

export async function linkBlob(
  deps: OciDeps,
  caller: Caller,
  repository: RepositoryRef,
  digest: Digest,
  content: BroughtContent,
  beside?: NoteAnswer,
): Promise<PushedBlob> {
  const { address, size, digests } = content.result;
  const names = [...new Set([digests.sha256.toString(), digest.toString()])].sort();
  // Nothing is awaited from here to the commit.
  content.ready();
  return await commitIn(
    deps,
    caller,
    repository,
    (repositoryId) => ({
      ...contentWants(content),
      link: want(linkOf, { repositoryId, address: address as string }),
    }),
    ({ object, retired, link }, repositoryId) => {
      const events: NewEvent[] = [];
      const stored = storedEvent(content, object, retired === true);
      if (stored !== undefined) events.push(stored);
      const linked = linkedEvent(repositoryId, { content_address: address, size, digests: names }, link);
      if (linked !== undefined) events.push(linked);
      return { events, result: { digest: digest.toString(), size, content_address: address } };
    },
    beside,
  );
}

/** `undefined` where the repository has the blob under all of these digests. */
export function linkedEvent(
  repositoryId: string,
  payload: Extract<NewEvent, { type: "v1.oci.blob_linked" }>["payload"],
  link: readonly string[] = [],
): NewEvent | undefined {
  if (payload.digests.every((digest) => link.includes(digest))) return undefined;
  return { type: "v1.oci.blob_linked", subject: repositoryId, payload };
}
