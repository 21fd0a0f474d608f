/** Imports in the description: what is named, and what came of it. */
import { z } from "@hono/zod-openapi";
import { GRAMMAR } from "./common.ts";
import { FinalizedPackageSchema, NewPackageSchema } from "./package.ts";

const EXAMPLE_DIGEST = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

export const NewOciImportSchema = z
  .strictObject({
    repository: z.string().openapi({
      ...GRAMMAR.name,
      maxLength: 255,
      description: "Name of a repository of `/v2/`",
      example: "team/app",
    }),
    reference: z.string().openapi({
      pattern: "^(?:[A-Za-z0-9_][A-Za-z0-9._-]{0,127}|sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$",
      description: "A tag, or a digest",
      example: "1.0",
    }),
    referrers: z.boolean().optional().openapi({
      default: false,
      description: "Whatever refers to it, or to a manifest that it reaches, comes along: signatures, SBOMs",
    }),
    allow_missing: z.boolean().optional().openapi({
      default: false,
      description: "Go on where manifests name what the repository does not have",
    }),
    ...NewPackageSchema.shape,
  })
  .openapi("NewOciImport");

const count = (description: string, example: number) => z.int().openapi({ description, example });

const OciImportSchema = z
  .object({
    repository: z.string().openapi({ example: "team/app" }),
    reference: z.string().openapi({ example: "1.0" }),
    digest: z.string().openapi({ description: "Of the manifest that was named", example: EXAMPLE_DIGEST }),
    media_type: z.string().openapi({ example: "application/vnd.oci.image.index.v1+json" }),
    manifests: count("Manifests and indexes", 3),
    blobs: count("Configurations and layers", 4),
    referrers: count("Manifests that refer to one of these", 0),
    files: count("All files of the layout", 9),
    bytes: count("All bytes of them", 4_711_000),
    deduplicated_files: count("Files whose bytes were in the store before, as those of every blob are", 4),
    deduplicated_bytes: count("Bytes of these", 4_708_000),
    missing: z.array(z.string()).openapi({
      description: "What manifests name and the repository does not have: up to 100 digests",
      example: [],
    }),
    missing_count: count("All of them", 0),
    foreign_count: count("Layers that may not be distributed, and are not in the repository", 0),
  })
  .openapi("OciImport");

// Not `extend()`, which is written as `allOf`.
export const ImportedPackageSchema = z
  .object({ ...FinalizedPackageSchema.shape, import: OciImportSchema })
  .openapi("ImportedPackage");
