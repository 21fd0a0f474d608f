import { factKeys } from "./keys.ts";
import type { Loader } from "./loader.ts";
import { selectByKeys } from "./statements.ts";
import type { OciRepositoriesTable } from "./tables.ts";
import { RowFold, type View, viewTable } from "./view.ts";

const repositories = viewTable(
  "oci_repositories",
  ["repository_id", "tenant", "name", "created_at", "created_by"],
  ["repository_id"],
);

export const ociRepositoriesView: View = {
  name: "oci_repositories",
  version: 1,
  tables: [repositories],
  async reduce(trx, events) {
    const rows = new RowFold(repositories);
    for (const event of events) {
      if (event.type !== "v1.oci.repository_created") continue;
      rows.put({
        repository_id: event.subject,
        tenant: event.tenant,
        name: event.payload.name,
        created_at: event.occurred_at,
        created_by: event.actor,
      });
    }
    await rows.flush(trx);
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
