import { z } from "@hono/zod-openapi";
import { EXAMPLE_ADDRESS } from "./common.ts";

const finding = {
  backend_id: z.string().openapi({ description: "Storage backend", example: "fs" }),
  key: z.string().openapi({ description: "In the backend" }),
  size: z.int().openapi({ description: "Bytes" }),
};

export const DoctorReportSchema = z
  .object({
    healthy: z.boolean().openapi({ description: "Nothing is missing or wrong; leftovers do not count" }),
    staged: z
      .array(z.object({ ...finding, resumable: z.literal(true).optional() }))
      .openapi({ description: "Unfinished uploads that nobody will finish" }),
    scratch: z.array(z.string()).openapi({ description: "Databases of a `replay --check` that never ended" }),
    orphans: z
      .array(z.object({ ...finding, address: z.string().optional(), generation: z.int().optional() }))
      .openapi({ description: "Stored bytes that no name points at" }),
    missing: z
      .array(
        z.object({
          backend_id: finding.backend_id,
          key: finding.key,
          content_address: z.string().openapi({ example: EXAMPLE_ADDRESS }),
          problem: z.enum(["missing", "size"]),
        }),
      )
      .openapi({ description: "Recorded bytes that are not there, or have another length" }),
    quarantined: z.array(z.string()).openapi({ description: "Content addresses of what was found damaged" }),
    stale_views: z.array(z.string()).openapi({ description: "Views that need `artifactstore replay`" }),
    open_packages: z.int().openapi({ description: "For information" }),
  })
  .openapi("DoctorReport");

export const FixReportSchema = z
  .object({
    report: DoctorReportSchema,
    removed_staged: z.int(),
    removed_orphans: z.int(),
    removed_scratch: z.int(),
    freed_bytes: z.int(),
  })
  .openapi("FixReport");

export const DoctorQuery = z.strictObject({
  grace: z
    .string()
    .regex(/^(?:0|[1-9][0-9]{0,14})$/, "A whole number of seconds")
    .transform(Number)
    .optional()
    .openapi({
      type: "integer",
      minimum: 0,
      maximum: 999_999_999_999_999,
      default: 86_400,
      description: "Seconds; younger leftovers may belong to work under way and are left alone",
      example: 86_400,
    } as never),
});
