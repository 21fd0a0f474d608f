import { authorize } from "../access/decide.ts";
import type { Caller } from "../spi/authenticator.ts";
import { selectPrepared } from "../views/statements.ts";
import type { OciRepositoriesTable } from "../views/tables.ts";
import type { OciDeps } from "./deps.ts";
import { checkLast, checkPageLimit, MAX_PAGE } from "./page.ts";

export interface RepositoriesQuery {
  readonly limit: number;
  readonly last?: string;
  readonly prefix?: string;
}

/** The catalog; no part of the spec, but asked for by many clients. */
export async function listRepositories(
  deps: OciDeps,
  caller: Caller,
  input: Partial<RepositoriesQuery> = {},
): Promise<{ readonly repositories: readonly string[]; readonly more: boolean }> {
  authorize(caller, "oci:catalog");
  const limit = checkPageLimit(input.limit ?? MAX_PAGE, 0);
  const { rows, more } = await repositoriesPage(deps, caller, ["name"], { ...input, limit });
  return { repositories: rows.map(({ name }) => name), more };
}

/** Up to `limit` of the caller's tenant after `last`, in byte order of their names. */
export async function repositoriesPage<C extends keyof OciRepositoriesTable>(
  { database: { read: db } }: OciDeps,
  { tenant }: Caller,
  columns: readonly C[],
  { limit, ...input }: RepositoriesQuery,
): Promise<{ readonly rows: readonly Pick<OciRepositoriesTable, C>[]; readonly more: boolean }> {
  const [last, prefix] = [checkLast(input.last), checkLast(input.prefix)];
  const build = () =>
    db
      .selectFrom("oci_repositories")
      .select(columns as readonly (keyof OciRepositoriesTable)[])
      .where("tenant", "=", "")
      .where("name", ">", "")
      .where("name", ">=", "")
      .where("name", "<", "")
      .orderBy("name")
      .limit(1)
      .compile();
  // A name is ASCII and ends before DEL.
  const parameters = [tenant, last, prefix, `${prefix}\x7f`, limit + 1];
  const key = `oci repositories ${columns.join()}`;
  const rows = await selectPrepared<Pick<OciRepositoriesTable, C>>(db, key, build, parameters);
  return { rows: rows.slice(0, limit), more: limit > 0 && rows.length > limit };
}
