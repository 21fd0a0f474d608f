import type { Kysely } from "kysely";
import { factKeys } from "./keys.ts";
import type { Loader } from "./loader.ts";
import { selectByKeys } from "./statements.ts";
import type { OciDeletedRepositoriesTable, OciRepositoriesTable, Tables } from "./tables.ts";
import { RowFold, type View, viewTable } from "./view.ts";

const repositories = viewTable(
  "oci_repositories",
  ["repository_id", "tenant", "name", "created_at", "created_by"],
  ["repository_id"],
);

const deleted = viewTable(
  "oci_deleted_repositories",
  ["repository_id", "tenant", "name", "deleted_sequence", "deleted_at", "deleted_by"],
  ["repository_id"],
);

export const ociRepositoriesView: View = {
  name: "oci_repositories",
  version: 1,
  tables: [repositories, deleted],
  async reduce(trx, events) {
    const rows = new RowFold(repositories);
    const past = new RowFold(deleted);
    for (const event of events) {
      const { subject: repository_id, tenant, occurred_at, actor } = event;
      if (event.type === "v1.oci.repository_created") {
        const { name } = event.payload;
        rows.put({ repository_id, tenant, name, created_at: occurred_at, created_by: actor });
      } else if (event.type === "v1.oci.repository_deleted") {
        const { name } = event.payload;
        rows.remove([repository_id]);
        past.put({
          ...{ repository_id, tenant, name },
          ...{ deleted_sequence: event.sequence, deleted_at: occurred_at, deleted_by: actor },
        });
      }
    }
    await rows.flush(trx);
    await past.flush(trx);
  },
};

export const repositoryByName: Loader<{ tenant: string; name: string }, OciRepositoriesTable> = {
  name: "oci repository",
  keyOf: ({ tenant, name }) => factKeys.ociRepository(tenant, name),
  async load(db, keys) {
    const tuples = keys.map(({ tenant, name }) => [tenant, name]);
    const rows = await selectByKeys(db, "oci_repositories", repositories.columns, ["tenant", "name"], tuples);
    return new Map(rows.map((row) => [factKeys.ociRepository(row.tenant, row.name), row]));
  },
};

/** Whether it lives: for units in which something comes from another repository than the one that they work in. */
export const repositoryById: Loader<string, OciRepositoriesTable> = {
  name: "oci repository by id",
  keyOf: factKeys.ociRepositoryId,
  async load(db, ids) {
    const keys = ids.map((id) => [id]);
    const rows = await selectByKeys(db, "oci_repositories", repositories.columns, ["repository_id"], keys);
    return new Map(rows.map((row) => [factKeys.ociRepositoryId(row.repository_id), row]));
  },
};

/** Those of a name that are gone, oldest first. */
export async function deletedRepositories(
  db: Kysely<Tables>,
  { tenant, name }: { readonly tenant: string; readonly name: string },
): Promise<readonly OciDeletedRepositoriesTable[]> {
  const rows = await selectByKeys(
    db,
    "oci_deleted_repositories",
    deleted.columns,
    ["tenant", "name"],
    [[tenant, name]],
  );
  return rows
    .map((row) => ({ ...row, deleted_sequence: Number(row.deleted_sequence) }))
    .sort((a, b) => a.deleted_sequence - b.deleted_sequence);
}
