import { z } from "@hono/zod-openapi";

export const PackageSchema = z
  .object({
    package_id: z.uuid(),
    tenant: z.string(),
    name: z.string(),
    version: z.string().nullable(),
    state: z.enum(["open", "finalized", "abandoned"]),
    retention_class: z.string(),
    retention_mode: z.enum(["none", "governance", "compliance"]),
    expires_at: z.iso.datetime().nullable(),
    metadata: z.record(z.string(), z.unknown()),
    metadata_schema: z.string().nullable(),
    external_refs: z.array(z.object({ system: z.string(), id: z.string(), url: z.string().nullable() })),
    created_at: z.iso.datetime(),
    created_by: z.string(),
    finalized_at: z.iso.datetime().nullable(),
    finalized_by: z.string().nullable(),
    manifest_digest: z.string().nullable(),
    file_count: z.int().nullable(),
    total_bytes: z.int().nullable(),
  })
  .openapi("Package");
