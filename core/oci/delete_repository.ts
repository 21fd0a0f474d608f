import { authorize } from "../access/decide.ts";
import { RegistryError } from "../base/errors.ts";
import { checkReason, type Decision } from "../ledger/mod.ts";
import type { Caller } from "../spi/authenticator.ts";
import { loadOne, want } from "../views/loader.ts";
import { contentsOf } from "../views/oci_contents.ts";
import { tagRulesOf } from "../views/oci_tag_rules.ts";
import { tagNamesOf } from "../views/oci_tags.ts";
import type { DeletedRepository } from "./administration.ts";
import type { OciDeps } from "./deps.ts";
import { checkRepository, repositoryNotFound } from "./names.ts";
import { commitIn, type RepositoryRef, referExisting } from "./repository_unit.ts";
import { checkTagsMayGo, rulesTouch } from "./tag_rules.ts";

export async function deleteRepository(
  deps: OciDeps,
  caller: Caller,
  input: { readonly repository: string; readonly reason?: string; readonly dryRun?: boolean },
): Promise<DeletedRepository> {
  authorize(caller, "oci:delete_repository");
  const { repository: name, reason = "", dryRun = false } = input;
  checkRepository(name);
  if (!dryRun) checkReason(reason);
  const ref = await referExisting(deps, caller, name);
  if (dryRun) {
    const { read } = deps.database;
    const contents = await loadOne(read, contentsOf, ref.id);
    if (contents === undefined) throw repositoryNotFound(name);
    const rules = await loadOne(read, tagRulesOf, caller.tenant);
    if (rulesTouch(rules, name)) checkTagsMayGo(rules, name, (await loadOne(read, tagNamesOf, ref.id)) ?? []);
    return { repository_id: ref.id, name, ...contents, deleted: false };
  }
  const deleted = await remove(deps, caller, ref, reason);
  // It is gone by now, whatever becomes of these rows.
  await deps.pulls.forget(deleted.repository_id).catch(() => {});
  return deleted;
}

const ATTEMPTS = 5;

async function remove(deps: OciDeps, caller: Caller, ref: RepositoryRef, reason: string): Promise<DeletedRepository> {
  const { name } = ref;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    // Every tag is looked at only where a rule could keep one; whether that is so, the unit asks again.
    const known = await loadOne(deps.database.read, tagRulesOf, caller.tenant);
    const deleted = await commitIn(
      deps,
      caller,
      ref,
      (repositoryId) => ({
        contents: want(contentsOf, repositoryId),
        rules: want(tagRulesOf, caller.tenant),
        ...(rulesTouch(known, name) && { tags: want(tagNamesOf, repositoryId) }),
      }),
      ({ contents, rules, tags }, subject): Decision<DeletedRepository | undefined> => {
        if (contents === undefined) throw repositoryNotFound(name);
        if (rules?.revision !== known?.revision) return { events: [], result: undefined };
        checkTagsMayGo(rules, name, tags ?? []);
        const payload = { name, reason, ...contents };
        return {
          events: [{ type: "v1.oci.repository_deleted", subject, payload }],
          result: { repository_id: subject, name, ...contents, deleted: true },
        };
      },
    );
    if (deleted !== undefined) return deleted;
  }
  throw new RegistryError("conflict", "The tag rules change all the time; try again", { repository: name });
}
