import { authorize } from "../access/decide.ts";
import { checkReason } from "../ledger/mod.ts";
import type { Caller } from "../spi/authenticator.ts";
import { loadOne, want } from "../views/loader.ts";
import { contentsOf } from "../views/oci_contents.ts";
import type { DeletedRepository } from "./administration.ts";
import type { OciDeps } from "./deps.ts";
import { checkRepository, repositoryNotFound } from "./names.ts";
import { commitIn, referExisting } from "./repository_unit.ts";

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
    const contents = await loadOne(deps.database.read, contentsOf, ref.id);
    if (contents === undefined) throw repositoryNotFound(name);
    return { repository_id: ref.id, name, ...contents, deleted: false };
  }
  const deleted = await commitIn(
    deps,
    caller,
    ref,
    (repositoryId) => ({ contents: want(contentsOf, repositoryId) }),
    ({ contents }, subject) => {
      if (contents === undefined) throw repositoryNotFound(name);
      const payload = { name, reason, ...contents };
      return {
        events: [{ type: "v1.oci.repository_deleted", subject, payload }],
        result: { repository_id: subject, name, ...contents, deleted: true },
      };
    },
  );
  // It is gone by now, whatever becomes of these rows.
  await deps.pulls.forget(deleted.repository_id).catch(() => {});
  return deleted;
}
