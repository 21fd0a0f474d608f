import { authorize } from "../access/decide.ts";
import type { Caller } from "../spi/authenticator.ts";
import { selectPrepared } from "../views/statements.ts";
import type { OciDeps } from "./deps.ts";
import { checkRepository } from "./names.ts";
import { checkLast, checkPageLimit, MAX_PAGE } from "./page.ts";
import { referExisting } from "./repository_unit.ts";

/** Spec, "Listing Tags". */
export async function listTags(
  deps: OciDeps,
  caller: Caller,
  input: { readonly repository: string; readonly limit?: number; readonly last?: string },
): Promise<{ readonly name: string; readonly tags: readonly string[]; readonly more: boolean }> {
  authorize(caller, "oci:pull");
  const { repository: name } = input;
  checkRepository(name);
  const limit = checkPageLimit(input.limit ?? MAX_PAGE, 0);
  const last = checkLast(input.last);
  const db = deps.database.read;
  const build = () =>
    db
      .selectFrom("oci_repositories as r")
      .innerJoin("oci_tags as t", "t.repository_id", "r.repository_id")
      .select("t.tag")
      .where("r.tenant", "=", "")
      .where("r.name", "=", "")
      .where("t.tag", ">", "")
      .orderBy("t.tag")
      .limit(1)
      .compile();
  const parameters = [caller.tenant, name, last, limit + 1];
  const rows = await selectPrepared<{ readonly tag: string }>(db, "oci tags page", build, parameters);
  if (rows.length === 0) await referExisting(deps, caller, name);
  const tags = rows.slice(0, limit).map(({ tag }) => tag);
  return { name, tags, more: limit > 0 && rows.length > limit };
}
