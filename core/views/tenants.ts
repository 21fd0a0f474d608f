import { factKeys } from "./keys.ts";
import type { Loader } from "./loader.ts";
import { selectByKeys } from "./statements.ts";
import type { TenantsTable } from "./tables.ts";
import { RowFold, type View, viewTable } from "./view.ts";

const tenants = viewTable("tenants", ["tenant", "created_at"], ["tenant"]);

export const tenantsView: View = {
  name: "tenants",
  version: 1,
  tables: [tenants],
  async reduce(trx, events) {
    const rows = new RowFold(tenants);
    for (const event of events) {
      if (event.type !== "v1.tenant.created") continue;
      rows.put({ tenant: event.payload.tenant, created_at: event.occurred_at });
    }
    await rows.flush(trx);
  },
};

export const tenantByName: Loader<string, TenantsTable> = {
  name: "tenant",
  keyOf: factKeys.tenant,
  async load(db, names) {
    const rows = await selectByKeys(
      db,
      "tenants",
      tenants.columns,
      ["tenant"],
      names.map((n) => [n]),
    );
    return new Map(rows.map((row) => [factKeys.tenant(row.tenant), row]));
  },
};
