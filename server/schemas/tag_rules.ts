import { z } from "@hono/zod-openapi";

const MEMBER = "(?:\\\\[\\s\\S]|[^\\\\\\]-])";
/** What `core/base/glob.ts` takes, but for its length, which counts bytes; core refuses, and says where. */
export const PATTERN = `^(?:\\\\[\\s\\S]|[^\\\\\\[]|\\[(?:\\^|(?!\\^))(?:${MEMBER}(?:-${MEMBER})?)+\\])+$`;

const TAG_RULE = {
  repositories: {
    pattern: PATTERN,
    maxLength: 512,
    description:
      "Pattern over whole names of repositories: `*` any characters but `/`, `?` one of them, `[a-z]` and `[^a-z]` one of these or another, `\\` before what is meant as it is. 512 bytes at most",
    example: "acme/*",
  },
  tags: { pattern: PATTERN, maxLength: 512, description: "Pattern over whole tags", example: "v[0-9]*" },
} as const;

const TagRuleSchema = z
  .strictObject({
    repositories: z.string().openapi(TAG_RULE.repositories),
    tags: z.string().openapi(TAG_RULE.tags),
  })
  .openapi("TagRule");

// What is too much or malformed core refuses, which says where.
const rules = () =>
  z.array(TagRuleSchema).openapi({
    maxItems: 100,
    description: "Tags that match both patterns of a rule are immutable; the first such rule is the one that is named",
  });

const revision = () => z.int().openapi({ description: "How often they were set; 0: never", example: 3 });

export const TagRulesSchema = z
  .object({
    revision: revision(),
    rules: rules(),
    reason: z
      .string()
      .nullable()
      .openapi({ description: "Why they were set, the last time", example: "Releases stay" }),
    set_at: z.iso.datetime().nullable().openapi({ example: "2026-11-21T10:40:00.000Z" }),
    set_by: z.string().nullable().openapi({ description: "Opaque id of a principal", example: "local:ci" }),
  })
  .openapi("TagRules");

export const SetTagRulesSchema = z
  .strictObject({
    rules: rules(),
    reason: z
      .string()
      .openapi({ minLength: 1, maxLength: 2000, description: "Kept in the log", example: "Releases stay" }),
    expected: z.int().min(0).optional().openapi({
      description: "The `revision` that was read: with another one by now nothing is set. Without it the last one wins",
      example: 3,
    }),
  })
  .openapi("SetTagRules");

export const PreviewTagRulesSchema = z.strictObject({ rules: rules() }).openapi("PreviewTagRules");

const changing = (description: string) =>
  z
    .object({
      count: z.int(),
      examples: z
        .array(
          z.object({
            repository: z.string().openapi({ example: "acme/app" }),
            tag: z.string().openapi({ example: "v1.0" }),
            rule: z.int().openapi({ description: "Which one, from 1, makes it immutable, or did", example: 1 }),
          }),
        )
        .openapi({ description: "The first 20, in byte order" }),
    })
    .openapi({ description });

export const TagRulesPreviewSchema = z
  .object({
    revision: revision(),
    tags: z.int().openapi({ description: "Tags that there are" }),
    immutable: z.int().openapi({ description: "Those that are immutable today" }),
    becoming_immutable: changing("Tags that are free today"),
    becoming_free: changing("Tags that are immutable today"),
  })
  .openapi("TagRulesPreview");
