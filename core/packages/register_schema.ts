import { authorize } from "../access/decide.ts";
import { RegistryError } from "../base/errors.ts";
import { jcsText } from "../base/jcs.ts";
import type { Caller } from "../spi/authenticator.ts";
import { want } from "../views/loader.ts";
import { metadataSchemaById } from "../views/metadata_schemas.ts";
import { checkJsonMap, checkSchema, isSchemaId } from "./metadata.ts";
import type { PackageDeps } from "./types.ts";

/**
 * Registers a JSON Schema (2020-12) under an id. A registered schema never changes: the same schema again is fine,
 * another one under the same id is `conflict`.
 * @throws {RegistryError} `invalid_argument`, `invalid_metadata`, `limit_exceeded`, `conflict`, `access_denied`
 */
export async function registerMetadataSchema(
  deps: PackageDeps,
  caller: Caller,
  input: { readonly schemaId: string; readonly schema: Readonly<Record<string, unknown>> },
): Promise<void> {
  authorize(caller, "schema:register");
  const { schemaId } = input;
  if (!isSchemaId(schemaId)) {
    throw new RegistryError(
      "invalid_argument",
      "A schema id has letters, digits and . _ : / # - , 200 characters at most",
    );
  }
  const schema = checkJsonMap(input.schema, "The schema", deps.limits.maxMetadataBytes);
  checkSchema(schema);
  const text = jcsText(schema);
  await deps.ledger.commit(caller, {
    wants: { existing: want(metadataSchemaById, { tenant: caller.tenant, schemaId }) },
    decide({ existing }) {
      if (existing !== undefined) {
        if (existing.schema_json === text) return { events: [], result: undefined };
        throw new RegistryError(
          "conflict",
          `The schema ${JSON.stringify(schemaId)} is registered with other content; choose another id`,
          {
            schema_id: schemaId,
          },
        );
      }
      return {
        events: [
          { type: "v1.metadata_schema.registered", subject: schemaId, payload: { schema_id: schemaId, schema } },
        ],
        result: undefined,
      };
    },
  });
}
