import { authorize } from "../access/decide.ts";
import type { Caller } from "../spi/authenticator.ts";
import { selectByKeys } from "../views/statements.ts";
import type { RepositorySummary } from "./administration.ts";
import type { OciDeps } from "./deps.ts";
import { listRepositories } from "./list_repositories.ts";
import { checkPageLimit } from "./page.ts";

const DEFAULT_PAGE = 100;

export async function browseRepositories(
  deps: OciDeps,
  caller: Caller,
  input: { readonly prefix?: string; readonly limit?: number; readonly cursor?: string } = {},
): Promise<{ readonly items: readonly RepositorySummary[]; readonly cursor?: string }> {
  authorize(caller, "oci:catalog");
  const { prefix, cursor } = input;
  const limit = checkPageLimit(input.limit ?? DEFAULT_PAGE, 1);
  const page = await listRepositories(deps, caller, {
    limit,
    ...(prefix !== undefined && { prefix }),
    ...(cursor !== undefined && { last: cursor }),
  });
  const columns = ["repository_id", "name", "created_at", "created_by"] as const;
  const keys = page.repositories.map((name) => [caller.tenant, name]);
  const rows = await selectByKeys(deps.database.read, "oci_repositories", columns, ["tenant", "name"], keys);
  const items = rows.sort((a, b) => (a.name < b.name ? -1 : 1));
  const last = page.repositories.at(-1);
  return page.more && last !== undefined ? { items, cursor: last } : { items };
}
