import { z } from "@hono/zod-openapi";
import { EXAMPLE_ADDRESS } from "./common.ts";

const path = () => z.string().openapi({ example: "results/junit.xml" });

export const FileEntrySchema = z
  .object({
    kind: z.literal("file"),
    path: path(),
    content_address: z.string().openapi({ example: EXAMPLE_ADDRESS }),
    size: z.int().openapi({ description: "Bytes", example: 1234 }),
    digests: z.object({
      sha256: z.string().openapi({ description: "Hex" }),
      sha512: z.string().optional().openapi({ description: "Hex; where it was asked for" }),
    }),
    executable: z.boolean(),
    media_type: z.string().nullable().openapi({ example: "application/xml" }),
  })
  .openapi("FileEntry");

const DirectoryEntrySchema = z.object({ kind: z.literal("directory"), path: path() }).openapi("DirectoryEntry");

const SymlinkEntrySchema = z
  .object({ kind: z.literal("symlink"), path: path(), target: z.string().openapi({ example: "junit.xml" }) })
  .openapi("SymlinkEntry");

export const EntrySchema = z
  .discriminatedUnion("kind", [FileEntrySchema, DirectoryEntrySchema, SymlinkEntrySchema])
  .openapi("Entry");

export const EntryPageSchema = z
  .object({
    items: z.array(EntrySchema),
    next_cursor: z.string().nullable().openapi({ description: "Null on the last page" }),
  })
  .openapi("EntryPage");
