import { z } from "@hono/zod-openapi";
import { EXAMPLE_ID, GRAMMAR, page, time } from "./common.ts";

const DIGEST = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

const name = { ...GRAMMAR.name, maxLength: 255 };

export const RepositoryParam = z.object({
  name: z.string().openapi({
    ...name,
    description:
      "Name of a repository. Slashes are sent as `%2F`, or plain; a plain path that ends in `/tags/{tag}/history` or `/tags/{tag}/restore` is that of a tag, whatever repositories are called",
    example: "team/app",
  }),
});

export const TagParams = RepositoryParam.extend({
  tag: z.string().openapi({ ...GRAMMAR.version, description: "A tag", example: "1.0" }),
});

// `examples`, not `example`: see PackageQuery.
export const RepositoryQuery = z.strictObject({
  prefix: z
    .string()
    .optional()
    .openapi({ maxLength: 300, description: "Names that begin so", examples: ["team/"] }),
  ...page,
});

const summary = {
  repository_id: z.uuid().openapi({ description: "Subject of its events", example: EXAMPLE_ID }),
  name: z.string().openapi({ example: "team/app" }),
  created_at: time(),
  created_by: z.string().openapi({ description: "Opaque id of a principal", example: "local:ci" }),
};

export const RepositorySummarySchema = z.object(summary).openapi("RepositorySummary");

export const RepositoryPageSchema = z
  .object({
    items: z.array(RepositorySummarySchema),
    next_cursor: z.string().nullable().openapi({ description: "Null on the last page" }),
  })
  .openapi("RepositoryPage");

const counts = {
  tags: z.int().openapi({ example: 3 }),
  manifests: z.int().openapi({ example: 5 }),
  blobs: z.int().openapi({ description: "Each once, whatever its digests", example: 12 }),
};

export const RepositorySchema = z
  .object({
    ...summary,
    ...counts,
    bytes: z.int().openapi({
      description: "Of blobs and manifests. The store may hold less: equal bytes lie there once",
      example: 1048576,
    }),
    last_push: time().nullable().openapi({ description: "When the newest of all that is there came, or moved" }),
    last_pull: time().nullable().openapi({
      description: "The hour of the last pull of a manifest, a minute late; null: none since `pull_tracking_since`",
    }),
    pull_tracking_since: time(),
  })
  .openapi("Repository");

export const DeleteRepositoryQuery = z.strictObject({
  reason: z
    .string()
    .optional()
    .openapi({
      minLength: 1,
      maxLength: 2000,
      description: "Kept in the log. Required, unless `dry_run` is true",
      examples: ["The project ended"],
    }),
  dry_run: z
    .enum(["true", "false"])
    .optional()
    .transform((text) => text === "true")
    .openapi({ type: "boolean", default: false, description: "Say what would go, and delete nothing" } as never),
});

export const DeletedRepositorySchema = z
  .object({
    repository_id: z.uuid().openapi({ example: EXAMPLE_ID }),
    name: z.string().openapi({ example: "team/app" }),
    ...counts,
    deleted: z.boolean().openapi({ description: "False for a dry run" }),
  })
  .openapi("DeletedRepository");

const sequence = (description: string) => z.int().openapi({ description, example: 4711 });

const TagHistoryEntrySchema = z
  .object({
    sequence: sequence("Of the event, in the caller's feed"),
    occurred_at: time(),
    actor: z.string().openapi({ example: "local:ci" }),
    event: z.string().openapi({
      description:
        "Its type: `v1.oci.tag_moved`, `v1.oci.tag_deleted`, `v1.oci.manifest_deleted` or `v1.oci.repository_deleted`",
      example: "v1.oci.tag_moved",
    }),
    digest: z.string().nullable().openapi({
      description: "What the tag pointed at from then on; null: nothing",
      example: DIGEST,
    }),
    restored_from: sequence("Of the entry that was restored by this one").nullable(),
    state: z.enum(["current", "kept", "removed", "absent"]).openapi({
      description:
        "`current`: it points there now. `kept`: it does not, and can be restored. `removed`: what it pointed at is gone. `absent`: it pointed at nothing",
    }),
    removed: z
      .object({ sequence: sequence("Of the event that took the content away"), occurred_at: time() })
      .nullable()
      .openapi({ description: "Of `removed`" }),
    protected_until: time()
      .nullable()
      .openapi({ description: "Of `kept`: until then nothing but a request of its own takes the content away" }),
  })
  .openapi("TagHistoryEntry");

export const TagHistoryPageSchema = z
  .object({
    items: z.array(TagHistoryEntrySchema),
    next_cursor: z.string().nullable().openapi({ description: "Null on the last page" }),
  })
  .openapi("TagHistoryPage");

export const RestoreTagSchema = z
  .strictObject({
    as_of: z.union([z.int().min(0), z.string()]).openapi({
      description:
        "The sequence of an entry of the history, or of any event: after it. Or a time (RFC 3339): before the tag's first event that is later. Not one that is still to come",
      example: 4711,
    }),
  })
  .openapi("RestoreTag");

export const RestoredTagSchema = z
  .object({
    repository: z.string().openapi({ example: "team/app" }),
    tag: z.string().openapi({ example: "1.0" }),
    digest: z.string().openapi({ example: DIGEST }),
    previous: z.string().nullable().openapi({ description: "What it pointed at before", example: DIGEST }),
    restored_from: sequence("Of the entry"),
    moved: z.boolean().openapi({ description: "False: it pointed there already" }),
  })
  .openapi("RestoredTag");
