/** Which tags are immutable: one list a tenant, as it was set last. */
import { jcsText } from "../base/jcs.ts";
import { factKeys } from "./keys.ts";
import type { Loader } from "./loader.ts";
import { selectByKeys } from "./statements.ts";
import type { OciTagRulesTable } from "./tables.ts";
import { RowFold, type View, viewTable } from "./view.ts";

const rules = viewTable("oci_tag_rules", ["tenant", "revision", "rules", "reason", "set_at", "set_by"], ["tenant"]);

export const ociTagRulesView: View = {
  name: "oci_tag_rules",
  version: 1,
  tables: [rules],
  async reduce(trx, events) {
    const rows = new RowFold(rules);
    for (const event of events) {
      if (event.type !== "v1.oci.tag_rules_set") continue;
      const { tenant, payload, occurred_at, actor } = event;
      rows.put({
        tenant,
        revision: payload.previous + 1,
        rules: jcsText(payload.rules),
        reason: payload.reason,
        set_at: occurred_at,
        set_by: actor,
      });
    }
    await rows.flush(trx);
  },
};

export const tagRulesOf: Loader<string, OciTagRulesTable> = {
  name: "oci tag rules",
  keyOf: factKeys.ociTagRules,
  async load(db, tenants) {
    const keys = tenants.map((tenant) => [tenant]);
    const rows = await selectByKeys(db, "oci_tag_rules", rules.columns, ["tenant"], keys);
    return new Map(rows.map((row) => [factKeys.ociTagRules(row.tenant), row]));
  },
};
