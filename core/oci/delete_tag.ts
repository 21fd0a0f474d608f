import { authorize } from "../access/decide.ts";
import type { Caller } from "../spi/authenticator.ts";
import { want } from "../views/loader.ts";
import { tagRulesOf } from "../views/oci_tag_rules.ts";
import { tagByName } from "../views/oci_tags.ts";
import type { OciDeps } from "./deps.ts";
import { checkRepository, checkTag, manifestNotFound } from "./names.ts";
import { commitIn, referExisting } from "./repository_unit.ts";
import { checkTagsMayGo } from "./tag_rules.ts";

/** Spec, "Deleting tags". */
export async function deleteTag(
  deps: OciDeps,
  caller: Caller,
  input: { readonly repository: string; readonly tag: string },
): Promise<void> {
  authorize(caller, "oci:delete");
  const { repository, tag } = input;
  checkRepository(repository);
  checkTag(tag);
  await commitIn(
    deps,
    caller,
    await referExisting(deps, caller, repository),
    (repositoryId) => ({ found: want(tagByName, { repositoryId, tag }), rules: want(tagRulesOf, caller.tenant) }),
    ({ found, rules }, subject) => {
      if (found === undefined) throw manifestNotFound(repository, tag);
      checkTagsMayGo(rules, repository, [tag]);
      const payload = { tag, digest: found.digest };
      return { events: [{ type: "v1.oci.tag_deleted", subject, payload }], result: undefined };
    },
  );
}
