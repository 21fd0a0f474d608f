import { authorize } from "../access/decide.ts";
import { RegistryError } from "../base/errors.ts";
import { throwIfCancelled } from "../base/stream.ts";
import { Pace } from "../base/turn.ts";
import { checkReason, type Decision } from "../ledger/mod.ts";
import type { Caller } from "../spi/authenticator.ts";
import { loadOne, want } from "../views/loader.ts";
import { contentsOf } from "../views/oci_contents.ts";
import { tagRulesOf } from "../views/oci_tag_rules.ts";
import { tagNamesAfter, tagsMovedSince } from "../views/oci_tags.ts";
import type { OciTagRulesTable } from "../views/tables.ts";
import type { DeletedRepository } from "./administration.ts";
import type { OciDeps } from "./deps.ts";
import { checkRepository, repositoryNotFound } from "./names.ts";
import { commitIn, type RepositoryRef, referExisting } from "./repository_unit.ts";
import { checkTagMayGo, checkTagsMayGo, rulesFor } from "./tag_rules.ts";

export async function deleteRepository(
  deps: OciDeps,
  caller: Caller,
  input: { readonly repository: string; readonly reason?: string; readonly dryRun?: boolean },
): Promise<DeletedRepository> {
  authorize(caller, "oci:delete_repository");
  const { repository: name, reason = "", dryRun = false } = input;
  checkRepository(name);
  if (!dryRun) checkReason(reason);
  if (dryRun) {
    const ref = await referExisting(deps, caller, name);
    const { read } = deps.database;
    const contents = await loadOne(read, contentsOf, ref.id);
    if (contents === undefined) throw repositoryNotFound(name);
    await checkTags(deps, caller, ref, await loadOne(read, tagRulesOf, caller.tenant));
    return { repository_id: ref.id, name, ...contents, deleted: false };
  }
  const deleted = await remove(deps, caller, name, reason);
  // It is gone by now, whatever becomes of these rows.
  await deps.pulls.forget(deleted.repository_id).catch(() => {});
  return deleted;
}

/** Tags of one query. */
const PAGE = 1000;

/** @throws {RegistryError} `tag_immutable`, `cancelled` */
async function checkTags(
  { database }: OciDeps,
  { signal }: Caller,
  { id, name }: RepositoryRef,
  rules: OciTagRulesTable | undefined,
): Promise<void> {
  const ruleOf = rulesFor(rules, name);
  if (ruleOf.count === 0) return;
  const pace = new Pace();
  let page: readonly string[] = [];
  do {
    throwIfCancelled(signal);
    page = await tagNamesAfter(database.read, id, page.at(-1) ?? "", PAGE);
    for (const tag of page) {
      checkTagMayGo(ruleOf, name, tag);
      if (pace.due()) await pace.turn();
    }
  } while (page.length === PAGE);
}

const ATTEMPTS = 5;

async function remove(deps: OciDeps, caller: Caller, name: string, reason: string): Promise<DeletedRepository> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    // Every tag is looked at before, in turns with others; the unit looks at those that moved meanwhile, which are all
    // where the repository is another one by then.
    const { sequence } = await deps.ledger.head();
    const ref = await referExisting(deps, caller, name);
    const known = await loadOne(deps.database.read, tagRulesOf, caller.tenant);
    await checkTags(deps, caller, ref, known);
    const deleted = await commitIn(
      deps,
      caller,
      ref,
      (repositoryId) => ({
        contents: want(contentsOf, repositoryId),
        rules: want(tagRulesOf, caller.tenant),
        moved: want(tagsMovedSince(sequence), repositoryId),
      }),
      ({ contents, rules, moved }, subject): Decision<DeletedRepository | undefined> => {
        if (contents === undefined) throw repositoryNotFound(name);
        if (rules?.revision !== known?.revision) return { events: [], result: undefined };
        checkTagsMayGo(rules, name, moved ?? []);
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
