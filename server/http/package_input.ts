/** A new package as requests describe it, for the use cases. */
import type { z } from "@hono/zod-openapi";
import type { CreatePackageInput } from "../../core/mod.ts";
import type { NewPackageSchema } from "../schemas/package.ts";
import { given } from "./given.ts";

export function packageInputOf(body: z.output<typeof NewPackageSchema>): CreatePackageInput {
  const { name, retention_class: retentionClass, version, metadata, metadata_schema, external_refs } = body;
  const refs = external_refs?.map(({ system, id, url = null }) => ({ system, id, url }));
  const optional = given({
    version,
    metadata,
    metadataSchema: metadata_schema,
    externalRefs: refs,
  });
  return { name, retentionClass, ...optional };
}
