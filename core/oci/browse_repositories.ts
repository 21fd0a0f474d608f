import { authorize } from "../access/decide.ts";
import type { Caller } from "../spi/authenticator.ts";
import type { RepositorySummary } from "./administration.ts";
import type { OciDeps } from "./deps.ts";
import { repositoriesPage } from "./list_repositories.ts";
import { checkPageLimit } from "./page.ts";

const DEFAULT_PAGE = 100;
const COLUMNS = ["repository_id", "name", "created_at", "created_by"] as const;

export async function browseRepositories(
  deps: OciDeps,
  caller: Caller,
  input: { readonly prefix?: string; readonly limit?: number; readonly cursor?: string } = {},
): Promise<{ readonly items: readonly RepositorySummary[]; readonly cursor?: string }> {
  authorize(caller, "oci:catalog");
  const { prefix, cursor } = input;
  const limit = checkPageLimit(input.limit ?? DEFAULT_PAGE, 1);
  const { rows, more } = await repositoriesPage(deps, caller, COLUMNS, {
    limit,
    ...(prefix !== undefined && { prefix }),
    ...(cursor !== undefined && { last: cursor }),
  });
  const last = rows.at(-1);
  return more && last !== undefined ? { items: rows, cursor: last.name } : { items: rows };
}
