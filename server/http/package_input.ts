/** A new package as requests describe it, for the use cases. */
import type { z } from "@hono/zod-openapi";
import type { CreatePackageInput } from "../../core/mod.ts";
import type { NewPackageSchema } from "../schemas/package.ts";

type Given<T> = { [P in keyof T]?: T[P] | undefined };

/** Without what was not given: core tells "absent" from "undefined". */
export function given<T extends object>(values: Given<T>): Partial<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<T>;
}

export function packageInputOf(body: z.output<typeof NewPackageSchema>): CreatePackageInput {
  const { name, retention_class: retentionClass, version, metadata, metadata_schema, external_refs } = body;
  const refs = external_refs?.map(({ system, id, url = null }) => ({ system, id, url }));
  const optional = given<CreatePackageInput>({
    version,
    metadata,
    metadataSchema: metadata_schema,
    externalRefs: refs,
  });
  return { name, retentionClass, ...optional };
}
