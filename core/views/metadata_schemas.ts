import { jcsText } from "../base/jcs.ts";
import { factKeys } from "./keys.ts";
import type { Loader } from "./loader.ts";
import { selectByKeys } from "./statements.ts";
import type { MetadataSchemasTable } from "./tables.ts";
import { RowFold, type View, viewTable } from "./view.ts";

const schemas = viewTable(
  "metadata_schemas",
  ["tenant", "schema_id", "schema_json", "registered_at"],
  ["tenant", "schema_id"],
);

export const metadataSchemasView: View = {
  name: "metadata_schemas",
  version: 1,
  tables: [schemas],
  async reduce(trx, events) {
    const rows = new RowFold(schemas);
    for (const event of events) {
      if (event.type !== "v1.metadata_schema.registered") continue;
      const { schema_id, schema } = event.payload;
      rows.put({
        tenant: event.tenant,
        schema_id,
        schema_json: jcsText(schema),
        registered_at: event.occurred_at,
      });
    }
    await rows.flush(trx);
  },
};

export const metadataSchemaById: Loader<{ tenant: string; schemaId: string }, MetadataSchemasTable> = {
  name: "metadata schema",
  keyOf: ({ tenant, schemaId }) => factKeys.schema(tenant, schemaId),
  async load(db, keys) {
    const tuples = keys.map(({ tenant, schemaId }) => [tenant, schemaId]);
    const rows = await selectByKeys(db, "metadata_schemas", schemas.columns, ["tenant", "schema_id"], tuples);
    return new Map(rows.map((row) => [factKeys.schema(row.tenant, row.schema_id), row]));
  },
};
