import { authorize } from "../access/decide.ts";
import { RegistryError } from "../base/errors.ts";
import { readOciManifest } from "../manifest/oci.ts";
import type { Caller } from "../spi/authenticator.ts";
import type { OciTagsTable } from "../views/tables.ts";
import type { AsOf, RestoredTag } from "./administration.ts";
import { inFeed, manifestOf, tagAsOf } from "./as_of.ts";
import type { OciDeps } from "./deps.ts";
import { checkRepository, checkTag, manifestNotFound } from "./names.ts";
import { eventsOf, type Push, requiredBy, wantsOf } from "./push_manifest.ts";
import { commitIn, referExisting } from "./repository_unit.ts";

const ATTEMPTS = 3;

/** A push of what was there: so it needs what a push needs, and whatever forbids a tag to move forbids this. */
export async function restoreTag(
  deps: OciDeps,
  caller: Caller,
  input: { readonly repository: string; readonly tag: string; readonly asOf: AsOf },
): Promise<RestoredTag> {
  authorize(caller, "oci:push");
  const { repository, tag } = input;
  checkRepository(repository);
  checkTag(tag);
  const then = await tagAsOf(deps, caller, input);
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const manifest = await manifestOf(deps, caller, repository, then);
    const { digest, media_type } = manifest;
    const bytes = await deps.manifestBytes.of(manifest);
    if (bytes === undefined) throw manifestNotFound(repository, digest);
    const facts = readOciManifest(bytes, media_type);
    const restoredFrom = then.sequence;
    const push: Push = {
      repository: { tenant: caller.tenant, name: repository },
      ...{ digest, bytes, facts, restoredFrom },
      tags: [tag],
      required: requiredBy(facts, deps),
    };
    const restored = await commitIn(
      deps,
      caller,
      await referExisting(deps, caller, repository),
      (repositoryId) => wantsOf(repositoryId, push),
      (found, repositoryId) => {
        if (found.manifest === undefined) return { events: [], result: undefined };
        const previous = (found[`tag ${tag}`] as OciTagsTable | undefined)?.digest ?? null;
        const events = eventsOf(repositoryId, push, found);
        return { events, result: { previous, moved: events.length > 0 } };
      },
    );
    if (restored === undefined) continue;
    const restored_from = (await inFeed(deps, caller, [restoredFrom]))(restoredFrom);
    return { repository, tag, digest, restored_from, ...restored };
  }
  const message = `The manifests of ${repository} change all the time; try again`;
  throw new RegistryError("conflict", message, { repository, tag });
}
