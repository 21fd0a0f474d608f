import { authorize } from "../access/decide.ts";
import type { Caller } from "../spi/authenticator.ts";
import { loadOne } from "../views/loader.ts";
import { tallyOf } from "../views/oci_contents.ts";
import { repositoryByName } from "../views/oci_repositories.ts";
import type { RepositoryDetails } from "./administration.ts";
import type { OciDeps } from "./deps.ts";
import { checkRepository, repositoryNotFound } from "./names.ts";

export async function showRepository(
  deps: OciDeps,
  caller: Caller,
  input: { readonly repository: string },
): Promise<RepositoryDetails> {
  authorize(caller, "oci:pull");
  const { repository: name } = input;
  checkRepository(name);
  const db = deps.database.read;
  const row = await loadOne(db, repositoryByName, { tenant: caller.tenant, name });
  if (row === undefined) throw repositoryNotFound(name);
  const { repository_id, created_at, created_by } = row;
  return {
    ...{ repository_id, name, created_at, created_by },
    ...(await tallyOf(db, repository_id)),
    last_pull: await deps.pulls.lastOf(repository_id),
    pull_tracking_since: await deps.pulls.since(),
  };
}
