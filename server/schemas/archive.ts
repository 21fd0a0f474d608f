/** Archives in the description: what became of their entries. */
import { z } from "@hono/zod-openapi";
import { EXAMPLE_ADDRESS, EXAMPLE_ID } from "./common.ts";

const ArchiveOutcomeSchema = z
  .object({
    path: z.string().openapi({ example: "results/junit.xml" }),
    kind: z.enum(["file", "directory", "symlink"]),
    outcome: z.enum(["added", "kept", "implied"]).openapi({
      description:
        "`added`: it is an entry now. `kept`: a directory that was an entry before. `implied`: a directory that something lies in; only empty ones are entries",
    }),
    size: z.int().optional().openapi({ description: "Of files. Bytes", example: 1234 }),
    content_address: z.string().optional().openapi({ description: "Of files", example: EXAMPLE_ADDRESS }),
  })
  .openapi("ArchiveOutcome");

export const ArchiveReportSchema = z
  .object({
    package_id: z.uuid().openapi({ example: EXAMPLE_ID }),
    added: z.int().openapi({ description: "Entries that are new", example: 1 }),
    bytes: z.int().openapi({ description: "Bytes of the added files", example: 1234 }),
    entries: z.array(ArchiveOutcomeSchema).openapi({ description: "In the order in which the archive names them" }),
  })
  .openapi("ArchiveReport");
