import { RowFold, type View, viewTable } from "./view.ts";

const state = viewTable(
  "retention_state",
  ["package_id", "tenant", "retention_class", "mode", "default_expires_at", "current_expires_at", "applied_at"],
  ["package_id"],
);

export const retentionStateView: View = {
  name: "retention_state",
  version: 1,
  tables: [state],
  async reduce(trx, events) {
    const rows = new RowFold(state);
    for (const event of events) {
      if (event.type === "v1.retention.default_applied") {
        const { retention_class, mode, expires_at } = event.payload;
        rows.put({
          package_id: event.subject,
          tenant: event.tenant,
          retention_class,
          mode,
          default_expires_at: expires_at,
          current_expires_at: expires_at,
          applied_at: event.occurred_at,
        });
      } else if (event.type === "v1.package.deleted") {
        rows.remove([event.subject]);
      }
    }
    await rows.flush(trx);
  },
};
