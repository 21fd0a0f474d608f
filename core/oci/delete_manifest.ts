import { authorize } from "../access/decide.ts";
import type { Caller } from "../spi/authenticator.ts";
import { want } from "../views/loader.ts";
import { manifestByDigest } from "../views/oci_manifests.ts";
import { tagRulesOf } from "../views/oci_tag_rules.ts";
import { tagsOf } from "../views/oci_tags.ts";
import type { OciDeps } from "./deps.ts";
import { checkRepository, manifestNotFound, parseOciDigest } from "./names.ts";
import { commitIn, referExisting } from "./repository_unit.ts";
import { checkTagsMayGo } from "./tag_rules.ts";

/** Spec, "Deleting Manifests". What names it (an index, a referrer) stays. */
export async function deleteManifest(
  deps: OciDeps,
  caller: Caller,
  input: { readonly repository: string; readonly digest: string },
): Promise<{ readonly tags: readonly string[] }> {
  authorize(caller, "oci:delete");
  const { repository } = input;
  checkRepository(repository);
  const digest = parseOciDigest(input.digest).toString();
  const { repositoryId, tags } = await commitIn(
    deps,
    caller,
    await referExisting(deps, caller, repository),
    (repositoryId) => ({
      manifest: want(manifestByDigest, { repositoryId, digest }),
      tags: want(tagsOf, { repositoryId, digest }),
      rules: want(tagRulesOf, caller.tenant),
    }),
    ({ manifest, tags = [], rules }, subject) => {
      if (manifest === undefined) throw manifestNotFound(repository, digest);
      checkTagsMayGo(rules, repository, tags);
      return {
        events: [{ type: "v1.oci.manifest_deleted", subject, payload: { digest, tags } }],
        result: { repositoryId: subject, tags },
      };
    },
  );
  // It is gone by now, whatever becomes of this row.
  await deps.pulls.forget(repositoryId, digest).catch(() => {});
  return { tags };
}
