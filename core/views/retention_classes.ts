import { factKeys } from "./keys.ts";
import type { Loader } from "./loader.ts";
import { selectByKeys } from "./statements.ts";
import type { RetentionClassesTable } from "./tables.ts";
import { RowFold, type View, viewTable } from "./view.ts";

const classes = viewTable("retention_classes", ["name", "duration_days", "mode", "registered_at"], ["name"]);

export const retentionClassesView: View = {
  name: "retention_classes",
  version: 1,
  tables: [classes],
  async reduce(trx, events) {
    const rows = new RowFold(classes);
    for (const event of events) {
      if (event.type !== "v1.retention_class.registered") continue;
      const { name, duration_days, mode } = event.payload;
      rows.put({ name, duration_days, mode, registered_at: event.occurred_at });
    }
    await rows.flush(trx);
  },
};

export const retentionClassByName: Loader<string, RetentionClassesTable> = {
  name: "retention class",
  keyOf: factKeys.retentionClass,
  async load(db, names) {
    const rows = await selectByKeys(
      db,
      "retention_classes",
      classes.columns,
      ["name"],
      names.map((n) => [n]),
    );
    return new Map(rows.map((row) => [factKeys.retentionClass(row.name), row]));
  },
};
