import { authorize } from "../access/decide.ts";
import type { Caller } from "../spi/authenticator.ts";
import { selectPrepared } from "../views/statements.ts";
import type { OciDeps } from "./deps.ts";
import { checkLast, checkPageLimit, MAX_PAGE } from "./page.ts";

/** The catalog; no part of the spec, but asked for by many clients. */
export async function listRepositories(
  deps: OciDeps,
  caller: Caller,
  input: { readonly limit?: number; readonly last?: string; readonly prefix?: string } = {},
): Promise<{ readonly repositories: readonly string[]; readonly more: boolean }> {
  authorize(caller, "oci:catalog");
  const limit = checkPageLimit(input.limit ?? MAX_PAGE, 0);
  const [last, prefix] = [checkLast(input.last), checkLast(input.prefix)];
  const db = deps.database.read;
  const build = () =>
    db
      .selectFrom("oci_repositories")
      .select("name")
      .where("tenant", "=", "")
      .where("name", ">", "")
      .where("name", ">=", "")
      .where("name", "<", "")
      .orderBy("name")
      .limit(1)
      .compile();
  // A name is ASCII and ends before DEL.
  const parameters = [caller.tenant, last, prefix, `${prefix}\x7f`, limit + 1];
  const rows = await selectPrepared<{ readonly name: string }>(db, "oci catalog page", build, parameters);
  return { repositories: rows.slice(0, limit).map(({ name }) => name), more: limit > 0 && rows.length > limit };
}
