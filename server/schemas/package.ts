import { z } from "@hono/zod-openapi";
import { EXAMPLE_ADDRESS, EXAMPLE_ID, GRAMMAR, page, time } from "./common.ts";

/** A JSON object exactly as it was sent: the keys are somebody's own, `__proto__` included. */
export const JsonObject = z
  .custom<Readonly<Record<string, unknown>>>(
    (value) => typeof value === "object" && value !== null && !Array.isArray(value),
    "A JSON object is wanted",
  )
  .openapi({ type: "object", additionalProperties: true });

const ExternalRefSchema = z
  .object({
    system: z.string().openapi({ example: "jira" }),
    id: z.string().openapi({ example: "AS-12" }),
    url: z.string().nullable().openapi({ example: "https://jira.example/browse/AS-12" }),
  })
  .openapi("ExternalRef");

const who = () => z.string().openapi({ description: "Opaque id of a principal", example: "local:ci" });

export const PackageSchema = z
  .object({
    package_id: z.uuid().openapi({ example: EXAMPLE_ID }),
    tenant: z.string().openapi({ example: "default" }),
    name: z.string().openapi({ example: "team/app" }),
    version: z.string().nullable().openapi({ example: "1.4.0" }),
    state: z.enum(["open", "finalized", "abandoned"]),
    retention_class: z.string().openapi({ example: "release-evidence" }),
    retention_mode: z.enum(["none", "governance", "compliance"]),
    expires_at: time().nullable(),
    metadata: JsonObject,
    metadata_schema: z.string().nullable(),
    external_refs: z.array(ExternalRefSchema),
    created_at: time(),
    created_by: who(),
    finalized_at: time().nullable(),
    finalized_by: who().nullable(),
    manifest_digest: z.string().nullable().openapi({ example: EXAMPLE_ADDRESS }),
    file_count: z.int().nullable().openapi({ description: "Known once finalised" }),
    total_bytes: z.int().nullable().openapi({ description: "Known once finalised" }),
  })
  .openapi("Package");

const PackageWarningSchema = z
  .object({
    code: z.enum(["case_clash"]).openapi({
      description: "`case_clash`: paths that differ only in case, of which some file systems hold only one",
    }),
    message: z.string(),
    count: z.int().openapi({ description: "Sets of paths concerned" }),
    examples: z.array(z.array(z.string())).openapi({
      description: "Some of these sets, and some paths of each",
      example: [["README.txt", "readme.txt"]],
    }),
  })
  .openapi("PackageWarning");

// Not `extend()`, which is written as `allOf`.
export const FinalizedPackageSchema = z
  .object({
    ...PackageSchema.shape,
    warnings: z
      .array(PackageWarningSchema)
      .openapi({ description: "What is allowed and yet worth knowing; empty most of the time" }),
  })
  .openapi("FinalizedPackage");

export const PackagePageSchema = z
  .object({
    items: z.array(PackageSchema),
    next_cursor: z.string().nullable().openapi({
      description: "Null on the last page. A page may be short, or empty, while there are more",
    }),
  })
  .openapi("PackagePage");

export const NewPackageSchema = z
  .strictObject({
    name: z.string().openapi({
      ...GRAMMAR.name,
      description: "OCI repository grammar, 200 bytes at most; many packages may share a name",
      example: "team/app",
    }),
    version: z
      .string()
      .optional()
      .openapi({
        ...GRAMMAR.version,
        description: "OCI tag grammar; taken for good once a package with it is finalised",
        example: "1.4.0",
      }),
    retention_class: z.string().openapi({ description: "Name of a retention class", example: "working" }),
    metadata: JsonObject.optional().openapi({ example: { build: 7, branch: "main" } }),
    metadata_schema: z
      .string()
      .optional()
      .openapi({
        ...GRAMMAR.schemaId,
        description: "Id of a registered JSON Schema that the metadata must satisfy",
      }),
    external_refs: z
      .array(
        z.strictObject({
          system: z.string(),
          id: z.string(),
          url: z.string().nullish().openapi({ description: "http or https" }),
        }),
      )
      .optional(),
  })
  .openapi("NewPackage");

// `examples`, not `example`: consoles fill in the latter, and a filter that nobody asked for hides everything.
export const PackageQuery = z.strictObject({
  name: z
    .string()
    .optional()
    .openapi({ ...GRAMMAR.name, description: "Exact name", examples: ["team/app"] }),
  name_prefix: z
    .string()
    .optional()
    .openapi({ description: "Names that begin so", examples: ["team/"] }),
  state: z.enum(["open", "finalized", "abandoned"]).optional(),
  retention_class: z
    .string()
    .optional()
    .openapi({ description: "Name of a retention class", examples: ["working"] }),
  external_system: z
    .string()
    .optional()
    .openapi({
      description: "Packages with a reference to this system",
      examples: ["jira"],
    }),
  external_id: z
    .string()
    .optional()
    .openapi({
      description: "With `external_system`: to this thing in it",
      examples: ["AS-12"],
    }),
  created_after: z
    .string()
    .optional()
    .openapi({
      ...GRAMMAR.time,
      description: "Created then or later (RFC 3339)",
      examples: ["2026-11-01T00:00:00Z"],
    }),
  created_before: z
    .string()
    .optional()
    .openapi({
      ...GRAMMAR.time,
      description: "Created before then (RFC 3339)",
      examples: ["2026-12-01T00:00:00Z"],
    }),
  metadata: z
    .union([z.string(), z.array(z.string())])
    .optional()
    .transform((given) => (given === undefined ? [] : [given].flat()))
    .openapi({
      type: "array",
      items: { type: "string" },
      maxItems: 8,
      description:
        "`key=value`, up to the first `=`: a top-level key of the metadata whose value is this text, or a number, boolean or null that is written so. Repeat it for several; all must match",
      examples: [["branch=main"]],
    } as never),
  ...page,
});

export const AbandonSchema = z
  .strictObject({
    reason: z.string().openapi({ minLength: 1, description: "Kept in the log", example: "The build was cancelled" }),
  })
  .openapi("Abandon");

export const VerifyReportSchema = z
  .object({
    ok: z.boolean(),
    package_id: z.uuid(),
    objects: z.int().openapi({ description: "Distinct objects that were digested again" }),
    bytes: z.int(),
    manifest_ok: z.boolean().nullable().openapi({ description: "Null for a package without a manifest" }),
    damaged: z.array(
      z.object({
        content_address: z.string(),
        problem: z.enum(["missing", "size", "digest", "unreadable"]),
        paths: z.array(z.string()),
      }),
    ),
  })
  .openapi("VerifyReport");
